"""A robot on a floor without pictures: true motion, late commands, noisy odometry and sight."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pytest

from perception_nodes.driving import DriveCommand, DrivingConfig, MotionSample, PathFollower
from perception_nodes.driving.reference import transformed
from perception_nodes.geometry import PlanarPose
from perception_nodes.path.estimate import PathEstimate

TICK_NS = 10_000_000
FRAME_NS = 30_000_000
MS = 1_000_000
SIGHT_M = (0.35, 2.5)


def course_points(*parts: tuple[float, float], step_m: float = 0.01) -> np.ndarray:
    """Return (N, 3) x, y, heading of a chain of (length, curvature) parts."""
    curvature = np.concatenate([np.full(round(length / step_m), bend) for length, bend in parts])
    heading = np.concatenate([[0.0], np.cumsum(curvature * step_m)])
    middle = heading[:-1] + curvature * step_m / 2
    steps = step_m * np.stack([np.cos(middle), np.sin(middle)], axis=1)
    places = np.concatenate([[[0.0, 0.0]], np.cumsum(steps, axis=0)])
    return np.concatenate([places, heading[:, None]], axis=1)


def estimate_of(
    points_xy: np.ndarray, *, lateral_m: float = 0.0, heading_rad: float = 0.0, confidence=1.0
) -> PathEstimate:
    """Return a valid estimate through points; the errors are those of the robot."""
    return PathEstimate(
        points_xy=points_xy, sigma_m=np.full(len(points_xy), 0.01), lateral_error_m=lateral_m,
        heading_error_rad=heading_rad, curvature_1_m=0.0, curvature_rate_1_m2=0.0,
        covariance=np.diag([1e-4, 1e-4, 1e-2, 1e-2]), width_m=0.5, confidence=confidence,
    )  # fmt: skip


def straight_estimate(length_m: float = 2.5, lateral_m: float = 0.0, **values) -> PathEstimate:
    """Return a straight path ahead of a robot that is to the left of it."""
    x = np.linspace(SIGHT_M[0], length_m, 30)
    points = np.stack([x, np.full_like(x, -lateral_m)], axis=1)
    return estimate_of(points, lateral_m=lateral_m, **values)


@dataclass
class FloorRobot:
    """
    A robot that obeys late, with lag and limits, and slips.

    :param delay_s: from a command to its first effect.
    """

    delay_s: float = 0.05
    lag_s: float = 0.05
    brake_m_s2: float = 3.0
    acceleration_m_s2: float = 3.0
    noise: float = 0.02
    slip: float = 0.02
    odometry_noise: float = 0.01
    timeout_s: float = 0.25
    pose: PlanarPose = field(default_factory=PlanarPose)
    seed: int = 0

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)
        self.speed = self.turn = 0.0
        self.odometry = PlanarPose()
        self.waiting: deque[tuple[int, DriveCommand]] = deque()
        self.acting = DriveCommand()
        self.acted_ns = -(10**12)

    def command(self, command: DriveCommand, now_ns: int) -> None:
        self.waiting.append((now_ns + round(self.delay_s * 1e9), command))

    def advance(self, now_ns: int) -> None:
        """Let one tick pass, ending at ``now_ns``."""
        while self.waiting and self.waiting[0][0] <= now_ns:
            self.acted_ns, self.acting = self.waiting.popleft()
        silent = now_ns - self.acted_ns > self.timeout_s * 1e9
        wanted = DriveCommand() if silent else self.acting
        dt = TICK_NS * 1e-9
        share = dt / max(self.lag_s, dt)
        change = np.clip(
            (wanted.speed_m_s - self.speed) * share,
            -self.brake_m_s2 * dt, self.acceleration_m_s2 * dt,
        )  # fmt: skip
        self.speed = max(0.0, self.speed + change)
        self.turn += np.clip((wanted.turn_rad_s - self.turn) * share, -15 * dt, 15 * dt)
        true = (1 - self.slip) * (1 + self.noise * self.rng.standard_normal(2))
        seen = 1 + self.odometry_noise * self.rng.standard_normal(2)
        self.pose = self.pose @ arc(self.speed * dt * true[0], self.turn * dt * true[1])
        self.odometry = self.odometry @ arc(self.speed * dt * seen[0], self.turn * dt * seen[1])

    def sample(self, now_ns: int) -> MotionSample:
        return MotionSample(
            stamp_ns=now_ns, pose=self.odometry, speed_m_s=self.speed, turn_rad_s=self.turn
        )


def arc(distance_m: float, turn_rad: float) -> PlanarPose:
    """Return the pose at the end of an arc."""
    chord = distance_m * np.sinc(turn_rad / 2 / np.pi)
    return PlanarPose(
        x_m=float(chord * np.cos(turn_rad / 2)), y_m=float(chord * np.sin(turn_rad / 2)),
        yaw_rad=float(turn_rad),
    )  # fmt: skip


@dataclass
class Drive:
    """
    One drive, tick by tick.

    :param clock_ns: what the clock of the stamps shows before steady time.
    """

    follower: PathFollower
    robot: FloorRobot
    course: np.ndarray
    latency_s: float = 0.1
    sight_noise: tuple[float, float] = (0.005, 0.01)
    clock_ns: int = 0
    log: list = field(default_factory=list)
    see: Callable[[int, PathEstimate], PathEstimate | None] = lambda now_ns, estimate: estimate

    def __post_init__(self) -> None:
        self.now_ns = 0
        self.coming: deque[tuple[int, int, PathEstimate]] = deque()
        self.place = 0

    def run(self, seconds: float) -> Iterator[int]:
        """Let time pass; yields every tick's time, before the tick."""
        end_ns = self.now_ns + round(seconds * 1e9)
        while self.now_ns < end_ns and not self.finished:
            yield self.now_ns
            self.tick()

    @property
    def finished(self) -> bool:
        return self.place >= len(self.course) - 60

    @property
    def stamp_ns(self) -> int:
        """The time that stamps bear now."""
        return self.now_ns + self.clock_ns

    def tick(self) -> None:
        self.now_ns += TICK_NS
        self.robot.advance(self.now_ns)
        self.follower.take_odometry(self.robot.sample(self.stamp_ns), self.now_ns)
        if self.now_ns % FRAME_NS == 0:
            self.look()
        while self.coming and self.coming[0][0] <= self.now_ns:
            _, stamp_ns, estimate = self.coming.popleft()
            if self.follower.vitals.note_picture(stamp_ns, self.now_ns):
                self.follower.take_estimate(estimate, stamp_ns)
        if self.now_ns % FRAME_NS == 0:
            status = self.follower.step(self.stamp_ns, self.now_ns)
            self.robot.command(status.command, self.now_ns)
            self.log.append((self.now_ns, self.lateral_m(), self.robot.speed, status))

    def look(self) -> None:
        """Take a picture: the estimate comes after the latency."""
        estimate = self.see(self.now_ns, self.seen())
        if estimate is not None:
            self.coming.append(
                (self.now_ns + round(self.latency_s * 1e9), self.stamp_ns, estimate)
            )

    def seen(self) -> PathEstimate:
        """Return the path ahead of the true pose, with noise of offset and heading."""
        self.lateral_m()
        world = self.course[self.place : self.place + 300, :2]
        ahead = transformed(world, self.robot.pose.inverse())
        reach = np.hypot(*ahead.T)
        ahead = ahead[(reach > SIGHT_M[0]) & (reach < SIGHT_M[1])][::5]
        offset, turn = self.robot.rng.standard_normal(2) * self.sight_noise
        ahead = transformed(ahead, PlanarPose(y_m=float(offset), yaw_rad=float(turn)))
        return estimate_of(ahead)

    def lateral_m(self) -> float:
        """Return the true distance of base_link from the course, left positive."""
        window = self.course[self.place : self.place + 60]
        offsets = np.array([self.robot.pose.x_m, self.robot.pose.y_m]) - window[:, :2]
        index = int(np.argmin(np.hypot(*offsets.T)))
        self.place += index
        heading = window[index, 2]
        return float(-np.sin(heading) * offsets[index, 0] + np.cos(heading) * offsets[index, 1])


S_CURVE = ((1.0, 0.0), (1.5 * np.pi / 2, 1 / 1.5), (1.5 * np.pi / 2, -1 / 1.5), (2.5, 0.0))
TIGHT = ((1.0, 0.0), (0.5 * np.pi / 2, 2.0), (0.5, 0.0), (0.5 * np.pi, -2.0), (0.5, 0.0),
         (0.5 * np.pi / 2, 2.0), (3.0, 0.0))  # fmt: skip
COURSES = {
    'straight': course_points((12.0, 0.0)),
    's_curve': course_points(*S_CURVE),
    'tight': course_points(*TIGHT),
}


def settings(**values) -> DrivingConfig:
    """Return settings of a robot that needs no dead man's switch."""
    return DrivingConfig(**{'require_dead_man': False, **values})


@pytest.fixture
def drive() -> Callable[..., Drive]:
    """Return a function that makes a drive on a course, enabled."""

    def make(course: str = 'straight', *, moves_robot: bool = True, **values) -> Drive:
        follower = PathFollower(settings(**values), moves_robot=moves_robot)
        follower.enable(True)
        return Drive(follower, FloorRobot(), COURSES[course])

    return make


@pytest.fixture
def driving_settings() -> Callable[..., DrivingConfig]:
    return settings


@pytest.fixture
def straight_path() -> Callable[..., PathEstimate]:
    return straight_estimate
