"""
One training in several processes, as ``torchrun`` starts them: a GPU each, or a machine each.

Every process has the whole network and its own share of each batch, varied by random numbers of
its own; all begin as process 0 does and average their gradients, so that all take the same steps.
Process 0 alone validates and writes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import nn

from perception_nodes.learning.models.widths import shapes_of, sized_like

T = TypeVar('T')

_VARIABLES = ('RANK', 'WORLD_SIZE', 'LOCAL_RANK')
_BETWEEN_SEEDS = 15_485_863  # a prime, far from the distances of the epochs' seeds


@dataclass(frozen=True, kw_only=True)
class Ranks:
    """
    This process among those of one training.

    :param rank: number of this process, from 0.
    :param count: of all processes.
    """

    rank: int = 0
    count: int = 1

    @classmethod
    def now(cls) -> Ranks:
        """Return what is set up; one process alone where nothing is."""
        if not torch.distributed.is_available() or not torch.distributed.is_initialized():
            return cls()
        return cls(rank=torch.distributed.get_rank(), count=torch.distributed.get_world_size())

    @property
    def leads(self) -> bool:
        """Whether this process validates and writes."""
        return self.rank == 0

    def average_gradients(self, model: nn.Module) -> None:
        """Replace every gradient by its mean over the processes."""
        if self.count == 1:
            return
        gradients = [weight.grad for weight in model.parameters() if weight.grad is not None]
        flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
        torch.distributed.all_reduce(flat)
        flat /= self.count
        for gradient, part in zip(
            gradients, flat.split([item.numel() for item in gradients]), strict=True
        ):
            gradient.copy_(part.view_as(gradient))

    def agreed(self, decide: Callable[[], T], device: torch.device) -> T:
        """
        Return what the leading process decides; the others wait for it and get a copy.

        :param decide: called in the leading process alone.
        :param device: of the training.
        """
        if self.count == 1:
            return decide()
        found: list[Any] = [decide() if self.leads else None]
        torch.distributed.broadcast_object_list(found, 0, device=device)
        return found[0]

    def aligned(self, model: nn.Module, device: torch.device) -> nn.Module:
        """Return the model, in every process with the widths and values of the leading one."""
        if self.count > 1:
            state = self.agreed(model.state_dict, device)
            sized_like(model, shapes_of(state)).load_state_dict(state)
        return model

    def own_seed(self, seed: int) -> int:
        """Return a seed of this process alone; the leading one, and one alone, keeps the seed."""
        return seed + _BETWEEN_SEEDS * self.rank

    def share_of(self, batch: int) -> int:
        """
        Return how many of a batch this process takes.

        :raises ValueError: when the batch cannot be shared evenly.
        """
        if batch % self.count:
            raise ValueError(
                f'schedule.batch: {batch} cannot be shared by {self.count} processes; take a '
                f'multiple of {self.count}, or start fewer'
            )
        return batch // self.count

    def share(self, order: Sequence[int]) -> Sequence[int]:
        """Return every n-th of an order that all processes have; each gets the same number."""
        return order[: len(order) // self.count * self.count][self.rank :: self.count]


def join_ranks(device: str) -> Ranks:
    """
    Join the training that ``torchrun`` started; alone where it did not.

    :param device: ``cpu`` meets over gloo, ``cuda`` over NCCL.
    """
    if not _is_started():
        return Ranks()
    if not torch.distributed.is_initialized():
        on_gpu = device != 'cpu' and torch.cuda.is_available()
        torch.distributed.init_process_group('nccl' if on_gpu else 'gloo')
    return Ranks.now()


def own_device(device: str) -> str:
    """Return the GPU of this process where ``torchrun`` started several; else as it is."""
    if device in ('auto', 'cuda') and _is_started() and torch.cuda.is_available():
        return f'cuda:{os.environ["LOCAL_RANK"]}'
    return device


def _is_started() -> bool:
    """Return whether ``torchrun``, or what sets the same variables, started this process."""
    return all(name in os.environ for name in _VARIABLES)
