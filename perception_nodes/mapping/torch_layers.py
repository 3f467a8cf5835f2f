"""The same evidence as :class:`.NumpyLayers`, held and fused by torch, also on a GPU."""

from __future__ import annotations

import numpy as np
import torch

from perception_nodes.mapping.classes import UNKNOWN
from perception_nodes.mapping.layers import (
    NEGLIGIBLE,
    CellsFromBase,
    FusionRule,
    Layers,
    overlap,
)
from perception_nodes.mapping.observation import Observation


class TorchLayers(Layers):
    """
    Evidence on a torch device.

    :param device: ``cpu``, ``cuda``, ``cuda:1`` …
    """

    def __init__(self, size_cells: int, rule: FusionRule, device: str = 'cuda') -> None:
        super().__init__(size_cells, rule)
        self.device = torch.device(device)
        count = len(rule.ground)
        self._values = torch.zeros((count, size_cells * size_cells), device=self.device)
        self._static = torch.as_tensor(np.flatnonzero(~rule.dynamic), device=self.device)
        self._moving = torch.as_tensor(np.flatnonzero(rule.dynamic), device=self.device)
        self._lowest = self._on_device(rule.lowest)[:, None]
        self._highest = self._on_device(rule.highest)[:, None]

    def _on_device(self, array: np.ndarray, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.device, dtype)

    @property
    def _square(self) -> torch.Tensor:
        """Evidence as (C, N, N), sharing memory."""
        return self._values.view(-1, self.size_cells, self.size_cells)

    def decay(self, factors: np.ndarray) -> None:
        """See :meth:`Layers.decay`."""
        self._values *= self._on_device(factors)[:, None]
        self._values[self._values.abs() < NEGLIGIBLE] = 0

    def fuse(
        self, observation: Observation, cells_from_base: CellsFromBase, clear_factor: float
    ) -> int:
        """See :meth:`Layers.fuse`."""
        sums = self._summed(observation, cells_from_base)
        total = sums.sum(dim=0)
        shares = sums / total.clamp(min=1)
        seen = total > 0
        rule, values = self.rule, self._values
        static, moving = shares[self._static], shares[self._moving]
        change = (rule.hit + rule.miss) * static - rule.miss * static.sum(dim=0)
        values[self._static] += change
        gone = seen & (moving.sum(dim=0) == 0)
        values[self._moving] = (
            values[self._moving] * torch.where(gone, clear_factor, 1.0) + rule.hit * moving
        )
        self._values = torch.minimum(torch.maximum(values, self._lowest), self._highest)
        return int(seen.sum())

    def _summed(self, observation: Observation, cells_from_base: CellsFromBase) -> torch.Tensor:
        """Return the added weights per class and cell, (C, N·N) float32."""
        side, cells = self.size_cells, cells_from_base
        x_m, y_m = self._on_device(observation.points_xy)
        column = cells.cos * x_m - cells.sin * y_m + cells.column_0
        row = cells.sin * x_m + cells.cos * y_m + cells.row_0
        inside = (column >= 0) & (column < side) & (row >= 0) & (row < side)
        class_ids = self._on_device(observation.class_ids, torch.int64)
        bins = (class_ids * side + row.long()) * side + column.long()
        weights = torch.where(inside, self._on_device(observation.weights), 0.0)
        sums = torch.zeros(self._values.numel(), device=self.device)
        sums.scatter_add_(0, torch.where(inside, bins, 0), weights)
        return sums.view(len(self._values), -1)

    def shift(self, columns: int, rows: int) -> None:
        """See :meth:`Layers.shift`."""
        moved = torch.zeros_like(self._square)
        target, source = overlap(self.size_cells, columns, rows)
        moved[(slice(None), *target)] = self._square[(slice(None), *source)]
        self._values = moved.view(len(self._values), -1)

    def clear(self) -> None:
        """See :meth:`Layers.clear`."""
        self._values.zero_()

    def rearrange(self, sources: np.ndarray) -> None:
        """See :meth:`Layers.rearrange`."""
        index = self._on_device(sources.ravel(), torch.int64)
        self._values = torch.where(index >= 0, self._values[:, index.clamp(min=0)], 0.0)

    def log_odds(self) -> np.ndarray:
        """See :meth:`Layers.log_odds`."""
        return self._square.cpu().numpy().copy()

    def assign(self, log_odds: np.ndarray) -> None:
        """See :meth:`Layers.assign`."""
        self._values = self._on_device(log_odds).reshape(len(self._values), -1).clone()

    def best(self) -> tuple[np.ndarray, np.ndarray]:
        """See :meth:`Layers.best`."""
        values, index = self._values[self._static].max(dim=0)
        ids = self._static[index]
        if len(self._moving):
            moving_values, index = self._values[self._moving].max(dim=0)
            wins = moving_values >= self.rule.known
            ids = torch.where(wins, self._moving[index], ids)
            values = torch.where(wins, moving_values, values)
        ids = torch.where(values >= self.rule.known, ids, UNKNOWN).to(torch.uint8)
        shape = (self.size_cells, self.size_cells)
        return ids.cpu().numpy().reshape(shape), values.cpu().numpy().reshape(shape)
