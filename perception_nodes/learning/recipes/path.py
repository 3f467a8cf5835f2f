"""What a training run of a path network is made of."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from perception_nodes.learning.recipe import Recipe
from perception_nodes.learning.recipes.pruning import NOT_PRUNED, PruningRecipe
from perception_nodes.learning.recipes.trunk import TrunkRecipe
from perception_nodes.structures import check_settings, setting


@dataclass(frozen=True, kw_only=True)
class PathNetRecipe(TrunkRecipe):
    """Size of the network."""

    channels: int = setting(
        32, 'channels of the features that keep their place', minimum=4, maximum=512
    )
    hidden: int = setting(128, 'width of the layer before the points', minimum=8, maximum=4096)
    dropout: float = setting(0.2, 'part of the features left out', minimum=0.0, maximum=0.9)


@dataclass(frozen=True, kw_only=True)
class PathDataRecipe:
    """How training pictures are varied, and what steering means."""

    flip: bool = setting(True, 'mirror half of the pictures with their paths')
    colour: float = setting(0.6, 'strength of colour changes', minimum=0.0, maximum=2.0)
    steering_curvature_1_m: float = setting(
        2.0, 'steering records: curvature at full lock, 1/m', minimum=0.01, maximum=20.0
    )
    cached: bool = setting(True, 'keep decoded pictures in memory')
    workers: int = setting(1, 'processes that load pictures', minimum=0, maximum=64)

    def __post_init__(self) -> None:
        """Check the values."""
        check_settings(self)


@dataclass(frozen=True, kw_only=True)
class PathLossRecipe:
    """Weights of the loss terms."""

    points: float = setting(1.0, 'weight of the Gaussian likelihood of points', minimum=0.0)
    visible: float = setting(0.5, 'weight of the cross-entropy of being seen', minimum=0.0)

    def __post_init__(self) -> None:
        """Check the values."""
        check_settings(self)


@dataclass(frozen=True, kw_only=True)
class PathRecipe(Recipe):
    """
    A whole training run of a path network.

    :param stations_m: arc lengths from the point of the path nearest to base_link at which the
        network names places.
    """

    classes: tuple[str, ...] = ('path',)
    input_wh: tuple[int, int] = (160, 128)
    stations_m: tuple[float, ...] = (0.3, 0.6, 0.9, 1.2, 1.6, 2.0, 2.5)
    model: PathNetRecipe = PathNetRecipe()
    data: PathDataRecipe = PathDataRecipe()
    loss: PathLossRecipe = PathLossRecipe()
    pruning: PruningRecipe = NOT_PRUNED

    def __post_init__(self) -> None:
        """Check the values, also that stations ascend."""
        super().__post_init__()
        stations = self.stations_m
        pairs = itertools.pairwise(stations)
        if len(stations) < 3 or any(later <= former for former, later in pairs):
            raise ValueError(f'stations_m: need three or more ascending, got {list(stations)}')
