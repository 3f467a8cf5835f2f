"""
The size of a picture, and noise that has none.

The constants of the common corruptions are lengths in pictures of 224 pixels; here they grow and
shrink with the shorter side, so that the same part of a thing is blurred at every resolution.
"""

from __future__ import annotations

import cv2
import numpy as np

REFERENCE_PX = 224
"""Side of the pictures that the published lengths are for."""


def scale_of(rgb: np.ndarray) -> float:
    """Return how many pixels one pixel of the reference is; (H, W, …)."""
    return min(rgb.shape[:2]) / REFERENCE_PX


def to_bytes(values: np.ndarray) -> np.ndarray:
    """Return float values 0..255 as uint8, rounded and clipped."""
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def fractal_noise(
    shape_hw: tuple[int, int], decay: float, rng: np.random.Generator, coarsest: int = 2
) -> np.ndarray:
    """
    Return (H, W) float32 noise in 0..1: octaves of random grids, each finer and weaker.

    :param decay: an octave is this many times weaker than the one before it.
    :param coarsest: cells of the first octave along the shorter side.
    """
    height, width = shape_hw
    total = np.zeros(shape_hw, np.float32)
    cells, weight = coarsest, 1.0
    while cells <= min(shape_hw):
        across = max(2, round(cells * width / min(shape_hw)))
        down = max(2, round(cells * height / min(shape_hw)))
        grid = rng.random((down, across), dtype=np.float32)
        total += weight * cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
        cells, weight = 2 * cells, weight / decay
    low, high = float(total.min()), float(total.max())
    return (total - low) / max(high - low, 1e-6)
