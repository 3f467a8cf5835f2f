"""How fast the robot may go, and what keeps it from going faster."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from perception_nodes.driving.command import VehicleConfig
from perception_nodes.driving.reference import STEP_M, ReferencePath
from perception_nodes.structures import check_settings, setting


class SpeedBound(str, Enum):
    """What bounds the speed; the words stand in the status message."""

    CRUISE = 'cruise speed'
    LIMIT = 'speed limit'
    CURVE = 'curve'
    CONFIDENCE = 'confidence'
    OBSTACLE = 'obstacle ahead'
    SIGHT = 'length of the corridor'
    PROXIMITY = 'obstacle beside'
    PATH_END = 'end of the visible path'


@dataclass(frozen=True, kw_only=True)
class SpeedConfig:
    """How fast to go."""

    cruise_speed_m_s: float = setting(
        0.5, 'Wanted speed, metres a second', minimum=0.0, maximum=20.0, live=True
    )
    lateral_acceleration_m_s2: float = setting(
        0.8, 'Curves are driven with at most this, metres a second squared',
        minimum=0.01, maximum=20.0,
    )  # fmt: skip
    regulated_radius_m: float = setting(
        0.0,
        'Below this radius the speed falls in proportion to the radius (regulated pure pursuit), '
        'metres; 0 leaves it to lateral_acceleration_m_s2',
        minimum=0.0,
        maximum=50.0,
    )
    min_speed_m_s: float = setting(
        0.1, 'Curves, confidence and things beside do not slow below this, metres a second',
        minimum=0.0, maximum=5.0,
    )  # fmt: skip
    min_path_confidence: float = setting(
        0.2, 'A path below this confidence is not followed', minimum=0.0, maximum=1.0
    )
    full_path_confidence: float = setting(
        0.6, 'From this confidence on it does not slow the robot', minimum=0.0, maximum=1.0
    )
    reaction_s: float = setting(
        0.25,
        'From a thing in the way to the first braking: age of pictures, control period and '
        'actuation, seconds',
        minimum=0.0,
        maximum=5.0,
    )
    stop_margin_m: float = setting(
        0.15, 'Distance to keep from things in the way, metres', minimum=0.0, maximum=5.0
    )
    stop_clearance_m: float = setting(
        0.2, 'So much more must be free before a robot that stands drives on, metres',
        minimum=0.0, maximum=5.0,
    )  # fmt: skip
    proximity_m: float = setting(
        0.0,
        'Things nearer than this beside the corridor slow the robot (regulated pure pursuit), '
        'metres; 0 switches it off',
        minimum=0.0,
        maximum=5.0,
    )
    proximity_gain: float = setting(
        1.0, 'Speed at a thing beside, as a share of distance / proximity_m',
        minimum=0.05, maximum=1.0,
    )  # fmt: skip

    def __post_init__(self) -> None:
        """Check every value."""
        check_settings(self)
        if self.min_path_confidence > self.full_path_confidence:
            raise ValueError(
                f'min_path_confidence: {self.min_path_confidence} is above full_path_confidence: '
                f'{self.full_path_confidence}'
            )


@dataclass(frozen=True, kw_only=True)
class SpeedLimit:
    """
    A limit from outside, as ``nav2_msgs/SpeedLimit`` means it.

    :param value: metres a second, or percent of the highest speed; 0 is no limit.
    :param percentage: which of both.
    :raises ValueError: for negative or unbounded values.
    """

    value: float = 0.0
    percentage: bool = False

    def __post_init__(self) -> None:
        """Refuse what is no limit."""
        if not (np.isfinite(self.value) and self.value >= 0):
            raise ValueError(f'a speed limit must be finite and ≥ 0, got {self.value!r}')

    def bound_m_s(self, max_speed_m_s: float) -> float:
        """Return the limit in metres a second."""
        if self.value == 0:
            return float('inf')
        return max_speed_m_s * self.value / 100 if self.percentage else self.value


NO_LIMIT = SpeedLimit()


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """
    What is in the way and beside it.

    :param ahead_m: free distance before the front of the robot along its corridor; inf is free.
    :param beside_m: distance of the nearest thing from the side of the corridor; inf is free.
    :param looked_m: how far before the front things are looked for; inf where nothing looks.
    """

    ahead_m: float = float('inf')
    beside_m: float = float('inf')
    looked_m: float = float('inf')


class SpeedPolicy:
    """
    The lowest of all bounds.

    :param config: wishes.
    :param vehicle: abilities.
    """

    def __init__(self, config: SpeedConfig, vehicle: VehicleConfig) -> None:
        self.config = config
        self._vehicle = vehicle

    def bound(
        self,
        path: ReferencePath,
        *,
        curvature_1_m: float = 0.0,
        limit: SpeedLimit = NO_LIMIT,
        around: Surroundings | None = None,
    ) -> tuple[float, SpeedBound]:
        """
        Return the speed that may be driven, and what bounds it.

        :param path: in the frame of the robot.
        :param curvature_1_m: of the arc that is about to be commanded.
        """
        around = Surroundings() if around is None else around
        slowest = min(self.config.min_speed_m_s, self.config.cruise_speed_m_s)
        bounds = {
            SpeedBound.CRUISE: min(self.config.cruise_speed_m_s, self._vehicle.max_speed_m_s),
            SpeedBound.LIMIT: limit.bound_m_s(self._vehicle.max_speed_m_s),
            SpeedBound.CURVE: max(slowest, self._in_curves(path, curvature_1_m)),
            SpeedBound.CONFIDENCE: max(slowest, self._by_confidence(path.confidence)),
            SpeedBound.OBSTACLE: self.before_obstacle(around.ahead_m),
            SpeedBound.SIGHT: self.before_obstacle(around.looked_m),
            SpeedBound.PROXIMITY: max(slowest, self._beside(around.beside_m)),
            SpeedBound.PATH_END: self._before_end(path),
        }
        name = min(bounds, key=lambda key: bounds[key])
        return bounds[name], name

    def stopping_distance_m(self, speed_m_s: float) -> float:
        """Return the way until the robot stands, with reaction time and margin."""
        rolling = speed_m_s * self.config.reaction_s
        return rolling + speed_m_s**2 / (2 * self._vehicle.brake_m_s2) + self.config.stop_margin_m

    def before_obstacle(self, distance_m: float) -> float:
        """Return the speed from which comfortable braking ends before a thing in the way."""
        free_m = distance_m - self.config.stop_margin_m
        if not free_m > 0:
            return 0.0
        if not np.isfinite(free_m):
            return float('inf')
        slack = self._vehicle.deceleration_m_s2 * self.config.reaction_s
        root = np.sqrt(slack**2 + 2 * self._vehicle.deceleration_m_s2 * free_m)
        return float(root - slack)

    def _in_curves(self, path: ReferencePath, curvature_1_m: float) -> float:
        """Return the speed from which every curve ahead can be braked for."""
        ahead = max(0, int(path.foot().arc_m / STEP_M))
        curvature = np.abs(path.curvature_1_m[ahead:])
        distance = np.arange(len(curvature)) * STEP_M
        curvature[0] = max(curvature[0], abs(curvature_1_m))
        allowed = self._allowed(curvature)
        reachable = np.sqrt(allowed**2 + 2 * self._vehicle.deceleration_m_s2 * distance)
        return float(reachable.min())

    def _allowed(self, curvature_1_m: np.ndarray) -> np.ndarray:
        """Return the speeds allowed at curvatures ≥ 0."""
        tight = np.maximum(curvature_1_m, 1e-6)
        allowed = np.sqrt(self.config.lateral_acceleration_m_s2 / tight)
        allowed = np.minimum(allowed, self._vehicle.max_turn_rad_s / tight)
        if self.config.regulated_radius_m > 0:
            share = 1 / (tight * self.config.regulated_radius_m)
            allowed = np.minimum(allowed, self.config.cruise_speed_m_s * np.maximum(share, 0))
        return allowed

    def _by_confidence(self, confidence: float) -> float:
        config = self.config
        if confidence >= config.full_path_confidence:
            return float('inf')
        span = max(config.full_path_confidence - config.min_path_confidence, 1e-9)
        return config.cruise_speed_m_s * max(0.0, (confidence - config.min_path_confidence) / span)

    def _beside(self, distance_m: float) -> float:
        config = self.config
        if not distance_m < config.proximity_m:
            return float('inf')
        share = max(0.0, distance_m) / config.proximity_m
        return config.cruise_speed_m_s * config.proximity_gain * share

    def _before_end(self, path: ReferencePath) -> float:
        """Return the speed from which the robot stands with its front at the end of the line."""
        return self.before_obstacle(self.remaining_m(path))

    def remaining_m(self, path: ReferencePath) -> float:
        """Return the length of the path before the front of the robot."""
        return path.length_m - path.foot().arc_m - self._vehicle.front_m
