"""One run in lock step: the world waits for the command that belongs to its picture."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from perception_nodes.geometry import CameraModel, RigidTransform
from perception_nodes.simulation.episodes.faults import FaultInjector, FaultKind, FaultPlan
from perception_nodes.simulation.episodes.follower import CameraFrame, Follower, FollowerAnswer
from perception_nodes.simulation.episodes.referee import MOVING_M_S, STANDING_M_S, Referee
from perception_nodes.simulation.episodes.result import (
    EpisodeResult,
    FaultResponse,
    Outcome,
    Trace,
)
from perception_nodes.simulation.world import SimulatedWorld
from perception_nodes.structures import Frame, check_settings, setting

OPTICAL_FRAME = 'camera_optical_frame'
WAITING = 'waiting'
NOISE_STREAM = 17
EXCUSE_AFTER_S = 2.0
"""So long after a fault, or after somebody went out of the way, standing is still excused."""


@dataclass(frozen=True, kw_only=True)
class EpisodeConfig:
    """How an episode runs, and when it ends."""

    rate_hz: float = setting(20.0, 'pictures in a second', minimum=1.0, maximum=200.0)
    latency_s: float = setting(
        0.05, 'from a picture to its command at the base, in simulated time', minimum=0.0,
        maximum=1.0,
    )  # fmt: skip
    watch_s: float = setting(
        0.0125, 'between two looks of the referee', minimum=0.001, maximum=0.1
    )
    speed_m_s: float = setting(0.5, 'speed of the nominal time', minimum=0.05, maximum=5.0)
    laps: int = setting(1, 'rounds on a closed course', minimum=1)
    finish_margin_m: float = setting(
        1.5, 'an open course is finished so far before its end', minimum=0.0
    )
    stall_s: float = setting(6.0, 'standing so long without a cause ends the run', minimum=0.5)
    time_factor: float = setting(3.0, 'time limit as a multiple of the nominal time', minimum=1.0)
    depth: bool = setting(False, 'give the follower depth pictures')
    truth: bool = setting(
        False, 'give the follower true classes for colours: class ids, again, and noise'
    )
    stop_at_departure: bool = setting(True, 'end the run when a wheel leaves the lane')

    def __post_init__(self) -> None:
        """Check every value."""
        check_settings(self)


class Episode:
    """
    A follower drives a world.

    For every picture the follower is asked once; its command reaches the base ``latency_s`` of
    simulated time later, and meanwhile nothing moves but what the simulator moves. Ages are
    simulated, so that the result does not depend on the machine.

    :param world: at its start; the episode leaves it where it ended.
    :param follower: who drives.
    :param fault: what goes wrong on the way.
    """

    def __init__(
        self,
        world: SimulatedWorld,
        follower: Follower,
        config: EpisodeConfig | None = None,
        fault: FaultPlan | None = None,
    ) -> None:
        self.world = world
        self.config = EpisodeConfig() if config is None else config
        self._follower = follower
        self._faults = FaultInjector(fault)
        self._referee = Referee(world)
        camera = world.camera
        self._camera = CameraModel.pinhole(
            camera.size_wh, camera.fx, camera.fy, camera.cx - 0.5, camera.cy - 0.5
        )
        self._mount = RigidTransform.from_matrix(world.base_from_camera)
        self._steady_ns = world.time_ns
        self._answer = FollowerAnswer(status=WAITING)
        self._coming: list[tuple[int, FollowerAnswer]] = []
        self._told: tuple[int, float, float] | None = None
        self._figures_gone_ns = -1

    @property
    def goal_m(self) -> float:
        """Way along the route at which the run is finished."""
        path = self.world.path
        if path.course.closed:
            return path.length_m * self.config.laps
        return max(path.length_m - self.config.finish_margin_m, path.length_m / 2)

    def run(self) -> EpisodeResult:
        """Drive until the finish, or until something ends the run."""
        started_s, started_ns = time.perf_counter(), self.world.time_ns
        nominal_s = self.goal_m / self.config.speed_m_s
        limit_ns = round((nominal_s * self.config.time_factor + 10) * 1e9)
        outcome: Outcome | None = None
        while outcome is None:
            self.tick()
            outcome = self._outcome(self._steady_ns - started_ns >= limit_ns)
        simulated_s = (self.world.time_ns - started_ns) * 1e-9
        return self._result(outcome, simulated_s, time.perf_counter() - started_s, nominal_s)

    def tick(self) -> FollowerAnswer:
        """Take a picture, ask the follower, and move on to the next picture."""
        self._ask()
        period_ns = round(1e9 / self.config.rate_hz)
        end_ns, watch_ns = self._steady_ns + period_ns, round(self.config.watch_s * 1e9)
        while self._steady_ns < end_ns:
            self._obey()
            due = min([end_ns, self._steady_ns + watch_ns, *(when for when, _ in self._coming)])
            step_ns = due - self._steady_ns
            paused = self._faults.is_active(self._steady_ns, FaultKind.PAUSE)
            if not paused:
                self.world.advance(step_ns * 1e-9)
            self._steady_ns += step_ns
            self._referee.observe(
                self._steady_ns, self._in_force(), self._answer.status, self._has_excuse(),
                paused=paused,
            )  # fmt: skip
        return self._answer

    def _ask(self) -> None:
        """Give the follower what arrives now, and keep its command until it is due."""
        steady_ns, faults = self._steady_ns, self._faults
        if faults.is_active(steady_ns, FaultKind.KILLED):
            faults.note_missing(steady_ns)
            self._answer = FollowerAnswer(status=FaultKind.KILLED.value)
            self._follower.reset()
            return
        paused = faults.is_active(steady_ns, FaultKind.PAUSE)
        frame = None if paused else faults.deliver(self._take_picture(), steady_ns)
        if paused:
            faults.note_missing(steady_ns)
        odometry = None if paused else faults.odometry(self.world.odometry, steady_ns)
        now_ns = faults.clock(self.world.time_ns, steady_ns)
        self._answer = self._follower.step(frame, now_ns, odometry, steady_ns=steady_ns)
        due_ns = steady_ns + round(self.config.latency_s * 1e9)
        self._coming.append((due_ns, self._answer))

    def _take_picture(self) -> CameraFrame:
        """Return what the camera sees now."""
        rgb, depth_m = self._see()
        return CameraFrame(
            frame=Frame(pixels=rgb, stamp_ns=self.world.time_ns, frame_id=OPTICAL_FRAME),
            camera=self._camera, base_from_camera=self._mount, depth_m=depth_m,
        )  # fmt: skip

    def _see(self) -> tuple[np.ndarray, np.ndarray | None]:
        """Return the picture, and depth if it is wanted."""
        if not self.config.truth:
            return self.world.picture(depth=self.config.depth)
        class_ids, depth_m = self.world.classes()
        # Truth has no noise, and a living camera never gives the same picture twice.
        rng = np.random.default_rng([self.world.config.seed, NOISE_STREAM, self.world.time_ns])
        noise = rng.integers(0, 256, class_ids.shape, np.uint8)
        picture = np.stack([class_ids, class_ids, noise], axis=2)
        return picture, depth_m if self.config.depth else None

    def _obey(self) -> None:
        """Tell the base what is due."""
        while self._coming and self._coming[0][0] <= self._steady_ns:
            _, answer = self._coming.pop(0)
            self.world.command(answer.linear_m_s, answer.angular_rad_s, self.world.time_ns)
            self._told = (self._steady_ns, answer.linear_m_s, answer.angular_rad_s)

    def _in_force(self) -> tuple[float, float]:
        """Return the speeds that the base aims at: the last command until it is too old."""
        if self._told is None:
            return 0.0, 0.0
        when_ns, linear, angular = self._told
        expired = self._steady_ns - when_ns > self.world.robot.model.cmd_vel_timeout_s * 1e9
        return (0.0, 0.0) if expired else (linear, angular)

    def _has_excuse(self) -> bool:
        """Whether standing still is right now."""
        if any(figure.is_in_the_way(self.world.time_ns) for figure in self.world.figures):
            self._figures_gone_ns = self._steady_ns
        after_ns = round(EXCUSE_AFTER_S * 1e9)
        recent = self._figures_gone_ns >= 0 and self._steady_ns - self._figures_gone_ns < after_ns
        plan = self._faults.plan
        fault = plan is not None and (
            0 <= self._steady_ns * 1e-9 - plan.start_s < plan.duration_s + EXCUSE_AFTER_S
        )
        return recent or (fault and plan is not None and plan.kind is not FaultKind.NONE)

    def _outcome(self, too_late: bool) -> Outcome | None:
        """Return how the run ended, None while it goes on."""
        referee = self._referee
        if referee.contacts:
            return Outcome.CONTACT
        if referee.departures and self.config.stop_at_departure:
            return Outcome.DEPARTED
        if referee.travelled_m >= self.goal_m:
            return Outcome.FINISHED
        if referee.standing_s(self._steady_ns) > self.config.stall_s:
            return Outcome.STOPPED
        return Outcome.TIMED_OUT if too_late else None

    def _result(
        self, outcome: Outcome, simulated_s: float, wall_s: float, nominal_s: float
    ) -> EpisodeResult:
        """Return all that was counted."""
        referee, trace = self._referee, self._referee.trace()
        moving = np.abs(trace.speed_m_s) > STANDING_M_S
        errors = trace.lateral_m[moving] if moving.any() else np.zeros(1)
        lap_s = None
        if outcome is Outcome.FINISHED and referee.moved_at_s is not None:
            lap_s = float(trace.steady_s[-1] - referee.moved_at_s)
        return EpisodeResult(
            course=self.world.path.course.name, seed=self.world.config.seed, outcome=outcome,
            simulated_s=simulated_s, distance_m=referee.travelled_m, lap_time_s=lap_s,
            nominal_time_s=nominal_s, lateral_rms_m=float(np.sqrt(np.mean(errors**2))),
            lateral_max_m=float(np.abs(errors).max()), departures=referee.departures,
            contacts=referee.contacts, stops=referee.stops(),
            fault=_response(self._faults, trace), real_time_factor=simulated_s / wall_s,
            trace=trace,
        )  # fmt: skip


def _response(faults: FaultInjector, trace: Trace) -> FaultResponse | None:
    """Return what the fault led to."""
    plan = faults.plan
    if plan is None or plan.kind is FaultKind.NONE:
        return None
    if faults.observable_ns is None:
        return FaultResponse(
            kind=plan.kind.value, observable_s=None, zero_command_after_s=None,
            at_rest_after_s=None, moved_after_rest_m=None, recovered_after_s=None, speed_m_s=0.0,
        )  # fmt: skip
    seen_s = faults.observable_ns * 1e-9
    steady_s, speed = trace.steady_s, np.abs(trace.speed_m_s)
    zero_s = _first(steady_s, (np.abs(trace.command).max(axis=1) < 1e-6) & (steady_s >= seen_s))
    rest_s = None if zero_s is None else _first(
        steady_s, (speed < STANDING_M_S) & (steady_s >= zero_s)
    )  # fmt: skip
    cleared_s = plan.start_s + plan.duration_s
    wanted = np.abs(trace.command).max(axis=1) > 0
    again_s = _first(steady_s, (speed > MOVING_M_S) & wanted & (steady_s >= cleared_s))
    before = np.flatnonzero(steady_s <= seen_s)
    return FaultResponse(
        kind=plan.kind.value,
        observable_s=seen_s,
        zero_command_after_s=None if zero_s is None else zero_s - seen_s,
        at_rest_after_s=None if rest_s is None or zero_s is None else rest_s - zero_s,
        moved_after_rest_m=None if rest_s is None else _way_m(trace, rest_s, cleared_s),
        recovered_after_s=None if again_s is None else again_s - cleared_s,
        speed_m_s=float(speed[before[-1]]) if len(before) else 0.0,
    )


def _way_m(trace: Trace, from_s: float, to_s: float) -> float:
    """Return the way of base_link between two steady times."""
    between = (trace.steady_s >= from_s) & (trace.steady_s <= to_s)
    return float(np.hypot(*np.diff(trace.pose[between, :2], axis=0).T).sum())


def _first(times_s: np.ndarray, true: np.ndarray) -> float | None:
    """Return the first time at which something is true."""
    places = np.flatnonzero(true)
    return float(times_s[places[0]]) if len(places) else None
