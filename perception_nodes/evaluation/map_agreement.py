"""
How well a map agrees with the world: cells that were seen often enough, one cell of tolerance.

A map knows what was looked at: only cells that were seen in several frames within a range are
judged. Where something stands is taken from true depth, near the floor; the other judged cells
are free.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np

from perception_nodes.geometry import PlanarPose
from perception_nodes.mapping import MapClasses, Observation, OccupancyMap
from perception_nodes.mapping.occupancy import FREE_UP_TO, OCCUPIED_FROM

SEEN_TIMES, SEEN_WITHIN_M = 3, 3.0
TRUE_WITHIN_M = 3.5
LOW_M = 0.15
"""What is lower than this stands where it is seen; higher parts may hang over."""


@dataclass(frozen=True, kw_only=True)
class MapAgreement:
    """
    Agreement of a map with the world, 0..1; NaN where there is nothing to compare.

    :param free_iou: intersection over union of free cells.
    :param occupied_iou: the same of cells in which something stands.
    :param cells: how many were judged.
    """

    free_iou: float
    occupied_iou: float
    cells: int


class CellCounts:
    """
    Frames per cell of a frame that stands still, in a square around its origin.

    :param resolution_m: side of a cell.
    :param half_m: the square reaches this far; what lies outside is not counted.
    """

    def __init__(self, resolution_m: float = 0.05, half_m: float = 20.0) -> None:
        self.resolution_m = resolution_m
        self._half = round(half_m / resolution_m)
        self._counts = np.zeros((2 * self._half, 2 * self._half), np.uint16)

    def add(self, points_xy: np.ndarray) -> None:
        """
        Count every cell in which a frame has points once.

        :param points_xy: (N, 2) metres.
        """
        columns, rows = (np.floor(points_xy / self.resolution_m).astype(int) + self._half).T
        side = 2 * self._half
        inside = (columns >= 0) & (columns < side) & (rows >= 0) & (rows < side)
        self._counts.flat[np.unique(rows[inside] * side + columns[inside])] += 1

    def under(self, map_: OccupancyMap) -> np.ndarray:
        """Return (rows, columns) counts of the cells of a map; 0 outside the square."""
        rows, columns = map_.costs.shape
        left, low = np.rint(np.array(map_.origin_xy) / self.resolution_m).astype(int) + self._half
        wide = np.pad(self._counts, ((rows, rows), (columns, columns)))
        low = int(np.clip(low, -rows, 2 * self._half)) + rows
        left = int(np.clip(left, -columns, 2 * self._half)) + columns
        return wide[low : low + rows, left : left + columns]


class SeenCells:
    """Cells that a map was told about, by the number of frames."""

    def __init__(self, resolution_m: float = 0.05, half_m: float = 20.0) -> None:
        self._counts = CellCounts(resolution_m, half_m)

    def add(self, observation: Observation, pose: PlanarPose) -> None:
        """Count the cells that one frame saw near enough."""
        self.add_points(observation.points_xy.T.astype(np.float64), pose)

    def add_points(self, points_xy: np.ndarray, pose: PlanarPose) -> None:
        """
        Count the cells in which one frame has points near enough.

        :param points_xy: (N, 2) float64 in base_link, metres.
        """
        near = np.hypot(points_xy[:, 0], points_xy[:, 1]) <= SEEN_WITHIN_M
        self._counts.add(pose.apply(points_xy[near]))

    def under(self, map_: OccupancyMap) -> np.ndarray:
        """Return (rows, columns) bool, cells of a map that were seen often enough."""
        return self._counts.under(map_) >= SEEN_TIMES


class TrueCells:
    """
    Cells in which things stand, by true masks and true depth.

    :param classes: the mask values are their ids.
    """

    def __init__(
        self, classes: MapClasses, resolution_m: float = 0.05, half_m: float = 20.0
    ) -> None:
        self._classes = classes
        self._standing = CellCounts(resolution_m, half_m)
        self._moving = CellCounts(resolution_m, half_m)

    def add(self, mask: np.ndarray, points_xyz: np.ndarray, pose: PlanarPose) -> None:
        """
        Take one frame.

        :param mask: (H, W) uint8 true classes.
        :param points_xyz: (H, W, 3) true places in base_link, NaN where nothing is.
        """
        points = points_xyz.reshape(-1, 3).astype(np.float64)
        near = (np.hypot(points[:, 0], points[:, 1]) <= TRUE_WITHIN_M) & (points[:, 2] < LOW_M)
        ids = mask.ravel()
        for counts, chosen in (
            (self._standing, ~self._classes.ground & ~self._classes.dynamic),
            (self._moving, self._classes.dynamic),
        ):
            counts.add(pose.apply(points[near & np.isin(ids, np.flatnonzero(chosen)), :2]))

    def standing(self, map_: OccupancyMap) -> np.ndarray:
        """Return (rows, columns) bool, cells of a map in which something stands for good."""
        return self._standing.under(map_) > 0

    def moving(self, map_: OccupancyMap) -> np.ndarray:
        """Return (rows, columns) bool, cells in which something of a dynamic class was."""
        return self._moving.under(map_) > 0


def map_agreement(map_: OccupancyMap, standing: np.ndarray, judged: np.ndarray) -> MapAgreement:
    """
    Compare a map with the world.

    :param standing: (rows, columns) bool, where something stands.
    :param judged: (rows, columns) bool, the cells to judge.
    """
    free = (map_.costs >= 0) & (map_.costs <= FREE_UP_TO)
    return MapAgreement(
        free_iou=tolerant_iou(free, ~standing, judged),
        occupied_iou=tolerant_iou(map_.costs >= OCCUPIED_FROM, standing, judged),
        cells=int(judged.sum()),
    )


def judged_cells(seen: SeenCells, truth: TrueCells, map_: OccupancyMap) -> np.ndarray:
    """
    Return (rows, columns) bool: seen often enough, and not where something moves by itself.

    A map forgets what moves by itself within seconds, as it should.
    """
    near_moving = _grown(truth.moving(map_)) & ~truth.standing(map_)
    return seen.under(map_) & ~near_moving


def tolerant_iou(found: np.ndarray, truth: np.ndarray, judged: np.ndarray) -> float:
    """
    Return the IoU over judged cells where a neighbour counts as the same cell.

    :param found: (rows, columns) bool; ``truth`` and ``judged`` alike.
    """
    hits, false, missed = (int(part.sum()) for part in cell_errors(found, truth, judged))
    total = hits + false + missed
    return hits / total if total else float('nan')


def cell_errors(found: np.ndarray, truth: np.ndarray, judged: np.ndarray) -> Iterable[np.ndarray]:
    """Return (rows, columns) bool: right, wrongly found, missed; a neighbour is near enough."""
    near_truth, near_found = _grown(truth), _grown(found & judged)
    return (
        found & judged & near_truth,
        found & judged & ~near_truth,
        truth & judged & ~near_found,
    )


def _grown(cells: np.ndarray) -> np.ndarray:
    return cv2.dilate(cells.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
