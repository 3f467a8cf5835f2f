"""How a mask is read."""

from __future__ import annotations

from dataclasses import dataclass

from perception_nodes.structures import check_settings, setting


@dataclass(frozen=True, kw_only=True)
class ObservationConfig:
    """How a mask is read."""

    min_confidence: float = setting(
        0.3,
        'confidence in 0..1 at and below which a pixel weighs nothing',
        minimum=0,
        maximum=0.99,
    )
    min_run_px: int = setting(
        2, 'standing runs of a column shorter than this are speckle', minimum=1, maximum=50
    )
    max_gap_px: int = setting(
        4, 'unlabelled pixels allowed between the ground and a contact', minimum=0, maximum=100
    )
    mark_cut_off: bool = setting(
        False, 'mark things whose foot is below the picture, at the nearest visible place'
    )
    ground_tolerance_m: float = setting(
        0.08, 'with depth: ground pixels further from the floor than this are ignored', minimum=0.0
    )
    min_height_m: float = setting(
        0.03, 'with depth: standing pixels below this are the floor beside the border of a mask'
    )
    max_height_m: float = setting(
        2.0, 'with depth: standing pixels above this are ignored', minimum=0.0
    )
    depth_sigma_1_m: float = setting(
        0.005, 'with depth: standard deviation of range is this times range squared', minimum=0.0
    )
    depth_stride_px: int = setting(
        2, 'with depth: every so many columns and rows are looked at', minimum=1, maximum=16
    )
    max_range_m: float = setting(4.0, 'places further than this are ignored', minimum=0.1)
    max_sigma_m: float = setting(
        0.5, 'without depth: places whose range is less certain than this are ignored', minimum=0.0
    )
    obstacle_height_m: float = setting(
        0.1, 'without depth: height of reported obstacle points in metres', minimum=0.0
    )
    floor_stride_px: int = setting(
        4, 'every so many pixels of seen floor are reported, for clearing', minimum=1, maximum=100
    )

    def __post_init__(self) -> None:
        """Check every value."""
        check_settings(self)
