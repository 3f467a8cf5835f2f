"""Where the pixels of a camera look on the floor, and how much each says about a cell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

CONTACT_GAIN = 2.0
"""Contacts along half of a cell's width count as a full look: edges of things are things."""


SAMPLES_PER_CELL = 4
"""Along each side of a cell; near the camera there are many more pixels than that."""
WIDEST_STRIDE = 8
PROBE_STRIDE = 16
"""Footprints change slowly along a row: every so many pixels are looked at."""


@dataclass(frozen=True, eq=False, kw_only=True)
class GroundView:
    """
    A ground look-up prepared for one cell size; it stays valid while the camera does not move.

    R rows from ``first_row`` to the last row of the picture.

    :param shape_hw: size of the picture.
    :param first_row: first row with a usable pixel; everything above says nothing.
    :param resolution_m: side of a cell.
    :param x_m: (R, W) float32, metres in base_link, forward; anything where unusable.
    :param y_m: (R, W) float32, metres in base_link, left; anything where unusable.
    :param sigma_m: (R, W) float32, standard deviation of range.
    :param usable: (R, W) bool, near and certain enough.
    :param samples: (R, W) bool, usable pixels that speak for their neighbours, too: of ground,
        a cell near the camera holds hundreds of pixels, and these are enough.
    :param area_shares: (R, W) float32, share of a look at a cell by one sample of ground; 0
        elsewhere. Near the camera that is the footprint of the pixels it speaks for as part of
        the cell; where the footprint is larger than the cell, or the range is less certain than
        the cell is long, the look is worth less.
    """

    shape_hw: tuple[int, int]
    first_row: int
    resolution_m: float
    x_m: np.ndarray
    y_m: np.ndarray
    sigma_m: np.ndarray
    usable: np.ndarray
    samples: np.ndarray
    area_shares: np.ndarray

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
        x_m, y_m = (np.ascontiguousarray(points_xy[:, :, i], np.float32) for i in (0, 1))
        usable = x_m * x_m + y_m * y_m <= max_range_m**2
        usable &= sigma_m <= max_sigma_m
        first_row = _first_row(usable)
        x_m, y_m, usable = x_m[first_row:], y_m[first_row:], usable[first_row:]
        sigma_m = np.ascontiguousarray(sigma_m[first_row:], np.float32)
        columns, rows = _strides(x_m, y_m, usable, resolution_m / SAMPLES_PER_CELL)
        samples = usable & _every(x_m.shape, columns, rows)
        index = np.flatnonzero(samples)
        across, away = _steps(x_m, y_m, index)
        area = np.abs(across[0] * away[1] - across[1] * away[0]) / np.float32(resolution_m**2)
        with np.errstate(divide='ignore', invalid='ignore'):
            shares = np.minimum(area, 1 / area) * _certainty(sigma_m, index, resolution_m)
        shares *= (columns * rows)[index // shape_hw[1]]
        area_shares = np.zeros(x_m.shape, np.float32)
        area_shares.flat[index] = np.nan_to_num(shares)
        return cls(
            shape_hw=shape_hw, first_row=first_row, resolution_m=resolution_m, x_m=x_m, y_m=y_m,
            sigma_m=sigma_m, usable=usable, samples=samples, area_shares=area_shares,
        )  # fmt: skip

    def width_shares(self, index: np.ndarray) -> np.ndarray:
        """
        Return (N,) float32 what one pixel of contact is worth, by its width.

        :param index: (N,) flat indices of usable pixels.
        """
        width_m = np.hypot(*_steps(self.x_m, self.y_m, index)[0])
        certainty = _certainty(self.sigma_m, index, self.resolution_m)
        return np.nan_to_num(width_m * (CONTACT_GAIN / self.resolution_m) * certainty)


def _first_row(usable: np.ndarray) -> int:
    """Return the first row with a usable pixel, leaving at least two rows."""
    rows = np.flatnonzero(usable.any(axis=1))
    last = len(usable) - 2
    return min(int(rows[0]), last) if len(rows) else last


def _steps(
    x_m: np.ndarray, y_m: np.ndarray, index: np.ndarray
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """
    Return the steps (x, y) to the next pixel of the row, and from the nearer pixel below.

    The last pixel of a row, and the last row, repeat the step before.
    """
    width = x_m.shape[1]
    beside = index - (index % width == width - 1)
    above = index - width * (index >= x_m.size - width)
    flats = x_m.ravel(), y_m.ravel()
    return (
        [flat[beside + 1] - flat[beside] for flat in flats],
        [flat[above] - flat[above + width] for flat in flats],
    )


def _certainty(sigma_m: np.ndarray, index: np.ndarray, resolution_m: float) -> np.ndarray:
    sigma = np.maximum(sigma_m.ravel()[index], np.float32(1e-6))
    return np.minimum(np.float32(1), np.float32(resolution_m) / sigma)


def _strides(
    x_m: np.ndarray, y_m: np.ndarray, usable: np.ndarray, wanted_m: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return (R,) float32 for how many columns, and rows, one pixel of a row may speak."""
    rows, width = x_m.shape
    probes = np.arange(0, width, PROBE_STRIDE) + width * np.arange(rows)[:, None]
    known = usable.ravel()[probes]
    strides = []
    for steps in _steps(x_m, y_m, probes):
        longest_m = np.where(known, np.hypot(*steps), 0).max(axis=1)
        longest_m = np.maximum(np.nan_to_num(longest_m), wanted_m / WIDEST_STRIDE)
        power = np.floor(np.log2(np.maximum(1, wanted_m / longest_m)))
        strides.append(np.exp2(power).astype(np.float32))
    return strides[0], strides[1]


def _every(shape: tuple[int, ...], columns: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return (R, W) bool: the middle one of so many pixels and rows, counted from below."""
    down = np.arange(shape[0])[::-1]
    chosen_rows = down % rows.astype(int) == rows.astype(int) // 2
    right = np.arange(shape[1])
    combs = {stride: right % stride == stride // 2 for stride in set(columns.astype(int).tolist())}
    chosen = np.zeros(shape, bool)
    for row in np.flatnonzero(chosen_rows):
        chosen[row] = combs[int(columns[row])]
    return chosen
