"""What a robot is told to do, and what its drive and its comfort make of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from perception_nodes.structures import check_settings, setting


class DriveType(str, Enum):
    """How a robot turns."""

    DIFFERENTIAL = 'differential'
    ACKERMANN = 'ackermann'


@dataclass(frozen=True, kw_only=True)
class VehicleConfig:
    """
    Measures and limits of the robot.

    base_link is on the floor, in the middle of the driven axle.
    """

    drive_type: str = setting(
        DriveType.DIFFERENTIAL.value,
        'How the robot turns',
        choices=tuple(item.value for item in DriveType),
    )
    front_m: float = setting(
        0.22, 'How far the body reaches before base_link, metres', minimum=0.0, maximum=5.0
    )
    width_m: float = setting(
        0.28, 'Width of the body over the wheels, metres', minimum=0.02, maximum=5.0
    )
    wheelbase_m: float = setting(
        0.2, 'From base_link forward to the steered axle, metres', minimum=0.02, maximum=5.0
    )
    turning_radius_m: float = setting(
        0.0,
        'Smallest radius that the robot can turn with, metres; 0 for a differential drive',
        minimum=0.0,
        maximum=50.0,
    )
    max_speed_m_s: float = setting(
        1.5, 'Highest speed of the robot, metres a second', minimum=0.01, maximum=20.0
    )
    max_turn_rad_s: float = setting(
        3.0, 'Highest turning speed of the robot, rad a second', minimum=0.01, maximum=30.0
    )
    acceleration_m_s2: float = setting(
        0.8, 'How fast speed is gained, metres a second squared', minimum=0.01, maximum=30.0
    )
    deceleration_m_s2: float = setting(
        1.0,
        'How fast speed is lost before curves, things and ends, metres a second squared',
        minimum=0.01,
        maximum=30.0,
    )
    brake_m_s2: float = setting(
        2.0,
        'What the base brakes with at a zero command, metres a second squared; measure it',
        minimum=0.05,
        maximum=30.0,
    )
    turn_acceleration_rad_s2: float = setting(
        12.0,
        'How fast the turning speed changes, rad a second squared',
        minimum=0.1,
        maximum=200.0,
    )
    actuation_delay_s: float = setting(
        0.1, 'From a command to its effect, with half the lag, seconds', minimum=0.0, maximum=1.0
    )

    def __post_init__(self) -> None:
        """Check every value."""
        check_settings(self)
        if self.drive_type == DriveType.ACKERMANN.value and self.turning_radius_m <= 0:
            raise ValueError(
                'turning_radius_m: 0.0 does not fit drive_type ackermann: give the radius that '
                'base_link turns with at full steering, wheelbase / tan(angle)'
            )

    @property
    def max_curvature_1_m(self) -> float:
        """Tightest turn, 1/m; infinite for a robot that turns on the spot."""
        return 1 / self.turning_radius_m if self.turning_radius_m > 0 else float('inf')


@dataclass(frozen=True, kw_only=True)
class DriveCommand:
    """
    A forward speed and an arc to drive it on.

    :param speed_m_s: ≥ 0; path followers do not drive backwards.
    :param curvature_1_m: of the arc, positive turns left.
    """

    speed_m_s: float = 0.0
    curvature_1_m: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what no base may be told."""
        if not (np.isfinite([self.speed_m_s, self.curvature_1_m]).all() and self.speed_m_s >= 0):
            raise ValueError(
                f'a command needs a finite speed ≥ 0 and a finite curvature, got '
                f'{self.speed_m_s!r} m/s and {self.curvature_1_m!r} 1/m'
            )

    @property
    def turn_rad_s(self) -> float:
        """Turning speed, positive left; 0 while standing."""
        return self.speed_m_s * self.curvature_1_m


STAND = DriveCommand()
"""The command to stand still."""


class CommandLimiter:
    """
    Keeps commands within what the robot can do, from one to the next.

    :param vehicle: measures and limits.
    """

    def __init__(self, vehicle: VehicleConfig) -> None:
        self.vehicle = vehicle
        self.reset()

    def reset(self) -> None:
        """Begin from standing still."""
        self.last = STAND

    def limit(self, speed_m_s: float, curvature_1_m: float, seconds: float) -> DriveCommand:
        """
        Return the nearest command that the robot can follow.

        The curvature goes first: where the robot cannot turn as fast, it drives slower instead
        of leaving its arc.

        :param seconds: since the last command, ≥ 0.
        :raises ValueError: when speed or curvature is not a number.
        """
        vehicle, last = self.vehicle, self.last
        tightest = vehicle.max_curvature_1_m
        curvature = float(np.clip(curvature_1_m, -tightest, tightest))
        rise, fall = vehicle.acceleration_m_s2, vehicle.deceleration_m_s2
        lowest, highest = last.speed_m_s - fall * seconds, last.speed_m_s + rise * seconds
        speed = float(np.clip(speed_m_s, max(0.0, lowest), min(highest, vehicle.max_speed_m_s)))
        speed = min(speed, vehicle.max_turn_rad_s / max(abs(curvature), 1e-9))
        self.last = DriveCommand(
            speed_m_s=speed, curvature_1_m=self._reachable(speed, curvature, seconds)
        )
        return self.last

    def _reachable(self, speed_m_s: float, curvature_1_m: float, seconds: float) -> float:
        """Return the curvature that the turning speed can get to."""
        if speed_m_s <= 0 or self.last.speed_m_s <= 0:
            return curvature_1_m
        change = self.vehicle.turn_acceleration_rad_s2 * seconds / speed_m_s
        last = self.last.curvature_1_m
        return float(np.clip(curvature_1_m, last - change, last + change))
