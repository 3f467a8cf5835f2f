"""What the training loop needs of a kind of training, and what it tells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import nn
from torch.utils.data import DataLoader

from perception_nodes.learning.recipe import Recipe, ScheduleRecipe


class Task(Protocol):
    """What a kind of training brings to the loop."""

    schedule: ScheduleRecipe
    seed: int
    metric: str
    """Name of the validation figure that chooses the best weights; higher is better."""

    @property
    def recipe(self) -> Recipe:
        """Everything that is set."""

    def build_model(self) -> nn.Module:
        """Return the untrained model."""

    def batches(self, epoch: int) -> DataLoader:
        """Return the batches of an epoch, with a length; equal epochs give equal batches."""

    def loss(self, model: nn.Module, batch: Any) -> dict[str, torch.Tensor]:
        """Return the weighted terms of the loss."""

    def parts(self, batch: Any, count: int) -> list[Any]:
        """Return the batch cut into at most ``count`` parts of about the same size."""

    def validate(self, model: nn.Module) -> dict[str, float]:
        """Return the figures of the validation set."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """
    Where a run stands, told to the callbacks after each step and each epoch.

    :param fraction: part of the run that is over, 0..1.
    :param losses: terms of the last step.
    :param figures: of the last validation; empty within an epoch.
    """

    epoch: int
    step: int
    fraction: float
    losses: dict[str, float]
    figures: dict[str, float]


Callback = Callable[[Progress], None]
