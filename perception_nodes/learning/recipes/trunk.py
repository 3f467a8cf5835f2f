"""The feature extractor of a network."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from perception_nodes.learning.trunks import EFFICIENTNET_LITE, TRUNKS
from perception_nodes.structures import check_settings, setting


@dataclass(frozen=True, kw_only=True)
class TrunkRecipe:
    """Which feature extractor a network has, and what it begins from; tasks add their sizes."""

    trunk: str = setting('efficientnet_lite0', 'feature extractor', choices=TRUNKS)
    pretrained: bool = setting(True, 'start from ImageNet features; false: from nothing')
    weights: str = setting(
        '',
        'file of the features, a state dict (.pth, .safetensors) of the library that the trunk is '
        'from; empty: the registry package of an EfficientNet-Lite, else what the library '
        'downloads',
    )
    frozen_stages: int = setting(
        0, 'leading stages of the trunk that stay as they are', minimum=0, maximum=7
    )

    def __post_init__(self) -> None:
        """Check the values, and that a file of weights is used."""
        check_settings(self)
        if self.weights and not self.pretrained:
            raise ValueError(
                f'weights: {self.weights} would not be read, since pretrained is false; make it '
                'true, or name no file'
            )
        if self.weights and self.trunk in EFFICIENTNET_LITE:
            raise ValueError(
                f'weights: {self.trunk} takes those of its registry package, not '
                f'{self.weights}; name no file, or go on from a network (--start, --trunk)'
            )

    def learns_norms(self, *origins: Path | None) -> bool:
        """
        Whether the batch norms of the trunk learn instead of being merged.

        What learns from nothing needs them. EfficientNet-Lite has them merged in any case, as in
        all networks and checkpoints that there are of it.

        :param origins: exported networks to go on from.
        """
        from_nothing = not self.pretrained and all(origin is None for origin in origins)
        return from_nothing and self.trunk not in EFFICIENTNET_LITE
