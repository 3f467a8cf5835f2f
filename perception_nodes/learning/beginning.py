"""The network with which a training begins: from what it goes on, and what is pruned of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn
from torch.utils.data import DataLoader

from perception_nodes.learning.data.batches import normalised
from perception_nodes.learning.pruning import pruned
from perception_nodes.learning.ranks import Ranks
from perception_nodes.learning.warm_start import started_from, trunk_from


class Beginner(Protocol):
    """What a task tells about its beginning."""

    start: Path | None
    trunk: Path | None

    @property
    def recipe(self) -> Any:
        """A recipe with the sections ``model`` and ``pruning``."""

    def batches(self, epoch: int, ranks: Ranks | None = None) -> DataLoader:
        """Return the batches of an epoch, among some processes."""

    def loss(self, model: nn.Module, batch: Any) -> dict[str, torch.Tensor]:
        """Return the weighted terms of the loss."""


def begun(
    task: Beginner,
    network: Callable[..., nn.Module],
    *,
    size_wh: tuple[int, int],
    fixed: Sequence[str],
    new: Sequence[str] = (),
) -> nn.Module:
    """
    Return the network of a task, with the function it starts from, pruned as the recipe says.

    :param network: makes it of the recipe and of ``learns_norms``.
    :param size_wh: of a training picture, in pixels.
    :param fixed: names of layers that keep their outputs.
    :param new: leading names of layers that an older file may lack.
    """
    recipe = task.recipe
    learns_norms = recipe.model.learns_norms(task.start, task.trunk)
    model = trunk_from(network(recipe, learns_norms=learns_norms), task.trunk)
    alone = Ranks()  # of several processes all must see the same pictures here
    pictures = (normalised(batch.images, recipe) for batch in task.batches(0, alone))
    narrower = recipe.pruning.of_start
    model = started_from(model, task.start, pictures, new=new, narrower=narrower)
    width, height = size_wh
    return pruned(
        model, recipe.pruning, task.batches(0, alone), task.loss,
        example=torch.zeros(1, 3, height, width), fixed=fixed,
    )  # fmt: skip
