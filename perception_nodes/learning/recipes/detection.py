"""What a training run of a detector is made of."""

from __future__ import annotations

from dataclasses import dataclass

from perception_nodes.learning.recipe import Recipe
from perception_nodes.learning.recipes.pictures import (
    balanced_setting,
    check_pasted,
    class_names,
    disturbed_setting,
    mosaic_setting,
    paste_setting,
)
from perception_nodes.learning.recipes.pruning import NOT_PRUNED, PruningRecipe
from perception_nodes.learning.recipes.quantised import NOT_QUANTISED, QuantisedRecipe
from perception_nodes.learning.recipes.trunk import TrunkRecipe
from perception_nodes.structures import check_settings, setting


@dataclass(frozen=True, kw_only=True)
class ModelRecipe(TrunkRecipe):
    """Size of the network."""

    frozen_stages: int = setting(
        2, 'leading stages of the trunk that stay as they are', minimum=0, maximum=7
    )
    channels: int = setting(80, 'channels of pyramid and head', minimum=8, maximum=256)
    head_depth: int = setting(2, 'convolutions in each tower of the head', minimum=1, maximum=4)


@dataclass(frozen=True, kw_only=True)
class DataRecipe:
    """How training pictures are cut and varied."""

    crop_px: int = setting(320, 'side of a training crop, pixels', minimum=64, maximum=1280)
    scale_min: float = setting(0.6, 'smallest zoom of a crop', minimum=0.1, maximum=4.0)
    scale_max: float = setting(1.6, 'largest zoom of a crop', minimum=0.1, maximum=4.0)
    min_visible: float = setting(
        0.25, 'cut objects showing less of their area are ignored', minimum=0.0, maximum=1.0
    )
    min_side_px: float = setting(
        6.0, 'objects with a shorter side are ignored, crop pixels', minimum=0.0, maximum=64.0
    )
    colour: float = setting(1.0, 'strength of colour changes', minimum=0.0, maximum=2.0)
    balanced: float = balanced_setting()
    disturbed: float = disturbed_setting()
    mosaic: float = mosaic_setting()
    paste: float = paste_setting()
    paste_classes: tuple[str, ...] = ()  # none: all classes
    workers: int = setting(1, 'processes that load pictures', minimum=0, maximum=64)

    def __post_init__(self) -> None:
        """Check the values and their order."""
        check_settings(self)
        names = class_names('paste_classes', self.paste_classes)
        object.__setattr__(self, 'paste_classes', names)
        if self.scale_min > self.scale_max:
            raise ValueError(
                f'scale_min {self.scale_min} is above scale_max {self.scale_max}; swap them'
            )
        if self.crop_px % 32:
            raise ValueError(f'crop_px {self.crop_px} is not a multiple of 32, the largest stride')


@dataclass(frozen=True, kw_only=True)
class LossRecipe:
    """Weights of the loss terms."""

    classification: float = setting(1.0, 'weight of the focal loss', minimum=0.0)
    box: float = setting(2.0, 'weight of the GIoU loss', minimum=0.0)
    quality: float = setting(0.5, 'weight of the IoU prediction', minimum=0.0)

    def __post_init__(self) -> None:
        """Check the values."""
        check_settings(self)


@dataclass(frozen=True, kw_only=True)
class DetectionRecipe(Recipe):
    """A whole training run of a detector; ``input_wh`` are multiples of 32."""

    model: ModelRecipe = ModelRecipe()
    data: DataRecipe = DataRecipe()
    loss: LossRecipe = LossRecipe()
    pruning: PruningRecipe = NOT_PRUNED
    quantised: QuantisedRecipe = NOT_QUANTISED

    def __post_init__(self) -> None:
        """Check the values."""
        super().__post_init__()
        if any(side % 32 for side in self.input_wh):
            raise ValueError(f'input_wh: {self.input_wh} must be two multiples of 32')
        check_pasted(self.data.paste_classes, self.classes)
