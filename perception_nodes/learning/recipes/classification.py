"""What a training run of a classifier is made of."""

from __future__ import annotations

from dataclasses import dataclass

from perception_nodes.learning.recipe import Recipe
from perception_nodes.learning.recipes.pruning import NOT_PRUNED, PruningRecipe
from perception_nodes.learning.recipes.trunk import TrunkRecipe
from perception_nodes.structures import check_settings, setting


@dataclass(frozen=True, kw_only=True)
class ClassifierRecipe(TrunkRecipe):
    """Size of the network."""

    stride: int = setting(
        32, 'stride of the features that are averaged: 16 or 32', minimum=16, maximum=32
    )
    dropout: float = setting(
        0.2, 'part of the averaged features left out', minimum=0.0, maximum=0.9
    )

    def __post_init__(self) -> None:
        """Check the values."""
        super().__post_init__()
        if self.stride not in (16, 32):
            raise ValueError(f'stride: {self.stride} is neither 16 nor 32')


@dataclass(frozen=True, kw_only=True)
class ClassDataRecipe:
    """How training pictures are drawn and varied."""

    scale_min: float = setting(0.8, 'smallest zoom', minimum=0.1, maximum=4.0)
    scale_max: float = setting(1.2, 'largest zoom', minimum=0.1, maximum=4.0)
    shift: float = setting(0.1, 'largest shift as a part of each side', minimum=0.0, maximum=0.5)
    turn_deg: float = setting(10.0, 'largest turn, degrees', minimum=0.0, maximum=180.0)
    flip: bool = setting(True, 'mirror half of the pictures; not where left is another class')
    colour: float = setting(0.6, 'strength of colour changes', minimum=0.0, maximum=2.0)
    erased: float = setting(
        0.0, 'part of the pictures with a random rectangle erased', minimum=0.0, maximum=1.0
    )
    balanced: float = setting(
        0.0,
        'power of the inverse class frequency by which pictures are drawn: 0 as they are, 1 every '
        'class equally often',
        minimum=0.0,
        maximum=1.0,
    )
    cached: bool = setting(True, 'keep pictures in memory, in the size of the network')
    workers: int = setting(1, 'processes that load pictures', minimum=0, maximum=64)

    def __post_init__(self) -> None:
        """Check the values and their order."""
        check_settings(self)
        if self.scale_min > self.scale_max:
            raise ValueError(
                f'scale_min {self.scale_min} is above scale_max {self.scale_max}; swap them'
            )


@dataclass(frozen=True, kw_only=True)
class ClassLossRecipe:
    """The cross-entropy and what weighs it."""

    balance: float = setting(
        0.0,
        'power of the inverse class frequency that weighs the cross-entropy: 0 none, 1 full',
        minimum=0.0,
        maximum=1.0,
    )
    focal: float = setting(
        0.0,
        'power by which pictures count less, the surer their class already is: 0 none, 2 usual',
        minimum=0.0,
        maximum=10.0,
    )
    smoothing: float = setting(0.0, 'label smoothing', minimum=0.0, maximum=0.5)

    def __post_init__(self) -> None:
        """Check the values."""
        check_settings(self)


@dataclass(frozen=True, kw_only=True)
class ClassificationRecipe(Recipe):
    """
    A whole training run of a classifier.

    :param classes: names of the folders of the pictures, at least two.
    """

    input_wh: tuple[int, int] = (224, 224)
    model: ClassifierRecipe = ClassifierRecipe()
    data: ClassDataRecipe = ClassDataRecipe()
    loss: ClassLossRecipe = ClassLossRecipe()
    pruning: PruningRecipe = NOT_PRUNED

    def __post_init__(self) -> None:
        """Check the values, also that there is something to tell apart."""
        super().__post_init__()
        if len(self.classes) < 2:
            raise ValueError(f'classes: need two or more to tell apart, got {self.classes}')
        strange = [name for name in self.classes if not isinstance(name, str)]
        if strange:
            raise ValueError(f'classes: {strange[0]!r} is not text; put it into quotes')
