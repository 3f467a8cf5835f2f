"""What a user may set about path estimation."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from perception_nodes.structures import check_settings, setting


class PathMode(str, Enum):
    """What in a mask tells where the path runs."""

    REGION = 'region'
    MARKINGS = 'markings'
    LINE = 'line'


class Prefer(str, Enum):
    """Which way to go where the path parts."""

    LEFT = 'left'
    STRAIGHT = 'straight'
    RIGHT = 'right'


@dataclass(frozen=True, kw_only=True)
class PathConfig:
    """
    How masks become paths.

    The defaults are for a small robot on a taped course; :data:`MOTORWAY` is for cars.
    """

    mode: str = setting(
        'region',
        'What tells the path: the drivable region, the markings beside it, or one line',
        choices=tuple(item.value for item in PathMode),
        live=True,
    )
    prefer: str = setting(
        'straight',
        'Which way to go where the path parts',
        choices=tuple(item.value for item in Prefer),
        live=True,
    )
    lane_width_m: float = setting(
        0.5, 'Width of the lane between its markings, metres', minimum=0.05, maximum=20.0
    )
    lane_width_sigma_m: float = setting(
        0.05, 'Standard deviation of the lane width, metres', minimum=0.001, maximum=5.0
    )
    marking_width_m: float = setting(
        0.05, 'Width of the markings beside the lane, metres', minimum=0.0, maximum=1.0
    )
    min_radius_m: float = setting(
        0.4, 'Smallest radius of bends to expect, metres', minimum=0.05, maximum=10_000.0
    )
    look_ahead_m: float = setting(
        0.6,
        'Where ahead of base_link the errors are told, metres',
        minimum=0.0,
        maximum=100.0,
    )
    max_range_m: float = setting(
        3.0, 'Places further from the camera are not looked at, metres', minimum=0.2, maximum=200.0
    )
    min_length_m: float = setting(
        0.5, 'Length of path that must be seen, metres', minimum=0.05, maximum=100.0
    )
    max_gap_m: float = setting(
        0.4, 'Longest stretch of path that may be hidden or unmarked, metres', minimum=0.0
    )
    min_confidence: float = setting(
        0.3, 'Pixels that the network trusts less than this are unknown', minimum=0.0, maximum=1.0
    )
    edge_sigma_px: float = setting(
        1.0, 'Standard deviation of an edge in the mask, pixels', minimum=0.05, maximum=50.0
    )
    max_lateral_sigma_m: float = setting(
        0.1, 'Less certain lateral errors make no path, metres', minimum=0.001, maximum=10.0
    )
    max_heading_sigma_rad: float = setting(
        0.2, 'Less certain heading errors make no path, rad', minimum=0.001, maximum=3.0
    )

    def __post_init__(self) -> None:
        """Check every value."""
        check_settings(self)
        if self.lane_width_sigma_m > self.lane_width_m / 2:
            raise ValueError(
                f'lane_width_sigma_m: {self.lane_width_sigma_m} is more than half of '
                f'lane_width_m {self.lane_width_m}; a width that uncertain tells nothing'
            )


MOTORWAY = PathConfig(
    mode='markings', lane_width_m=3.7, lane_width_sigma_m=0.15, marking_width_m=0.0,
    min_radius_m=150.0, look_ahead_m=10.0, max_range_m=40.0, min_length_m=8.0, max_gap_m=14.0,
    max_lateral_sigma_m=0.4, max_heading_sigma_rad=0.05,
)  # fmt: skip
"""
A car on a road with lanes of 3.7 m, told between the middles of the lines (FHWA, 12 ft).

Broken lines there are 3 m of paint and 9 m of gap.
"""
