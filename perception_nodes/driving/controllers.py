"""Controllers: from a path and a speed to the arc that the robot shall drive on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from perception_nodes.driving.command import VehicleConfig
from perception_nodes.driving.reference import ReferencePath
from perception_nodes.structures import check_settings, setting


class Controller(Protocol):
    """The interface of all controllers."""

    def command(self, path: ReferencePath, speed_m_s: float) -> float:
        """
        Return the curvature to drive with, 1/m, positive left.

        :param path: in the frame of the robot at the time when the command takes effect.
        :param speed_m_s: of the robot, ≥ 0.
        """


@dataclass(frozen=True, kw_only=True)
class SteeringConfig:
    """Which controller steers, and how."""

    controller: str = setting('pure_pursuit', 'How to steer', choices=('pure_pursuit', 'stanley'))
    lookahead_time_s: float = setting(
        0.5, 'Pure pursuit aims where the robot is after this time', minimum=0.0, maximum=10.0
    )
    lookahead_min_m: float = setting(
        0.2, 'Pure pursuit aims at least this far, metres', minimum=0.05, maximum=20.0
    )
    lookahead_max_m: float = setting(
        1.0, 'Pure pursuit aims at most this far, metres', minimum=0.05, maximum=20.0
    )
    stanley_gain_1_s: float = setting(
        1.5, 'Stanley: how fast a lateral error shall vanish, 1/s', minimum=0.0, maximum=50.0
    )
    stanley_softening_m_s: float = setting(
        0.3, 'Stanley: keeps the gain finite at low speed, m/s', minimum=0.01, maximum=10.0
    )

    def __post_init__(self) -> None:
        """Check every value."""
        check_settings(self)
        if self.lookahead_min_m > self.lookahead_max_m:
            raise ValueError(
                f'lookahead_min_m: {self.lookahead_min_m} is above lookahead_max_m: '
                f'{self.lookahead_max_m}'
            )


class PurePursuit:
    """
    Steer on the arc through a point ahead, farther ahead at higher speed.

    The steering law of regulated pure pursuit (Macenski, Singh, Martín and Ginés, Autonomous
    Robots 2023), after Coulter (1992); what it regulates, the speed, is in
    :mod:`perception_nodes.driving.speed` for all controllers.

    :param config: look-ahead.
    """

    def __init__(self, config: SteeringConfig, vehicle: VehicleConfig) -> None:
        self._config = config

    def command(self, path: ReferencePath, speed_m_s: float) -> float:
        """Return the curvature of the arc to the point ahead; see :class:`Controller`."""
        config = self._config
        lookahead = float(
            np.clip(
                speed_m_s * config.lookahead_time_s,
                config.lookahead_min_m,
                config.lookahead_max_m,
            )
        )
        x, y = path.point_at_distance(path.foot().arc_m, lookahead)
        return float(2 * y / max(x * x + y * y, 1e-6))


class Stanley:
    """
    Steer the front axle along the path and towards it.

    δ = (path heading − robot heading) − atan(k e / (k_s + v)) with the lateral error e of the
    front axle (Hoffmann, Tomlin, Montemerlo and Thrun, American Control Conference 2007). Robots
    with differential drive get an axle there, too.

    :param config: gains.
    :param vehicle: place of the front axle.
    """

    STEEPEST_RAD = 1.0

    def __init__(self, config: SteeringConfig, vehicle: VehicleConfig) -> None:
        self._config = config
        self._wheelbase_m = vehicle.wheelbase_m

    def command(self, path: ReferencePath, speed_m_s: float) -> float:
        """Return the curvature of the steering angle; see :class:`Controller`."""
        config = self._config
        foot = path.foot((self._wheelbase_m, 0.0))
        towards = np.arctan2(
            config.stanley_gain_1_s * foot.lateral_m, config.stanley_softening_m_s + speed_m_s
        )
        heading = (foot.heading_rad + np.pi) % (2 * np.pi) - np.pi
        angle = np.clip(heading - towards, -self.STEEPEST_RAD, self.STEEPEST_RAD)
        return float(np.tan(angle) / self._wheelbase_m)


CONTROLLERS: dict[str, Callable[[SteeringConfig, VehicleConfig], Controller]] = {
    'pure_pursuit': PurePursuit,
    'stanley': Stanley,
}
"""Controllers by the value of the setting ``controller``."""
