"""A picture before and after an attack, side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from perception_nodes.structures import ColorOrder, Frame, SegmentationMask
from perception_nodes.visualization import draw_mask

_GREY = 128
_LONGEST_PX = 480


def amplified_change(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """
    Return the change of a picture on grey, its largest value at full contrast.

    :param before: (H, W, 3) uint8; ``after`` likewise.
    """
    change = after.astype(np.float32) - before
    largest = max(float(np.abs(change).max()), 1.0)
    return (_GREY + change * ((_GREY - 1) / largest)).round().astype(np.uint8)


def attack_sheet(
    before: Frame,
    after: Frame,
    found_before: SegmentationMask,
    found_after: SegmentationMask,
    class_names: Sequence[str],
) -> Frame:
    """
    Return four tiles in a row: picture, amplified change, what is found before and after.

    :param found_before: in the numbers of ``class_names``; ``found_after`` likewise.
    """
    rgb, attacked = (frame.in_order(ColorOrder.RGB) for frame in (before, after))
    step = max(1, -(-max(rgb.shape[:2]) // _LONGEST_PX))
    small, small_attacked = (
        np.ascontiguousarray(pixels[::step, ::step]) for pixels in (rgb, attacked)
    )
    masks = [
        draw_mask(
            picture,
            SegmentationMask(np.ascontiguousarray(mask.class_ids[::step, ::step])),
            class_names,
            legend=True,
        )
        for picture, mask in ((small, found_before), (small_attacked, found_after))
    ]
    change = amplified_change(small, small_attacked)
    return Frame(pixels=np.hstack([small, change, *masks]), color_order=ColorOrder.RGB)
