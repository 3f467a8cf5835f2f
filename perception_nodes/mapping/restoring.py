"""A saved map as evidence: what a map knows again after loading."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perception_nodes.mapping.classes import UNKNOWN, MapClasses
from perception_nodes.mapping.layers import FusionRule
from perception_nodes.mapping.occupancy import OccupancyMap


@dataclass(frozen=True, kw_only=True)
class Window:
    """
    Where the cells of a map lie.

    :param size_cells: cells along a side.
    :param resolution_m: side of a cell.
    :param origin_xy: corner of cell (0, 0), metres.
    """

    size_cells: int
    resolution_m: float
    origin_xy: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class RestoreResult:
    """
    What became of a saved map.

    :param cells: cells of the window that are known from it.
    :param outside: known cells of the saved map that lie outside the window.
    :param unknown_names: classes that the saved map has and the table does not; their cells are
        taken by cost.
    """

    cells: int
    outside: int
    unknown_names: tuple[str, ...] = ()


def restored_evidence(
    saved: OccupancyMap, window: Window, classes: MapClasses, rule: FusionRule
) -> tuple[np.ndarray, RestoreResult]:
    """
    Return the log-odds of a saved map in a window, cell by nearest cell.

    A cell that was saved with its class gets the evidence back that it had. Of a map without
    classes, or with classes of other names, a cell gets the static class of the nearest cost (of
    equal costs the last of the table) as firmly as can be. Cells of dynamic classes stay unknown:
    what moved has gone since.

    :returns: (C, N, N) float32, and what was taken.
    """
    ids, values, unknown_names = _looked_up(saved, classes, rule)
    sources, outside = _sources(saved, window, ids != UNKNOWN)
    inside = sources >= 0
    taken_ids = np.where(inside, ids.ravel()[sources], UNKNOWN)
    evidence = np.zeros((len(classes), *taken_ids.shape), np.float32)
    rows, columns = np.nonzero(taken_ids != UNKNOWN)
    evidence[taken_ids[rows, columns], rows, columns] = values.ravel()[sources[rows, columns]]
    return evidence, RestoreResult(cells=len(rows), outside=outside, unknown_names=unknown_names)


def _looked_up(
    saved: OccupancyMap, classes: MapClasses, rule: FusionRule
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Return class id (255 unknown) and log-odds of every saved cell, and nameless classes."""
    ids = _ids_by_cost(saved.costs, classes)
    values = np.where(ids == UNKNOWN, 0, rule.highest[np.where(ids == UNKNOWN, 0, ids)])
    if saved.cells is None:
        return ids, values, ()
    labels = dict(enumerate(saved.cells.names))
    by_name = classes.id_table(labels)[saved.cells.ids]
    named = by_name != UNKNOWN
    probability = np.clip(saved.cells.confidence / 255, 1e-3, 1 - 1e-3)
    known = np.log(probability / (1 - probability))
    values = np.where(named, known, values)
    ids = np.where(named, by_name, ids)
    ids[named & classes.dynamic[np.where(named, by_name, 0)]] = UNKNOWN
    values = np.minimum(values, rule.highest[np.where(ids == UNKNOWN, 0, ids)])
    return ids, values, classes.unknown_labels(labels)


def _ids_by_cost(costs: np.ndarray, classes: MapClasses) -> np.ndarray:
    """Return the static class of the nearest cost, 255 where the cost is unknown."""
    static = np.flatnonzero(~classes.dynamic)[::-1]
    distance = np.abs(np.arange(101)[:, None] - classes.costs[static].astype(int))
    table = static[np.argmin(distance, axis=1)].astype(np.uint8)
    return np.where(costs < 0, UNKNOWN, table[np.maximum(costs, 0)]).astype(np.uint8)


def _sources(saved: OccupancyMap, window: Window, known: np.ndarray) -> tuple[np.ndarray, int]:
    """Return (N, N) flat index of the saved cell under each, -1 outside, and lost cells."""
    rows, columns = saved.costs.shape
    middles = (np.arange(window.size_cells) + 0.5) * window.resolution_m
    column = np.floor((middles + window.origin_xy[0] - saved.origin_xy[0]) / saved.resolution_m)
    row = np.floor((middles + window.origin_xy[1] - saved.origin_xy[1]) / saved.resolution_m)
    inside = ((row >= 0) & (row < rows))[:, None] & ((column >= 0) & (column < columns))
    sources = np.where(inside, row[:, None] * columns + column, -1).astype(np.int64)
    side_m = window.size_cells * window.resolution_m
    known_rows, known_columns = np.nonzero(known)
    x_m = (known_columns + 0.5) * saved.resolution_m + saved.origin_xy[0] - window.origin_xy[0]
    y_m = (known_rows + 0.5) * saved.resolution_m + saved.origin_xy[1] - window.origin_xy[1]
    lost = (x_m < 0) | (x_m >= side_m) | (y_m < 0) | (y_m >= side_m)
    return sources, int(lost.sum())
