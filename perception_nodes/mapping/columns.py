"""
The rule of one eye: what a column of a mask says about the floor when there is no depth.

Going up a column of pixels is going away over the floor, up to the first thing that stands
there. Where it stands is the lowest pixel of its run; what its upper parts hide is anyone's
guess, so everything further along that column stays unknown.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

GROUND, STANDING, UNLABELLED = 0, 1, 2
"""Kinds of a pixel."""


@dataclass(frozen=True, eq=False, kw_only=True)
class ColumnTrace:
    """
    What a mask shows per column.

    :param block_rows: (W,) int64, row of the lowest standing pixel; -1 where the column is open.
        At this row and above the floor is not seen.
    :param is_contact: (W,) bool, the standing thing is seen touching the ground there.
    """

    block_rows: np.ndarray
    is_contact: np.ndarray

    @property
    def contact_columns(self) -> np.ndarray:
        """(N,) int64 columns with a contact."""
        return np.flatnonzero(self.is_contact)

    @property
    def contact_rows(self) -> np.ndarray:
        """(N,) int64 rows of the contacts, by column."""
        return self.block_rows[self.is_contact]


def trace_columns(
    kinds: np.ndarray, *, min_run_px: int = 1, max_gap_px: int = 0, mark_cut_off: bool = False
) -> ColumnTrace:
    """
    Find the lowest standing run of every column and whether it touches the ground.

    :param kinds: (H, W) uint8 of :data:`GROUND`, :data:`STANDING`, :data:`UNLABELLED`; the last
        row is the nearest to the robot.
    :param min_run_px: shorter standing runs are speckle: neither contact nor block.
    :param max_gap_px: so many unlabelled pixels may lie between the ground and the run; more, and
        the place of contact is not known (blocked, but no contact).
    :param mark_cut_off: take the last row as contact where the run leaves the picture there.
    """
    height = kinds.shape[0]
    standing = (kinds == STANDING).view(np.uint8)
    if min_run_px > 1:
        standing = _without_short_runs(standing, min_run_px)
    upward = np.ascontiguousarray(standing[::-1].T)  # (W, H), nearest first
    steps = np.argmax(upward, axis=1)
    is_blocked = upward[np.arange(len(steps)), steps] > 0
    block_rows = np.where(is_blocked, height - 1 - steps, -1)
    is_contact = np.zeros(len(steps), bool)
    columns = np.flatnonzero(is_blocked)
    is_contact[columns] = _touches(kinds, block_rows[columns], columns, max_gap_px)
    if mark_cut_off:
        is_contact[columns] |= block_rows[columns] == height - 1
    return ColumnTrace(block_rows=block_rows, is_contact=is_contact)


def _without_short_runs(standing: np.ndarray, min_run_px: int) -> np.ndarray:
    """Return the pixels (0 or 1) that are part of a long enough run of their column."""
    kernel = np.ones((min_run_px, 1), np.uint8)
    # Mirrored anchors: OpenCV's own opening shifts the picture where the kernel is even.
    starts = cv2.erode(standing, kernel, anchor=(0, 0))
    return cv2.dilate(starts, kernel, anchor=(0, min_run_px - 1))


def _touches(
    kinds: np.ndarray, rows: np.ndarray, columns: np.ndarray, max_gap_px: int
) -> np.ndarray:
    """Return (N,) bool: ground below the pixel, with at most the gap of unlabelled between."""
    last = kinds.shape[0] - 1
    touches = np.zeros(len(rows), bool)
    open_so_far = np.ones(len(rows), bool)
    for step in range(1, max_gap_px + 2):
        below = rows + step
        kind = kinds[np.minimum(below, last), columns]
        inside = open_so_far & (below <= last)
        touches |= inside & (kind == GROUND)
        open_so_far = inside & (kind == UNLABELLED)
    return touches
