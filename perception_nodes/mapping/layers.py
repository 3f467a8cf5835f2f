"""
The evidence of the map: one layer of log-odds per class, fused cell by cell.

A layer holds the log-odds that a cell is of its class (Moravec and Elfes 1985, one binary
filter per class). 0 is unknown. Looks at a cell raise the class that was seen and lower the
others; time brings all back to 0. Dynamic classes live apart: a person neither erases what is
known about the floor nor is remembered where the floor is seen again.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from perception_nodes.mapping.classes import UNKNOWN
from perception_nodes.mapping.observation import Observation

NEGLIGIBLE = 1e-3
"""Smaller evidence is nothing; without this, decay ends in denormal numbers, which are slow."""


@dataclass(frozen=True, eq=False, kw_only=True)
class FusionRule:
    """
    What looks do to evidence.

    :param ground: (C,) bool.
    :param dynamic: (C,) bool, classes of the fast layer.
    :param hit: log-odds that a full look adds to the class seen.
    :param miss: log-odds that it takes from the other static classes.
    :param lowest: (C,) float32, log-odds never fall below; 0 for dynamic classes.
    :param highest: (C,) float32, log-odds never rise above.
    :param known: log-odds at which a cell counts as known.
    """

    ground: np.ndarray
    dynamic: np.ndarray
    hit: float
    miss: float
    lowest: np.ndarray
    highest: np.ndarray
    known: float


@dataclass(frozen=True, kw_only=True)
class CellsFromBase:
    """
    From metres in base_link to cells of the grid: column and row of a point.

    ``column = cos·x − sin·y + column_0``, ``row = sin·x + cos·y + row_0``, all in cells.
    """

    cos: float
    sin: float
    column_0: float
    row_0: float


class Layers(ABC):
    """
    Evidence of a square grid; row is y, column is x, both growing with the coordinate.

    :param size_cells: cells along a side, N.
    :param rule: what looks do; C classes.
    """

    def __init__(self, size_cells: int, rule: FusionRule) -> None:
        self.size_cells = size_cells
        self.rule = rule

    @abstractmethod
    def decay(self, factors: np.ndarray) -> None:
        """Multiply the evidence of each class by its factor; (C,) in 0..1."""

    @abstractmethod
    def fuse(
        self, observation: Observation, cells_from_base: CellsFromBase, clear_factor: float
    ) -> int:
        """
        Fuse looks and return the number of cells that were seen.

        :param clear_factor: what remains of dynamic evidence in cells where only static classes
            were seen, 0..1.
        """

    @abstractmethod
    def shift(self, columns: int, rows: int) -> None:
        """Move the window by whole cells; what enters is unknown."""

    @abstractmethod
    def clear(self) -> None:
        """Forget everything."""

    @abstractmethod
    def rearrange(self, sources: np.ndarray) -> None:
        """Take every cell from another: (N, N) int64 flat indices, -1 is unknown."""

    @abstractmethod
    def log_odds(self) -> np.ndarray:
        """Return a copy of the evidence, (C, N, N) float32."""

    @abstractmethod
    def assign(self, log_odds: np.ndarray) -> None:
        """Replace the evidence by (C, N, N) float32."""

    @abstractmethod
    def best(self) -> tuple[np.ndarray, np.ndarray]:
        """
        Return the class of every cell and its log-odds.

        A dynamic class that is known wins; else the static class with the highest evidence.

        :return: (N, N) uint8 with 255 where nothing is known, (N, N) float32.
        """


class NumpyLayers(Layers):
    """Evidence in memory, on one core."""

    def __init__(self, size_cells: int, rule: FusionRule) -> None:
        super().__init__(size_cells, rule)
        self._values = np.zeros((len(rule.ground), size_cells, size_cells), np.float32)
        self._static = np.flatnonzero(~rule.dynamic)
        self._moving = np.flatnonzero(rule.dynamic)

    def decay(self, factors: np.ndarray) -> None:
        """See :meth:`Layers.decay`."""
        for layer, factor in zip(self._values, factors, strict=True):
            if factor < 1:
                layer *= np.float32(factor)
                layer[np.abs(layer) < NEGLIGIBLE] = 0

    def fuse(
        self, observation: Observation, cells_from_base: CellsFromBase, clear_factor: float
    ) -> int:
        """See :meth:`Layers.fuse`."""
        sums = self._summed(observation, cells_from_base)
        total = sums.sum(axis=0)
        touched = np.flatnonzero(total)
        shares = sums[:, touched]
        shares /= np.maximum(1, total[touched])
        self._apply(touched, shares.astype(np.float32), clear_factor)
        return len(touched)

    def _summed(self, observation: Observation, cells_from_base: CellsFromBase) -> np.ndarray:
        """Return the added weights per class and cell, (C, N·N) float64."""
        side, cells = self.size_cells, cells_from_base
        x_m, y_m = observation.points_xy
        cos, sin = np.float32(cells.cos), np.float32(cells.sin)
        column = cos * x_m - sin * y_m + np.float32(cells.column_0)
        row = sin * x_m + cos * y_m + np.float32(cells.row_0)
        inside = (column >= 0) & (column < side) & (row >= 0) & (row < side)
        class_ids, weights = observation.class_ids, observation.weights
        if not inside.all():
            column, row = column[inside], row[inside]
            class_ids, weights = class_ids[inside], weights[inside]
        bins = row.astype(np.intp)
        bins *= side
        bins += column.astype(np.intp)
        bins += class_ids.astype(np.intp) * (side * side)
        count = len(self._values) * side * side
        sums = np.bincount(bins, weights, minlength=count).astype(np.float64, copy=False)
        return sums.reshape(len(self._values), -1)

    def _apply(self, touched: np.ndarray, shares: np.ndarray, clear_factor: float) -> None:
        """Add the looks of one frame to the touched cells; ``shares`` is (C, cells)."""
        rule = self.rule
        flat = self._values.reshape(len(self._values), -1)
        values = flat[:, touched]
        static = shares[self._static]
        values[self._static] += (rule.hit + rule.miss) * static - rule.miss * static.sum(axis=0)
        moving = shares[self._moving]
        gone = moving.sum(axis=0) == 0
        values[self._moving] *= np.where(gone, np.float32(clear_factor), np.float32(1))
        values[self._moving] += rule.hit * moving
        np.clip(values, rule.lowest[:, None], rule.highest[:, None], out=values)
        flat[:, touched] = values

    def shift(self, columns: int, rows: int) -> None:
        """See :meth:`Layers.shift`."""
        moved = np.zeros_like(self._values)
        target, source = overlap(self.size_cells, columns, rows)
        moved[(slice(None), *target)] = self._values[(slice(None), *source)]
        self._values = moved

    def clear(self) -> None:
        """See :meth:`Layers.clear`."""
        self._values[:] = 0

    def rearrange(self, sources: np.ndarray) -> None:
        """See :meth:`Layers.rearrange`."""
        flat = self._values.reshape(len(self._values), -1)
        self._values = np.where(sources >= 0, flat[:, np.maximum(sources, 0)], np.float32(0))

    def log_odds(self) -> np.ndarray:
        """See :meth:`Layers.log_odds`."""
        return self._values.copy()

    def assign(self, log_odds: np.ndarray) -> None:
        """See :meth:`Layers.assign`."""
        self._values[:] = log_odds

    def best(self) -> tuple[np.ndarray, np.ndarray]:
        """See :meth:`Layers.best`."""
        ids, values = _winner(self._values, self._static)
        if len(self._moving):
            moving_ids, moving_values = _winner(self._values, self._moving)
            wins = moving_values >= self.rule.known
            ids, values = np.where(wins, moving_ids, ids), np.where(wins, moving_values, values)
        ids[values < self.rule.known] = UNKNOWN
        return ids, values


def _winner(values: np.ndarray, layers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the layer with the highest value per cell, uint8, and the value."""
    best = values[layers[0]].copy()
    ids = np.full(best.shape, layers[0], np.uint8)
    for layer in layers[1:]:
        higher = values[layer] > best
        np.copyto(best, values[layer], where=higher)
        ids[higher] = layer
    return ids, best


Slices = tuple[slice, slice]


def overlap(side: int, columns: int, rows: int) -> tuple[Slices, Slices]:
    """Return (rows, columns) of what stays after a shift: where it comes to lie, where it lay."""
    pairs = []
    for step in (rows, columns):
        step = int(np.clip(step, -side, side))
        kept = side - abs(step)
        to, start = max(0, -step), max(0, step)
        pairs.append((slice(to, to + kept), slice(start, start + kept)))
    return (pairs[0][0], pairs[1][0]), (pairs[0][1], pairs[1][1])
