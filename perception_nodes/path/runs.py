"""Connected stretches of rings, and how they follow one another from near to far."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

HALF = 127.5
"""Level of the linear samples at which a run begins and ends."""
EDGE_COLUMNS = 2
"""So many columns beyond an edge must be known for it to be an edge."""
MOST_RUNS = 600
"""Of more only the widest are kept: a mask of speckle must not cost seconds."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Runs:
    """
    R runs, ordered by ring and in a ring from left to right.

    :param rings: (R,) int64, index of the ring.
    :param first: (R,) int64, first column.
    :param last: (R,) int64, last column.
    :param left: (R,) float64, where the run begins, in fractions of columns.
    :param right: (R,) float64, where it ends.
    """

    rings: np.ndarray
    first: np.ndarray
    last: np.ndarray
    left: np.ndarray
    right: np.ndarray

    def __len__(self) -> int:
        """Return the number of runs."""
        return len(self.rings)

    def __getitem__(self, index: np.ndarray) -> Runs:
        """Return the selected runs; ``index`` is a mask or ascending."""
        return Runs(
            rings=self.rings[index], first=self.first[index], last=self.last[index],
            left=self.left[index], right=self.right[index],
        )  # fmt: skip

    @property
    def middle(self) -> np.ndarray:
        """(R,) float64, fractions of columns."""
        return 0.5 * (self.left + self.right)


def find_runs(levels: np.ndarray, bridges: np.ndarray | None = None) -> Runs:
    """
    Return the runs of a sampled picture.

    :param levels: (K, C) uint8, 255 belongs to a run, 0 does not; between them linear.
    :param bridges: (K, C) bool, columns that do not part a run when they lie inside it.
    """
    rings, columns = levels.shape
    padded = np.zeros((rings, columns + 2), bool)
    np.greater(levels, HALF, out=padded[:, 1:-1])
    flat = padded.ravel()
    changes = np.flatnonzero(flat[1:] != flat[:-1])
    first, last = changes[::2], changes[1::2] - 1
    ring = first // (columns + 2)
    first, last = first - ring * (columns + 2), last - ring * (columns + 2)
    if bridges is not None and len(first) > 1:
        ring, first, last = _bridged(bridges, ring, first, last)
    runs = Runs(
        rings=ring, first=first, last=last,
        left=first - _share(levels, ring, first, first - 1),
        right=last + _share(levels, ring, last, last + 1),
    )  # fmt: skip
    if len(runs) > MOST_RUNS:
        widest = np.argpartition(first - last, MOST_RUNS)[:MOST_RUNS]
        runs = runs[np.sort(widest)]
    return runs


def _bridged(
    bridges: np.ndarray, ring: np.ndarray, first: np.ndarray, last: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Join neighbours of a ring between which every column is a bridge."""
    count = np.zeros((bridges.shape[0], bridges.shape[1] + 1), np.int32)
    np.cumsum(bridges, axis=1, out=count[:, 1:])
    same = ring[1:] == ring[:-1]
    gap = first[1:] - last[:-1] - 1
    bridged = count[ring[1:], first[1:]] - count[ring[1:], np.where(same, last[:-1] + 1, 0)]
    joined = same & (bridged == gap)
    begins = np.concatenate([[True], ~joined])
    ends = np.concatenate([~joined, [True]])
    return ring[begins], first[begins], last[ends]


def _share(
    levels: np.ndarray, ring: np.ndarray, inner: np.ndarray, outer: np.ndarray
) -> np.ndarray:
    """Return how far beyond the inner column the level is crossed, in columns."""
    inside = np.clip(outer, 0, levels.shape[1] - 1)
    high = levels[ring, inner].astype(np.float64)
    low = np.where(inside == outer, levels[ring, inside], 0.0)
    return (high - HALF) / np.maximum(high - low, 1.0)


def overlap(runs: Runs, index: int, candidates: np.ndarray) -> np.ndarray:
    """Return the candidates that share a column with a run, or touch it."""
    touching = runs.first[candidates] <= runs.last[index] + 1
    touching &= runs.last[candidates] >= runs.first[index] - 1
    return candidates[touching]


def known_ends(runs: Runs, hidden: np.ndarray) -> np.ndarray:
    """
    Return (2, R) bool, whether runs really begin on the left and end on the right where they do.

    :param hidden: (K, C) bool, places of the view that nobody knows.
    """
    beyond = EDGE_COLUMNS
    padded = np.pad(hidden, ((0, 0), (beyond, beyond)), constant_values=True)
    known = np.ones((2, len(runs)), bool)
    for away in range(1, beyond + 1):
        known[0] &= ~padded[runs.rings, runs.first - away + beyond]
        known[1] &= ~padded[runs.rings, runs.last + away + beyond]
    return known


def rings_of(runs: Runs, count: int) -> list[np.ndarray]:
    """Return the indices of the runs of each ring."""
    bounds = np.searchsorted(runs.rings, np.arange(count + 1))
    return [np.arange(begin, end) for begin, end in itertools.pairwise(bounds)]
