"""Look at a part of the picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from perception_nodes.structures import Frame


def crop(frame: Frame, roi: Sequence[int]) -> tuple[Frame, tuple[int, int]]:
    """
    Return the region of interest of a frame, as a view.

    :param frame: whole picture.
    :param roi: x, y, width, height in pixels, cut at the picture's edges; empty: everything.
    :returns: the frame to look at, and the pixel (x, y) of its top left corner.
    :raises ValueError: when the region lies outside the picture.
    """
    if not roi:
        return frame, (0, 0)
    x, y, width, height = roi
    pixels = frame.pixels[y : y + height, x : x + width]
    if pixels.size == 0:
        raise ValueError(
            f'roi {list(roi)} lies outside the picture of {frame.size_wh[0]}x{frame.size_wh[1]}'
        )
    return replace(frame, pixels=pixels), (x, y)
