"""Where the cells of a map come from when its frame has moved."""

from __future__ import annotations

import numpy as np

from perception_nodes.geometry import PlanarPose


def turned_sources(
    side: int, cell_m: float, origin: np.ndarray, old_origin: np.ndarray, old_from_new: PlanarPose
) -> np.ndarray:
    """
    Return the old cell under the middle of every new one.

    :param side: cells along a side, of both.
    :param origin: (2,) column and row of the new window's corner, in cells of the new frame.
    :param old_origin: (2,) the same of the old window, in the old frame.
    :param old_from_new: where the new frame lies in the old one.
    :returns: (side, side) int64 flat indices, -1 outside.
    """
    rows, columns = np.mgrid[:side, :side]
    middles = (np.stack([columns, rows], axis=-1) + origin + 0.5) * cell_m
    old = np.floor(old_from_new.apply(middles) / cell_m) - old_origin
    inside = ((old >= 0) & (old < side)).all(axis=-1)
    return np.where(inside, old[..., 1] * side + old[..., 0], -1).astype(np.int64)
