"""Fields of numbers that textures are made of: noise, coordinates, mixtures of two colours."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

Rng = np.random.Generator
Painter = Callable[[Rng, int, np.ndarray], np.ndarray]
"""(rng, side in pixels, (2, 3) colours in 0..1) → (side, side, 3) float32 in 0..1."""


def cloud(rng: Rng, side: int, octaves: int = 5) -> np.ndarray:
    """Return (side, side) float32 fractal noise in 0..1 that tiles roughly."""
    total = np.zeros((side, side), np.float32)
    for octave in range(octaves):
        cells = min(side, 2 ** (octave + 2))
        grid = rng.random((cells, cells), dtype=np.float32)
        total += cv2.resize(grid, (side, side), interpolation=cv2.INTER_CUBIC) / 2**octave
    return stretch(total)


def stretch(values: np.ndarray) -> np.ndarray:
    """Return the values stretched to 0..1."""
    return cv2.normalize(values, np.empty_like(values), 0, 1, cv2.NORM_MINMAX)


def pixel_grid(side: int) -> tuple[np.ndarray, np.ndarray]:
    """Return pixel coordinates (y, x) in 0..1."""
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) / side
    return y, x


def blend(weight: np.ndarray, colors: np.ndarray) -> np.ndarray:
    """Mix two colours; weight 0 gives the first."""
    return colors[0] + weight[..., None].astype(np.float32) * (colors[1] - colors[0])


def painters_of(names: dict[str, object]) -> dict[str, Painter]:
    """Return the functions ``paint_…`` of a module by the kind that follows in their names."""
    return {
        name.removeprefix('paint_'): painter  # type: ignore[misc]
        for name, painter in names.items()
        if name.startswith('paint_')
    }
