"""Robots that move on a flat floor, and their odometry."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from perception_nodes.simulation.robot_model import RobotModel

STRAIGHT_LIMIT_RAD = 1e-9
STEP_NS = 5_000_000
"""Longest step of the motion."""
STANDSTILL_M_S = 1e-3
WANDER_S = 0.3
"""Correlation time of slip and actuation noise."""


@dataclass(frozen=True, kw_only=True)
class Pose2D:
    """A place on the floor in metres and a heading in rad, counter-clockwise from x."""

    x_m: float = 0.0
    y_m: float = 0.0
    yaw_rad: float = 0.0

    def moved(self, distance_m: float, turn_rad: float) -> Pose2D:
        """Return the pose after driving an arc of this length that turns by this angle."""
        if abs(turn_rad) < STRAIGHT_LIMIT_RAD:
            chord, direction = distance_m, self.yaw_rad
        else:
            chord = distance_m * np.sin(turn_rad / 2) / (turn_rad / 2)
            direction = self.yaw_rad + turn_rad / 2
        return Pose2D(
            x_m=float(self.x_m + chord * np.cos(direction)),
            y_m=float(self.y_m + chord * np.sin(direction)),
            yaw_rad=wrap_angle(self.yaw_rad + turn_rad),
        )


def wrap_angle(angle_rad: float) -> float:
    """Return the same direction within -π..π."""
    return float((angle_rad + np.pi) % (2 * np.pi) - np.pi)


@dataclass(frozen=True, kw_only=True)
class Odometry:
    """
    What wheel encoders report.

    :param pose: base_link in odom; drifts when noise is on.
    :param linear_m_s: forward speed.
    :param angular_rad_s: turning speed, positive left.
    :param stamp_ns: simulated time.
    """

    pose: Pose2D
    linear_m_s: float
    angular_rad_s: float
    stamp_ns: int


class Robot:
    """
    The base of a robot: takes commands, moves, and reports what its wheels did.

    A command that is not renewed within the model's ``cmd_vel_timeout_s`` is dropped by the base
    itself, which then brakes.

    :param start: true pose at time 0; odometry starts at zero.
    :ivar pose: true pose of base_link in the world.
    :ivar linear_m_s: true forward speed.
    :ivar angular_rad_s: true turning speed, positive left.
    """

    def __init__(self, model: RobotModel, start: Pose2D, *, seed: int = 0) -> None:
        self.model = model
        self.pose = start
        self.linear_m_s = self.angular_rad_s = 0.0
        self.odometry = Odometry(pose=Pose2D(), linear_m_s=0.0, angular_rad_s=0.0, stamp_ns=0)
        self._timeout_ns = round(model.cmd_vel_timeout_s * 1e9)
        self._delay_ns = round(model.delay_s * 1e9)
        self._rng = np.random.default_rng(seed)
        self._wanted: list[tuple[int, float, float]] = []
        self._speed, self._turn, self._steering_rad = 0.0, 0.0, 0.0
        self._error = np.zeros(4)

    def command(self, linear_m_s: float, angular_rad_s: float, stamp_ns: int) -> None:
        """
        Set the wanted speeds.

        :param stamp_ns: when the command came in.
        :raises ValueError: speeds that are not finite; the last command stays in force.
        """
        if not np.isfinite([linear_m_s, angular_rad_s]).all():
            raise ValueError(f'speeds must be finite, got {linear_m_s!r}, {angular_rad_s!r}')
        model = self.model
        linear = float(np.clip(linear_m_s, -model.max_speed_m_s, model.max_speed_m_s))
        angular = float(np.clip(angular_rad_s, -model.max_turn_rad_s, model.max_turn_rad_s))
        kept = [entry for entry in self._wanted if entry[0] < stamp_ns]
        self._wanted = [
            *kept, (stamp_ns, linear, angular), (stamp_ns + self._timeout_ns, 0.0, 0.0)
        ]  # fmt: skip

    def advance(self, from_ns: int, to_ns: int) -> None:
        """Move from one simulated time to a later one."""
        scale = 1 + self.model.odometry_noise * self._rng.standard_normal(2)
        seen, now = self.odometry.pose, from_ns
        while now < to_ns:
            later = min(now + STEP_NS, to_ns, self._next_change(now))
            seconds = (later - now) * 1e-9
            self._follow(*self._target(now), seconds)
            lost = self._disturb(seconds)
            self.linear_m_s, self.angular_rad_s = self._speed * lost[0], self._turn * lost[1]
            self.pose = self.pose.moved(self.linear_m_s * seconds, self.angular_rad_s * seconds)
            seen = seen.moved(self._speed * scale[0] * seconds, self._turn * scale[1] * seconds)
            now = later
        self._follow(*self._target(to_ns), 0.0)
        self.odometry = Odometry(
            pose=seen, stamp_ns=to_ns,
            linear_m_s=float(self._speed * scale[0]), angular_rad_s=float(self._turn * scale[1]),
        )  # fmt: skip

    def points_in_world(self, points_xy: np.ndarray) -> np.ndarray:
        """Return (N, 2) points of base_link, in metres, where they are in the world."""
        c, s = np.cos(self.pose.yaw_rad), np.sin(self.pose.yaw_rad)
        rotation = np.array([[c, -s], [s, c]])
        return points_xy @ rotation.T + (self.pose.x_m, self.pose.y_m)

    def _next_change(self, now_ns: int) -> int:
        """Return when the target changes next."""
        coming = [t + self._delay_ns for t, _, _ in self._wanted if t + self._delay_ns > now_ns]
        return min(coming, default=now_ns + STEP_NS)

    def _target(self, now_ns: int) -> tuple[float, float]:
        """Return the speeds that the base aims at, and forget what came before them."""
        past = [entry for entry in self._wanted if entry[0] + self._delay_ns <= now_ns]
        if not past:
            return 0.0, 0.0
        self._wanted = self._wanted[len(past) - 1 :]
        return past[-1][1], past[-1][2]

    def _follow(self, linear: float, angular: float, seconds: float) -> None:
        """Bring the wheels nearer to the wanted speeds."""
        model = self.model
        lags = model.lag_s > 0 and linear != 0  # to stand still a base brakes
        share = 1 - math.exp(-seconds / model.lag_s) if lags else 1.0
        gains = abs(linear) > abs(self._speed) and linear * self._speed >= 0
        limit = model.acceleration_m_s2 if gains else model.braking_m_s2
        self._speed += _limited((linear - self._speed) * share, limit, seconds)
        if linear == 0 and abs(self._speed) < STANDSTILL_M_S:
            self._speed = 0.0
        if not model.ackermann:
            limit = model.turn_acceleration_rad_s2
            self._turn += _limited((angular - self._turn) * share, limit, seconds)
            if angular == 0 and abs(self._turn) < STANDSTILL_M_S:
                self._turn = 0.0
            return
        if abs(linear) > STANDSTILL_M_S:  # at rest the wheels stay as they are
            most = math.radians(model.max_steering_deg)
            wanted = min(max(math.atan(angular * model.wheelbase_m / linear), -most), most)
            limit = math.radians(model.max_steering_deg_s)
            self._steering_rad += _limited((wanted - self._steering_rad) * share, limit, seconds)
        self._turn = self._speed * math.tan(self._steering_rad) / model.wheelbase_m

    def _disturb(self, seconds: float) -> tuple[float, float]:
        """Return the share of linear and turning motion that reaches the floor."""
        model = self.model
        if model.slip == 0 and model.actuation_noise == 0:
            return 1.0, 1.0
        # Ornstein-Uhlenbeck processes: the errors wander instead of jumping at every step.
        times = WANDER_S / max(seconds, 1e-9)
        drift = self._rng.standard_normal(4) * math.sqrt(2 / times)
        self._error += drift - self._error / times
        slip = model.slip * np.clip(1 + 0.5 * self._error[:2], 0, 2)
        moved = 1 - slip + model.actuation_noise * self._error[2:]
        return float(moved[0]), float(moved[1])


def _limited(change: float, rate: float, seconds: float) -> float:
    """Return a change of at most ``rate`` a second; an infinite rate changes at once."""
    if math.isinf(rate):
        return change
    return min(max(change, -rate * seconds), rate * seconds)
