"""A trunk that stays as it is while the new layers behind it learn their first."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

_TRUNK = 'trunk'


class TrunkHold:
    """
    Keeps the trunk of a network, and of its copies, from learning in the first epochs.

    Without gradients the optimiser passes the weights over, decay included, and begins with them
    when they are let go. Layers that learn at no time are not touched. Batch norms that are not
    merged keep their statistics too.

    :param models: the network and its copies, which hold ``trunk``.
    :param epochs: how many; 0: nothing is held.
    :raises ValueError: there is no trunk to hold.
    """

    def __init__(self, models: Sequence[nn.Module], epochs: int) -> None:
        self._epochs = epochs
        self._is_held = False
        named = [pair for model in models for pair in model.named_modules()] if epochs else []
        self._trunks = [module for name, module in named if name.split('.')[-1] == _TRUNK]
        if epochs and not self._trunks:
            raise ValueError(
                f'schedule.frozen_epochs: {epochs}, but this network has no trunk; leave it at 0'
            )
        self._learning = [
            weight
            for trunk in self._trunks
            for weight in trunk.parameters()
            if weight.requires_grad
        ]

    def begin(self, epoch: int) -> None:
        """
        Hold the trunk in this epoch or let it go.

        :param epoch: from 0.
        """
        self._is_held = epoch < self._epochs
        for weight in self._learning:
            weight.requires_grad_(not self._is_held)

    def settle(self) -> None:
        """Take a held trunk out of training mode; called after the models were brought into it."""
        if self._is_held:
            for trunk in self._trunks:
                trunk.eval()
