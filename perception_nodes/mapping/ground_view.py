"""Where the pixels of a camera look on the floor, and how much each says about a cell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

CONTACT_GAIN = 2.0
"""Contacts along half of a cell's width count as a full look: edges of things are things."""


@dataclass(frozen=True, eq=False, kw_only=True)
class GroundView:
    """
    A ground look-up prepared for one cell size; it stays valid while the camera does not move.

    R rows from ``first_row`` to the last row of the picture.

    :param shape_hw: size of the picture.
    :param first_row: first row with a usable pixel; everything above says nothing.
    :param x_m: (R, W) float32, metres in base_link, forward; 0 where unusable.
    :param y_m: (R, W) float32, metres in base_link, left; 0 where unusable.
    :param area_shares: (R, W) float32, share of a look at a cell by one ground pixel; 0 where
        unusable. Near the camera that is the pixel's footprint as part of the cell; where the
        footprint is larger than the cell, or the range is less certain than the cell is long,
        the look is worth less.
    :param width_shares: (R, W) float32, the same for one pixel of contact, by its width.
    """

    shape_hw: tuple[int, int]
    first_row: int
    x_m: np.ndarray
    y_m: np.ndarray
    area_shares: np.ndarray
    width_shares: np.ndarray

    @classmethod
    def prepare(
        cls,
        points_xy: np.ndarray,
        sigma_m: np.ndarray,
        *,
        resolution_m: float,
        max_range_m: float,
        max_sigma_m: float,
    ) -> GroundView:
        """
        Prepare a ground look-up; :meth:`.MaskObserver.prepare` does so for its own grid.

        :param points_xy: (H, W, 2) float32, metres in base_link, NaN above the horizon.
        :param sigma_m: (H, W) float32, standard deviation of range in metres, NaN or anything
            above the horizon.
        :param resolution_m: side of a cell.
        :param max_range_m: places further from base_link are unusable.
        :param max_sigma_m: less certain places are unusable.
        """
        shape_hw = points_xy.shape[:2]
        if points_xy.shape != (*shape_hw, 2) or sigma_m.shape != shape_hw or min(shape_hw) < 2:
            raise ValueError(
                'a ground look-up is points_xy (H, W, 2) and sigma_m (H, W) with H, W ≥ 2, got '
                f'{points_xy.shape} and {sigma_m.shape}'
            )
        first_row = _first_usable_row(points_xy, max_range_m)
        x_m = np.ascontiguousarray(points_xy[first_row:, :, 0], np.float32)
        y_m = np.ascontiguousarray(points_xy[first_row:, :, 1], np.float32)
        sigma_m = sigma_m[first_row:]
        usable = x_m * x_m + y_m * y_m <= max_range_m**2
        usable &= sigma_m <= max_sigma_m
        across = np.stack([_along_row(x_m), _along_row(y_m)])
        away = np.stack([_along_column(x_m), _along_column(y_m)])
        area = np.abs(across[0] * away[1] - across[1] * away[0]) / resolution_m**2
        certainty = np.minimum(1, resolution_m / np.maximum(sigma_m, 1e-6))
        with np.errstate(divide='ignore', invalid='ignore'):
            area_shares = np.minimum(area, 1 / area) * certainty
        width_shares = np.hypot(*across) * (CONTACT_GAIN / resolution_m) * certainty
        usable &= np.isfinite(area_shares) & np.isfinite(width_shares)
        return cls(
            shape_hw=shape_hw,
            first_row=first_row,
            x_m=_masked(x_m, usable),
            y_m=_masked(y_m, usable),
            area_shares=_masked(area_shares, usable),
            width_shares=_masked(width_shares, usable),
        )


def _first_usable_row(points_xy: np.ndarray, max_range_m: float) -> int:
    """Return the first row with a place in range, leaving at least two rows."""
    x_m, y_m = points_xy[:, :, 0], points_xy[:, :, 1]
    in_range = (x_m * x_m + y_m * y_m <= max_range_m**2).any(axis=1)
    last = len(points_xy) - 2
    return min(int(np.argmax(in_range)), last) if in_range.any() else last


def _along_row(values: np.ndarray) -> np.ndarray:
    """Return the step to the next pixel of the row; the last repeats the one before."""
    steps = np.empty_like(values)
    np.subtract(values[:, 1:], values[:, :-1], out=steps[:, :-1])
    steps[:, -1] = steps[:, -2]
    return steps


def _along_column(values: np.ndarray) -> np.ndarray:
    """Return the step from the pixel below, which is nearer; the last row repeats."""
    steps = np.empty_like(values)
    np.subtract(values[:-1], values[1:], out=steps[:-1])
    steps[-1] = steps[-2]
    return steps


def _masked(values: np.ndarray, usable: np.ndarray) -> np.ndarray:
    return np.where(usable, values, 0).astype(np.float32, copy=False)
