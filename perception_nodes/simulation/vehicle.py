"""A robot with differential drive on a flat floor, its odometry, and a driver that sees all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

STRAIGHT_LIMIT_RAD = 1e-9


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


class DifferentialDrive:
    """
    Kinematics with a command time-out.

    :param start: true pose at time 0; odometry starts at zero.
    :param command_timeout_s: a command older than this stops the robot.
    :param noise: standard deviation of the relative speed error of each odometry step.
    """

    def __init__(
        self,
        start: Pose2D,
        *,
        command_timeout_s: float = 0.25,
        noise: float = 0.0,
        seed: int = 0,
    ) -> None:
        self.pose = start
        self._timeout_ns = round(command_timeout_s * 1e9)
        self._noise = noise
        self._rng = np.random.default_rng(seed)
        self._command = (0.0, 0.0)
        self._command_stamp_ns: int | None = None
        self.odometry = Odometry(pose=Pose2D(), linear_m_s=0.0, angular_rad_s=0.0, stamp_ns=0)

    def command(self, linear_m_s: float, angular_rad_s: float, stamp_ns: int) -> None:
        """
        Set the wanted speeds.

        :raises ValueError: speeds that are not finite; the last command stays in force.
        """
        if not np.isfinite([linear_m_s, angular_rad_s]).all():
            raise ValueError(f'speeds must be finite, got {linear_m_s!r}, {angular_rad_s!r}')
        self._command = (float(linear_m_s), float(angular_rad_s))
        self._command_stamp_ns = stamp_ns

    def advance(self, from_ns: int, to_ns: int) -> None:
        """Move from one simulated time to a later one; the robot stops where time runs out."""
        if self._command_stamp_ns is None:
            stop_ns = from_ns
        else:
            stop_ns = int(np.clip(self._command_stamp_ns + self._timeout_ns, from_ns, to_ns))
        seconds = (stop_ns - from_ns) * 1e-9
        linear, angular = self._command
        self.pose = self.pose.moved(linear * seconds, angular * seconds)
        scale = 1 + self._noise * self._rng.standard_normal(2)
        seen = self.odometry.pose.moved(linear * seconds * scale[0], angular * seconds * scale[1])
        moving = stop_ns == to_ns
        self.odometry = Odometry(
            pose=seen,
            linear_m_s=float(linear * scale[0]) if moving else 0.0,
            angular_rad_s=float(angular * scale[1]) if moving else 0.0,
            stamp_ns=to_ns,
        )
