"""What a user may set about every model that looks at frames."""

from __future__ import annotations

from dataclasses import dataclass

from perception_nodes.structures import check_settings, setting


@dataclass(frozen=True, kw_only=True)
class FrameModelConfig:
    """Which part of which frames a model looks at."""

    roi: tuple[int, ...] = setting(
        (),
        'Region of interest in source pixels: x, y, width, height; empty is the whole picture',
        minimum=0,
        live=True,
    )
    max_rate_hz: float = setting(
        0.0,
        'Largest number of pictures to look at in a second; 0 is no limit',
        minimum=0.0,
        live=True,
    )

    def __post_init__(self) -> None:
        """Check ranges, and the four numbers of the region."""
        object.__setattr__(self, 'roi', tuple(self.roi))
        check_settings(self)
        if len(self.roi) not in (0, 4) or (self.roi and min(self.roi[2:]) < 1):
            raise ValueError(
                f'roi: {list(self.roi)} must be empty or x, y, width ≥ 1, height ≥ 1 in pixels'
            )
