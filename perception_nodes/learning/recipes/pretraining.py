"""What a pre-training run on frames without labels is made of."""

from __future__ import annotations

from dataclasses import dataclass

from perception_nodes.learning.recipe import Recipe
from perception_nodes.learning.recipes.trunk import TrunkRecipe
from perception_nodes.structures import check_settings, setting

STRIDES = (8, 16, 32)


@dataclass(frozen=True, kw_only=True)
class PretrainingNetRecipe(TrunkRecipe):
    """Size of the network."""

    stride: int = setting(
        32, 'stride, 8, 16 or 32, of the last features that learn', minimum=8, maximum=32
    )
    width: int = setting(
        512, 'width of the layers behind the trunk, which are not kept', minimum=8, maximum=8192
    )

    def __post_init__(self) -> None:
        """Check the values."""
        super().__post_init__()
        if self.stride not in STRIDES:
            raise ValueError(f'stride: {self.stride} is not one of 8, 16, 32')


@dataclass(frozen=True, kw_only=True)
class ViewRecipe:
    """How the two views of a frame differ: what the features shall not depend on."""

    area_min: float = setting(
        0.3, 'smallest part of the frame that a view shows', minimum=0.01, maximum=1.0
    )
    flip: bool = setting(True, 'mirror half of the views; false where left and right differ')
    colour: float = setting(0.8, 'strength of colour changes', minimum=0.0, maximum=2.0)
    workers: int = setting(1, 'processes that make views', minimum=0, maximum=64)

    def __post_init__(self) -> None:
        """Check the values."""
        check_settings(self)


@dataclass(frozen=True, kw_only=True)
class ViewLossRecipe:
    """Weights of the loss terms; the defaults are those of the paper."""

    invariance: float = setting(25.0, 'weight of the distance of two views', minimum=0.0)
    variance: float = setting(25.0, 'weight of what deviations lack to 1', minimum=0.0)
    covariance: float = setting(1.0, 'weight of what is said twice', minimum=0.0)

    def __post_init__(self) -> None:
        """Check the values."""
        check_settings(self)


@dataclass(frozen=True, kw_only=True)
class PretrainingRecipe(Recipe):
    """A whole pre-training run; ``input_wh`` is the size of a view, ``classes`` mean nothing."""

    classes: tuple[str, ...] = ('frame',)
    input_wh: tuple[int, int] = (160, 128)
    model: PretrainingNetRecipe = PretrainingNetRecipe()
    data: ViewRecipe = ViewRecipe()
    loss: ViewLossRecipe = ViewLossRecipe()

    def __post_init__(self) -> None:
        """Check the values, also that a batch holds several frames."""
        super().__post_init__()
        if self.schedule.batch < 2:
            raise ValueError(
                f'schedule, batch: {self.schedule.batch} frame has nothing to differ from; '
                'take 32 or more'
            )
