"""Planes of a network's output at the size and place of the source picture."""

from __future__ import annotations

import cv2
import numpy as np

from perception_nodes.imaging.resize import ImageResize


def plane_to_source(
    plane: np.ndarray,
    resize: ImageResize,
    interpolation: int,
    target: np.ndarray | None = None,
) -> np.ndarray:
    """
    Return a plane of the network's output in source pixels.

    :param plane: (h, w) of any size and a type that OpenCV knows, covering the network's input
        evenly (cell centres at (i + 0.5) · input / cells); the letterbox border is cut off.
    :param resize: how the source picture became the network's input.
    :param interpolation: ``cv2.INTER_LINEAR`` or ``cv2.INTER_NEAREST``.
    :param target: (H, W) array of the same type to fill; None makes one.
    """
    cells = plane.shape[1], plane.shape[0]
    left, top, right, bottom = _picture_in_cells(resize, cells)
    if all(side.is_integer() for side in (left, top, right, bottom)):
        plane = plane[int(top) : int(bottom), int(left) : int(right)]
        if target is None and plane.shape == resize.source_wh[::-1]:
            return plane
        return cv2.resize(plane, resize.source_wh, dst=target, interpolation=interpolation)
    # The border ends inside a cell: sample where the pixel centres fall.
    scale_x, scale_y = (right - left) / resize.source_wh[0], (bottom - top) / resize.source_wh[1]
    cell_from_pixel = np.array(
        [[scale_x, 0.0, 0.5 * scale_x + left - 0.5], [0.0, scale_y, 0.5 * scale_y + top - 0.5]]
    )
    return cv2.warpAffine(
        plane,
        cell_from_pixel,
        resize.source_wh,
        dst=target,
        flags=interpolation | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )


def _picture_in_cells(
    resize: ImageResize, cells_wh: tuple[int, int]
) -> tuple[float, float, float, float]:
    """Return left, top, right, bottom of the picture itself in cells of the output."""
    sides = []
    for offset in (resize.offset_xy, np.add(resize.offset_xy, resize.resized_wh)):
        for axis in (0, 1):
            # Whole numbers stay exact: multiply before dividing.
            sides.append(float(int(offset[axis]) * cells_wh[axis] / resize.network_wh[axis]))
    return sides[0], sides[1], sides[2], sides[3]
