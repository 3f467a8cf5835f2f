"""A crop as it would be, were it framed a little differently."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

from perception_nodes.fewshot.embedding import Embedder, checked_crop

_FRAMINGS = (
    (0.04, 0, 1), (-0.04, 0, 1), (0, 0.04, 1), (0, -0.04, 1), (0, 0, 0.93), (0, 0, 1.07),
)  # fmt: skip
"""Parts of the width to the right, of the height down, and scale."""
VIEWS = 1 + len(_FRAMINGS)


def embed_views(embedder: Embedder, crops: Iterable[np.ndarray]) -> np.ndarray:
    """
    Return the vectors of crops as they are, moved by 4 % in four directions, and scaled by 7 %.

    Detectors and people frame things differently; the nearest of the views is what counts.

    :param crops: at least one, each (H, W, 3) uint8, RGB.
    :returns: (N, 7, D) float32.
    :raises ValueError: without a crop, or as the embedder does.
    """
    found = [[embedder(view) for view in _views(checked_crop(crop))] for crop in crops]
    if not found:
        raise ValueError('crops: there is not one; give at least one picture')
    return np.array(found, np.float32)


def _views(crop: np.ndarray) -> list[np.ndarray]:
    """Return the crop and what it would be if it were framed a little differently."""
    height, width = crop.shape[:2]
    views = [crop]
    for right, down, scale in _FRAMINGS:
        move = cv2.getRotationMatrix2D((width / 2, height / 2), 0, scale)
        move[:, 2] += (right * width, down * height)
        views.append(cv2.warpAffine(crop, move, (width, height), borderMode=cv2.BORDER_REPLICATE))
    return views
