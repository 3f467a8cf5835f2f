"""What counts for a decision, as heat over the picture."""

from __future__ import annotations

import cv2
import numpy as np

from perception_nodes.structures import ColorOrder

_HEAT = cv2.COLORMAP_INFERNO
_COLDEST, _HOTTEST = 0.15, 0.75
"""Part of the heat in the mix with the picture, where nothing and where most counts."""


def draw_heat(
    pixels: np.ndarray, heat: np.ndarray, *, color_order: ColorOrder = ColorOrder.RGB
) -> np.ndarray:
    """
    Return a copy of a picture under its heat: dark counts nothing, bright yellow counts most.

    :param pixels: (H, W, 3) uint8.
    :param heat: (H, W) float; what is below 0 counts nothing, and the highest value most.
    """
    share = np.clip(heat, 0.0, None).astype(np.float32)
    share /= max(float(share.max()), 1e-9)
    colours = cv2.applyColorMap(np.rint(255 * share).astype(np.uint8), _HEAT)
    if color_order is ColorOrder.RGB:
        colours = colours[:, :, ::-1]
    mix = (_COLDEST + (_HOTTEST - _COLDEST) * share)[..., None]
    drawn: np.ndarray = np.rint(pixels * (1 - mix) + colours * mix).astype(np.uint8)
    return drawn
