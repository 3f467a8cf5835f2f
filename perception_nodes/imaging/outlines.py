"""Which pixels a thing has: its box, and what COCO writes (polygons, run lengths by column)."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from faster_coco_eval.core import mask as coco_masks


def tight_box(mask_hw: np.ndarray) -> tuple[int, int, int, int]:
    """
    Return left, top, right, bottom around the true pixels; right and bottom are index + 1.

    :param mask_hw: (H, W) bool with at least one true pixel.
    """
    columns = np.flatnonzero(mask_hw.any(axis=0))
    rows = np.flatnonzero(mask_hw.any(axis=1))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def outline_of(mask_hw: np.ndarray) -> dict[str, Any]:
    """
    Return the compressed run lengths of a mask, what ``segmentation`` of a COCO annotation holds.

    :param mask_hw: (H, W) bool.
    """
    found = coco_masks.encode(np.asfortranarray(mask_hw, np.uint8))
    return {'size': list(mask_hw.shape), 'counts': found['counts'].decode()}


def mask_of(outline: Any, size_wh: tuple[int, int]) -> np.ndarray:
    """
    Return the pixels of an outline, the inverse of :func:`outline_of`.

    :param outline: ``segmentation`` of a COCO annotation: polygons ``[[x, y, …], …]`` in pixels,
        or run lengths ``{'size': [h, w], 'counts': […] or '…'}``.
    :param size_wh: of the picture.
    :return: (H, W) bool.
    :raises ValueError: for anything else, or run lengths of a picture of another size.
    """
    if isinstance(outline, dict):
        return _mask_of_runs(outline, size_wh)
    try:
        polygons = [np.asarray(polygon, np.float64).reshape(-1, 2) for polygon in outline]
    except (TypeError, ValueError) as error:
        raise ValueError(
            f'segmentation: {outline!r:.60} is neither polygons nor run lengths'
        ) from error
    mask = np.zeros((size_wh[1], size_wh[0]), np.uint8)
    # COCO's corners lie between pixels, OpenCV's in their middles.
    cv2.fillPoly(mask, [np.rint(polygon - 0.5).astype(np.int32) for polygon in polygons], 1)
    return mask.astype(bool)


def _mask_of_runs(outline: dict[str, Any], size_wh: tuple[int, int]) -> np.ndarray:
    width, height = size_wh
    counts, size = outline.get('counts'), list(outline.get('size', ()))
    pixels = height * width
    if isinstance(counts, list) and all(isinstance(run, int) for run in counts):
        pixels = sum(counts)
    if size != [height, width] or pixels != height * width:
        raise ValueError(
            f'segmentation: run lengths of {outline.get("size")} (height, width) with '
            f'{pixels} pixels do not fit a picture of {width}x{height}'
        )
    runs = {'size': size, 'counts': counts}
    try:
        packed = runs if isinstance(counts, str) else coco_masks.frPyObjects(runs, height, width)
        return coco_masks.decode(packed).astype(bool)
    except (RuntimeError, TypeError, ValueError) as error:
        raise ValueError(f'segmentation: {counts!r:.60} are no run lengths') from error
