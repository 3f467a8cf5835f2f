"""What a simulated robot is: its drive, its measures, its limits and its faults of motion."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from perception_nodes.structures import check_settings, setting


class DriveKind(str, Enum):
    """How a robot turns."""

    DIFFERENTIAL = 'differential'
    ACKERMANN = 'ackermann'


@dataclass(frozen=True, kw_only=True)
class RobotModel:
    """
    A robot on wheels; ``base_link`` lies on the floor in the middle of the driven axle.

    A command takes effect ``delay_s`` after it comes in, through a first-order lag and within
    the limits; zero speed makes it brake, without the lag. Wheels slip, so that the robot moves
    less than they turn; odometry sees wheels.
    """

    kind: str = setting(
        DriveKind.DIFFERENTIAL.value,
        'how it turns',
        choices=tuple(item.value for item in DriveKind),
    )
    length_m: float = setting(0.28, 'length of the body', minimum=0.05, maximum=3.0)
    width_m: float = setting(0.20, 'width over the wheels', minimum=0.05, maximum=2.0)
    rear_m: float = setting(
        0.08, 'how far the body reaches behind base_link', minimum=0.0, maximum=2.0
    )
    height_m: float = setting(0.15, 'height of the body', minimum=0.02, maximum=2.0)
    wheel_radius_m: float = setting(0.05, 'radius of the wheels', minimum=0.01, maximum=0.5)
    wheel_width_m: float = setting(0.03, 'width of a wheel', minimum=0.005, maximum=0.3)
    wheelbase_m: float = setting(
        0.16, 'from base_link forward to the front wheels or the castor', minimum=0.02, maximum=2.0
    )
    max_speed_m_s: float = setting(1.5, 'highest speed', minimum=0.05, maximum=10.0)
    max_turn_rad_s: float = setting(3.0, 'highest turning speed', minimum=0.1, maximum=20.0)
    max_steering_deg: float = setting(
        32.0, 'largest steering angle (ackermann)', minimum=1.0, maximum=60.0
    )
    max_steering_deg_s: float = setting(
        240.0, 'fastest steering (ackermann)', minimum=1.0, maximum=2000.0
    )
    acceleration_m_s2: float = setting(1.5, 'limit when gaining speed', minimum=0.05)
    braking_m_s2: float = setting(3.0, 'limit when losing speed', minimum=0.05)
    turn_acceleration_rad_s2: float = setting(
        15.0, 'limit of the turning speed (differential)', minimum=0.1
    )
    delay_s: float = setting(0.05, 'from command to first effect', minimum=0.0, maximum=1.0)
    lag_s: float = setting(
        0.05, 'time constant with which speeds follow', minimum=0.0, maximum=2.0
    )
    slip: float = setting(
        0.02, 'mean share of the motion that the wheels lose', minimum=0.0, maximum=0.5
    )
    actuation_noise: float = setting(
        0.02, 'relative standard deviation of the motion', minimum=0.0, maximum=0.5
    )
    odometry_noise: float = setting(
        0.01, 'relative standard deviation of odometry speeds', minimum=0.0, maximum=0.5
    )
    cmd_vel_timeout_s: float = setting(
        0.25, 'age at which the base drops a command and brakes', minimum=0.01, maximum=0.25
    )

    def __post_init__(self) -> None:
        """Check every value, and that they are numbers."""
        check_settings(self)

    @property
    def ackermann(self) -> bool:
        """Whether it steers its front wheels."""
        return self.kind == DriveKind.ACKERMANN.value

    @property
    def wheels_xy(self) -> np.ndarray:
        """
        (N, 2) outer ends of the wheels' contact lines in base_link, metres.

        A differential drive has two wheels and a castor, an ackermann robot four wheels.
        """
        half = self.width_m / 2
        driven = [(0.0, half), (0.0, -half)]
        front = [(self.wheelbase_m, half), (self.wheelbase_m, -half)]
        return np.array(driven + (front if self.ackermann else [(self.wheelbase_m, 0.0)]))

    @property
    def footprint_xy(self) -> np.ndarray:
        """(4, 2) corners of the body in base_link, counter-clockwise, metres."""
        back, front, half = -self.rear_m, self.length_m - self.rear_m, self.width_m / 2
        return np.array([(front, half), (back, half), (back, -half), (front, -half)])


IDEAL = RobotModel(
    delay_s=0.0, lag_s=0.0, slip=0.0, actuation_noise=0.0, odometry_noise=0.0,
    acceleration_m_s2=np.inf, braking_m_s2=np.inf, turn_acceleration_rad_s2=np.inf,
)  # fmt: skip
"""A robot that does at once what it is told."""
