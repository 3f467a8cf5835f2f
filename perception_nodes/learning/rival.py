"""
A second network that learns against the first: a step of its own in every step of the loop.

Generator and critic of an adversarial training (Goodfellow et al. 2014) want opposite things, so
each needs gradients and an optimiser of its own. The loop stays the one that trains everything;
what the second network adds to it is here.
"""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import torch
from torch import nn

from perception_nodes.learning.averaging import PacedAdamW
from perception_nodes.learning.compute import Compute
from perception_nodes.learning.ranks import Ranks
from perception_nodes.learning.recipe import ScheduleRecipe
from perception_nodes.learning.replicas import Replicas


@runtime_checkable
class RivalTask(Protocol):
    """What a :class:`~perception_nodes.learning.task.Task` brings beside, to have a rival."""

    rival: nn.Module | None
    """Set by the loop: what ``loss`` is measured against; there its weights get no gradient."""

    rival_schedule: ScheduleRecipe
    """Rates, decays and clipping of the rival."""

    def build_rival(self) -> nn.Module:
        """Return the untrained rival."""

    def rival_batch(self, model: nn.Module, rival: nn.Module, batch: Any) -> Any:
        """Return what the rival learns from, of a kind that ``parts`` cuts; without gradient."""

    def rival_loss(self, rival: nn.Module, batch: Any) -> dict[str, torch.Tensor]:
        """Return the weighted terms of the rival's loss, under other names than the model's."""

    def parts(self, batch: Any, count: int) -> list[Any]:
        """Return a batch cut into at most ``count`` parts of about the same size."""


class NoRival:
    """Of a task that learns alone."""

    def step(self, model: nn.Module, batch: Any, factor: float) -> dict[str, float]:
        """Return no terms."""
        return {}

    def state_dict(self) -> dict[str, Any]:
        """Return nothing to keep."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take nothing."""


class Rival:
    """
    The second network and its optimiser.

    Its weights are random and are not averaged: it is a means, and nobody keeps it.

    :param task: gets the network in ``task.rival``.
    :param compute: device and arithmetic.
    :param threads: CPU threads, each with a part of the batch.
    """

    def __init__(self, task: RivalTask, compute: Compute, threads: int) -> None:
        self.task = task
        self.ranks = Ranks.now()
        network = self.ranks.aligned(task.build_rival(), compute.device)
        self.network = network.to(compute.device)
        self.network = self.network.to(memory_format=torch.channels_last)
        self.replicas = Replicas(compute.running(self.network), threads)
        self.threads = threads
        self.optimiser = PacedAdamW(self.network, task.rival_schedule)
        task.rival = self._frozen()

    def step(self, model: nn.Module, batch: Any, factor: float) -> dict[str, float]:
        """
        Take a step against the model as it is, and return the loss terms.

        :param model: the network that the rival learns against; not changed.
        :param batch: on the device.
        :param factor: on the peak rates.
        """
        schedule = self.task.rival_schedule
        self.optimiser.pace(factor)
        with torch.no_grad():
            shown = self.task.rival_batch(model, self.network, batch)
        self.network.requires_grad_(True)
        self.replicas.train()
        self.replicas.zero_grad()
        parts = self.task.parts(shown, self.threads)
        terms = self.replicas.backward(self.task.rival_loss, parts)
        self.ranks.average_gradients(self.network)
        if schedule.gradient_clip:
            nn.utils.clip_grad_norm_(self.network.parameters(), schedule.gradient_clip)
        self.optimiser.step()
        self._frozen()
        return terms

    def _frozen(self) -> nn.Module:
        """Return the network as the model's loss may use it, from several threads at a time."""
        self.network.requires_grad_(False)
        return self.replicas.models[0].eval()

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint keeps."""
        return {'network': self.network.state_dict(), 'optimiser': self.optimiser.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self.network.load_state_dict(state['network'])
        self.optimiser.load_state_dict(state['optimiser'])


def rival_of(task: object, compute: Compute, threads: int) -> Rival | NoRival:
    """Return the rival that a task brings, if any."""
    return Rival(task, compute, threads) if isinstance(task, RivalTask) else NoRival()
