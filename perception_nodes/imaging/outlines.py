"""Which pixels a thing has: its box, and what COCO writes (polygons, run lengths by column)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

_FIRST_CHARACTER = 48  # '0'; a character carries five bits of a number and one that says "more"


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
    height, width = mask_hw.shape
    columns = np.flatnonzero(mask_hw.any(axis=0))
    first, last = (int(columns[0]), int(columns[-1]) + 1) if len(columns) else (0, 0)
    down = np.pad(mask_hw[:, first:last].ravel(order='F'), 1)
    edges = np.flatnonzero(down[1:] != down[:-1]) + first * height
    counts = np.diff([0, *edges.tolist(), height * width]).tolist()
    if counts[-1] == 0:
        counts.pop()
    return {'size': [height, width], 'counts': _packed(counts)}


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
    counts = outline.get('counts')
    try:
        runs = _unpacked(counts) if isinstance(counts, str) else [int(run) for run in counts or ()]
    except (IndexError, TypeError, ValueError) as error:
        raise ValueError(f'segmentation: {counts!r:.60} are no run lengths') from error
    if list(outline.get('size', ())) != [height, width] or sum(runs) != height * width:
        raise ValueError(
            f'segmentation: run lengths of {outline.get("size")} (height, width) with '
            f'{sum(runs)} pixels do not fit a picture of {width}x{height}'
        )
    inside = np.arange(len(runs)) % 2 == 1
    return np.repeat(inside, runs).reshape((height, width), order='F')


def _packed(counts: Sequence[int]) -> str:
    """Return COCO's text for run lengths; from the fourth on, the difference to the one before."""
    characters = []
    for index, count in enumerate(counts):
        rest = count - counts[index - 2] if index > 2 else count
        more = True
        while more:
            bits = rest & 0x1F
            rest >>= 5
            more = rest != (-1 if bits & 0x10 else 0)
            characters.append(chr(_FIRST_CHARACTER + (bits | (0x20 if more else 0))))
    return ''.join(characters)


def _unpacked(text: str) -> list[int]:
    """Return the run lengths in COCO's text."""
    counts: list[int] = []
    place = 0
    while place < len(text):
        value, shift, more = 0, 0, True
        while more:
            bits = ord(text[place]) - _FIRST_CHARACTER
            value |= (bits & 0x1F) << shift
            shift += 5
            more = bool(bits & 0x20)
            place += 1
        if bits & 0x10:
            value -= 1 << shift
        if len(counts) > 2:
            value += counts[-2]
        counts.append(value)
    return counts
