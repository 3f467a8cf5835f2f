"""From path estimates, odometry and obstacles to commands: all of path following but ROS."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perception_nodes.driving.command import STAND, CommandLimiter, DriveCommand
from perception_nodes.driving.config import DrivingConfig
from perception_nodes.driving.controllers import CONTROLLERS
from perception_nodes.driving.prediction import MotionPredictor, MotionSample
from perception_nodes.driving.reference import ReferencePath
from perception_nodes.driving.speed import NO_LIMIT, SpeedBound, SpeedLimit, SpeedPolicy
from perception_nodes.driving.supervisor import (
    DriveState,
    Fault,
    StopReason,
    Supervisor,
    Verdict,
)
from perception_nodes.driving.vital_signs import VitalSigns
from perception_nodes.driving.way_ahead import WayAhead
from perception_nodes.path.estimate import PathEstimate

LONGEST_PERIOD_S = 0.2
"""After a longer pause between two steps the limits count as if this had passed."""
KEPT_S = 3.0
"""Poses are kept for so much longer than anything seen is used: late pictures find theirs."""
END_CLEARANCE_M = 0.1
"""So much more path must be seen before a robot that stands at its end drives on."""


@dataclass(frozen=True, kw_only=True)
class FollowerStatus:
    """
    What was decided and why; the fields of ``PathFollowingStatus``.

    :param path_age_s: NaN before the first; so are all ages.
    :param speed_m_s: by odometry, NaN before the first.
    :param obstacle_m: from the front of the robot; inf is free, NaN when nothing looks.
    """

    state: DriveState
    fault: Fault
    path_age_s: float
    picture_age_s: float
    odometry_age_s: float
    obstacles_age_s: float
    speed_m_s: float
    command: DriveCommand
    speed_bound_m_s: float
    speed_bound_by: str
    obstacle_m: float


class PathFollower:
    """
    Follow a path, safely.

    Times are arguments: ``now_ns`` of the clock that the stamps come from, ``steady_ns`` of one
    that only runs forward. Not thread safe: one caller at a time.

    :param config: everything that can be set.
    :param moves_robot: the robot gets the commands, and acts on them; False where somebody else
        moves it, so that they tell nothing about where it will be.
    """

    def __init__(self, config: DrivingConfig, *, moves_robot: bool = True) -> None:
        self.config = config
        self.vitals = VitalSigns(config)
        self.motion = MotionPredictor(config.actuation_delay_s, config.oldest_s + KEPT_S)
        self._moves_robot = moves_robot
        self._way = WayAhead(config, self.motion)
        self._controller = CONTROLLERS[config.controller](config, config)
        self._speeds = SpeedPolicy(config, config)
        self._limiter = CommandLimiter(config)
        self._supervisor = Supervisor(config, config.brake_m_s2)
        self._limit = NO_LIMIT
        self._enabled = False
        self._lasting: Fault | None = None
        self._last_ns: int | None = None
        self._braking_from = STAND

    @property
    def enabled(self) -> bool:
        """Whether somebody wants the robot to drive."""
        return self._enabled

    def enable(self, enabled: bool) -> None:
        """Want to drive, or not any more; switching off forgets what lasts until then."""
        if enabled and not self._enabled:
            self.motion.compare_anew()
        self._enabled = enabled
        if not enabled:
            self._lasting = None

    def limit_speed(self, limit: SpeedLimit) -> None:
        """Take a limit from outside; it holds until the next one."""
        self._limit = limit

    def reconfigure(self, config: DrivingConfig) -> None:
        """Take over the settings that may change while driving: those of the speed."""
        self.config = config
        self._speeds = SpeedPolicy(config, config)

    def take_estimate(self, estimate: PathEstimate, stamp_ns: int) -> None:
        """Take what was seen of the path in a picture."""
        self._way.take_estimate(estimate, stamp_ns)

    def note_unseen(self, fault: Fault) -> None:
        """Note why a picture could not be looked at: calibration or transform is missing."""
        self._way.note_unseen(fault)

    def take_odometry(self, sample: MotionSample, steady_ns: int) -> None:
        """Take odometry; one that is stamped by another clock is not used."""
        if self.vitals.note_odometry(sample.stamp_ns, steady_ns):
            self.motion.add_odometry(sample)

    def take_obstacles(
        self, source: str, points_xy: np.ndarray, stamp_ns: int, steady_ns: int
    ) -> None:
        """
        Take where a source sees things that must not be touched; an empty one is news, too.

        :param source: value of :class:`~perception_nodes.driving.vital_signs.ObstacleSource`.
        :param points_xy: (N, 2) metres in base_link at the stamp.
        """
        if self.vitals.note_obstacles(source, stamp_ns, steady_ns):
            self._way.take_obstacles(source, points_xy, stamp_ns)

    def step(self, now_ns: int, steady_ns: int) -> FollowerStatus:
        """
        Decide what to command now; call it for every estimate, and at least 20 times a second.

        :returns: the command, and why it is this one.
        """
        if self.vitals.observe_clock(now_ns, steady_ns):
            self._forget()
        seconds = self._period_s(now_ns)
        path, path_faults = self._way.path(now_ns)
        curvature, bound, bound_by = 0.0, 0.0, ''
        obstacle_m = float('nan')
        if path is not None:
            curvature = self._steer(path)
            around, unplaced = self._way.around(path, curvature, now_ns)
            obstacle_m = around.ahead_m if self.config.obstacle_sources else float('nan')
            bound, bound_by = self._speeds.bound(
                path, curvature_1_m=curvature, limit=self._limit, around=around
            )
            path_faults += unplaced + self._way_faults(path, obstacle_m)
        verdict = self._judge(path_faults, now_ns, steady_ns)
        command = self._command(verdict, curvature, bound, seconds)
        self._remember(command, verdict, now_ns)
        return FollowerStatus(
            state=verdict.state,
            fault=verdict.fault,
            path_age_s=self._way.path_age_s(now_ns),
            picture_age_s=self.vitals.picture(now_ns, steady_ns).age_s,
            odometry_age_s=self.vitals.odometry(now_ns, steady_ns).age_s,
            obstacles_age_s=self.vitals.obstacles_age_s(now_ns, steady_ns),
            speed_m_s=self._speed_m_s if self.motion.newest else float('nan'),
            command=command,
            speed_bound_m_s=bound,
            speed_bound_by=bound_by.value if isinstance(bound_by, SpeedBound) else bound_by,
            obstacle_m=obstacle_m,
        )

    @property
    def _speed_m_s(self) -> float:
        return self.motion.newest.speed_m_s if self.motion.newest is not None else 0.0

    def _forget(self) -> None:
        """Begin anew after a jump of the clock: old stamps mean nothing any more."""
        self.motion.reset()
        self.vitals.reset()
        self._way.reset()

    def _period_s(self, now_ns: int) -> float:
        last_ns, self._last_ns = self._last_ns, now_ns
        passed_s = (now_ns - last_ns) * 1e-9 if last_ns is not None else 0.0
        return float(np.clip(passed_s, 0.0, LONGEST_PERIOD_S))

    def _steer(self, path: ReferencePath) -> float:
        """Return the controller's curvature; a failure is remembered until switched off."""
        try:
            curvature = self._controller.command(path, max(0.0, self._speed_m_s))
            if not np.isfinite(curvature):
                raise ValueError(f'the curvature is {curvature!r}')
        except Exception as error:
            words = f'{self.config.controller}: {type(error).__name__}: {error}'
            self._keep_until_disabled(StopReason.CONTROLLER_ERROR, words)
            return 0.0
        return curvature

    def _keep_until_disabled(self, reason: StopReason, words: str) -> None:
        """Keep a fault that a standing robot could not show to be over."""
        self._lasting = Fault(reason, f'{words}; disable and enable to try again')

    def _way_faults(self, path: ReferencePath, obstacle_m: float) -> list[Fault]:
        """Return what of the way ahead forbids to drive."""
        found = []
        waiting = self._supervisor.state is not DriveState.DRIVING
        needed_m = self._speeds.stopping_distance_m(0.0 if waiting else max(0.0, self._speed_m_s))
        needed_m += self.config.stop_clearance_m if waiting else 0.0
        if obstacle_m < needed_m:
            words = f'obstacle {obstacle_m:.2f} m ahead, {needed_m:.2f} m are needed'
            found.append(Fault(StopReason.OBSTACLE, words))
        remaining_m = self._speeds.remaining_m(path)
        if remaining_m < self.config.stop_margin_m + (END_CLEARANCE_M if waiting else 0.0):
            words = f'the visible path ends {remaining_m:.2f} m before the robot'
            found.append(Fault(StopReason.PATH_END, words))
        return found

    def _judge(self, path_faults: list[Fault], now_ns: int, steady_ns: int) -> Verdict:
        if self._enabled and self.motion.contradiction:
            self._keep_until_disabled(StopReason.ODOMETRY_STALE, self.motion.contradiction)
        faults = self.vitals.faults(now_ns, steady_ns) + path_faults
        if self._lasting is not None:
            faults.insert(0, self._lasting)
        fresh = not self.vitals.odometry(now_ns, steady_ns).problem
        return self._supervisor.step(
            enabled=self._enabled, faults=faults, steady_ns=steady_ns,
            speed_m_s=self._speed_m_s if fresh else None,
        )  # fmt: skip

    def _remember(self, command: DriveCommand, verdict: Verdict, now_ns: int) -> None:
        """Note what the robot is told: nothing while disabled, or while somebody else moves it."""
        if self._moves_robot and verdict.state is not DriveState.DISABLED:
            self.motion.add_command(command, now_ns)
        else:
            self.motion.forget_commands()

    def _command(
        self, verdict: Verdict, curvature: float, bound: float, seconds: float
    ) -> DriveCommand:
        if verdict.state is DriveState.DRIVING:
            self._braking_from = self._limiter.limit(bound, curvature, seconds)
            return self._braking_from
        self._limiter.reset()
        if verdict.state is DriveState.STOPPING and verdict.speed_share > 0:
            last = self._braking_from
            return DriveCommand(
                speed_m_s=last.speed_m_s * verdict.speed_share, curvature_1_m=last.curvature_1_m
            )
        return STAND
