"""The pictures a benchmark sends: structured, reproducible, no files needed."""

from __future__ import annotations

import cv2
import numpy as np

_SEED = 7


def picture(size_wh: tuple[int, int]) -> np.ndarray:
    """Return a (H, W, 3) uint8 RGB picture with edges and texture at several scales."""
    generator = np.random.default_rng(_SEED)
    layers = np.zeros((size_wh[1], size_wh[0], 3), np.float32)
    for cells in (4, 16, 64, 256):
        coarse = generator.random((cells * 3 // 4, cells, 3), np.float32)
        layers += cv2.resize(coarse, size_wh, interpolation=cv2.INTER_NEAREST) / np.sqrt(cells)
    return (layers / layers.max() * 255).astype(np.uint8)
