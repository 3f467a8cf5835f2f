"""Masks laid over a picture, with a legend of the classes that are in it."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from perception_nodes.structures import UNLABELLED, ColorOrder, SegmentationMask
from perception_nodes.visualization.palette import PALETTE_RGB, class_name

OPACITY = 0.5
"""How much of the colour of a class covers the picture, 0..1."""

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_REFERENCE_HEIGHT = 480.0
_SMALLEST_TEXT = 0.75
_UNLABELLED_NAME = 'unlabelled'


def draw_mask(
    pixels: np.ndarray,
    mask: SegmentationMask,
    class_names: Sequence[str],
    *,
    color_order: ColorOrder = ColorOrder.RGB,
    opacity: float = OPACITY,
    legend: bool = True,
) -> np.ndarray:
    """
    Lay the colours of the classes over a picture; unlabelled pixels stay as they are.

    :param pixels: (H, W, 3) uint8, left alone.
    :param mask: of the same size.
    :param class_names: names by number.
    :param color_order: order of the channels of ``pixels``.
    :param opacity: 0 shows the picture alone, 1 the colours alone.
    :param legend: name the classes that are in the picture.
    :returns: (H, W, 3) uint8, in the same channel order.
    :raises ValueError: when the sizes differ.
    """
    if pixels.shape != (*mask.class_ids.shape, 3):
        raise ValueError(f'pixels {pixels.shape} do not fit the mask {mask.class_ids.shape}')
    table = class_table(color_order)
    source = np.ascontiguousarray(pixels)
    canvas = cv2.addWeighted(source, 1.0 - opacity, table[mask.class_ids], opacity, 0.0)
    unlabelled = mask.class_ids == UNLABELLED
    canvas[unlabelled] = source[unlabelled]
    if legend:
        _draw_legend(canvas, _entries(mask, class_names), table)
    return canvas


def class_table(color_order: ColorOrder = ColorOrder.RGB) -> np.ndarray:
    """Return (256, 3) uint8, the colour of every mask value; 255 is black."""
    numbers = np.arange(256) % len(PALETTE_RGB)
    table = np.array(PALETTE_RGB, np.uint8)[numbers]
    table[UNLABELLED] = 0
    return table if color_order is ColorOrder.RGB else np.ascontiguousarray(table[:, ::-1])


def _entries(mask: SegmentationMask, class_names: Sequence[str]) -> list[tuple[int, str]]:
    """Return number and name of the classes in the mask, by number."""
    present = np.flatnonzero(np.bincount(mask.class_ids.ravel(), minlength=256)).tolist()
    return [
        (i, _UNLABELLED_NAME if i == UNLABELLED else class_name(i, list(class_names)))
        for i in present
    ]


def _draw_legend(canvas: np.ndarray, entries: list[tuple[int, str]], table: np.ndarray) -> None:
    """Draw a darkened plate in the top left corner, a line a class."""
    scale = max(_SMALLEST_TEXT, canvas.shape[0] / _REFERENCE_HEIGHT)
    font_scale, width = 0.42 * scale, max(1, round(scale))
    line, pad = round(17 * scale), round(5 * scale)
    box = round(11 * scale)
    texts = [cv2.getTextSize(name, _FONT, font_scale, width)[0][0] for _, name in entries]
    plate = canvas[: len(entries) * line + pad, : max(texts, default=0) + box + 3 * pad]
    np.right_shift(plate, 2, out=plate)
    for row, (number, name) in enumerate(entries):
        top = pad + row * line
        colour = tuple(int(value) for value in table[number])
        corner = (pad + box, top + box)
        cv2.rectangle(canvas, (pad, top), corner, colour, cv2.FILLED)
        if number == UNLABELLED:
            cv2.rectangle(canvas, (pad, top), corner, (255, 255, 255), 1)
        origin = (box + 2 * pad, top + box)
        cv2.putText(canvas, name, origin, _FONT, font_scale, (255, 255, 255), width, cv2.LINE_AA)
