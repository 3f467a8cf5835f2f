"""Boxes and labels drawn on a picture."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

import cv2
import numpy as np

from perception_nodes.structures import ColorOrder, Detections
from perception_nodes.visualization.palette import class_color, class_name, text_color

# Line and text sizes are tuned at this picture height and grow with it.
_REFERENCE_HEIGHT = 480.0
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_DASH_PX = 9.0
# Below this factor letters are no longer readable, however small the picture.
_SMALLEST_TEXT = 0.75


class BoxStyle(str, Enum):
    """How boxes look: what a model says, or what is true."""

    DETECTION = 'detection'
    TRUTH = 'truth'


def draw_detections(
    pixels: np.ndarray,
    detections: Detections,
    class_names: Sequence[str],
    *,
    copy: bool = True,
    style: BoxStyle = BoxStyle.DETECTION,
    color_order: ColorOrder = ColorOrder.RGB,
    show_labels: bool = True,
) -> np.ndarray:
    """
    Draw boxes with their class and score.

    Lines and text scale with the picture. Boxes with a low score are drawn first, so that the
    surest lie on top.

    :param pixels: (H, W, 3) uint8.
    :param detections: boxes in pixels of this picture; parts outside are cut off.
    :param class_names: names by class index; a missing one reads ``class 7``.
    :param copy: leave ``pixels`` alone; else draw into it (it must be writeable and contiguous).
    :param style: :attr:`BoxStyle.TRUTH` draws thin dashed white boxes without plates.
    :param color_order: order of the channels of ``pixels``.
    :param show_labels: draw the plate with class and score.
    :returns: (H, W, 3) uint8, in the same channel order.
    """
    canvas = _canvas(pixels, copy)
    scale = _line_scale(canvas)
    order = np.argsort(detections.scores, kind='stable')
    for index in order:
        corners = _corners(detections.xyxy[index], canvas.shape)
        if style is BoxStyle.TRUTH:
            _draw_dashed(canvas, corners, scale)
        else:
            color = _ordered(class_color(int(detections.class_ids[index])), color_order)
            cv2.rectangle(canvas, *corners, color, max(1, round(2 * scale)), cv2.LINE_8)
    if style is BoxStyle.DETECTION and show_labels:
        for index in order:
            _draw_label(canvas, detections, int(index), list(class_names), color_order)
    return canvas


def draw_caption(
    pixels: np.ndarray, text: str, *, copy: bool = True, bottom: bool = False
) -> np.ndarray:
    """
    Write one line of white text on a darkened strip along the top or bottom edge.

    :param pixels: (H, W, 3) uint8, any channel order.
    :returns: (H, W, 3) uint8.
    """
    canvas = _canvas(pixels, copy)
    height = canvas.shape[0]
    scale = max(_SMALLEST_TEXT, _line_scale(canvas))
    strip = min(height, round(22 * scale))
    rows = slice(height - strip, height) if bottom else slice(0, strip)
    np.right_shift(canvas[rows], 2, out=canvas[rows])
    origin = (round(8 * scale), rows.start + round(15.5 * scale))
    cv2.putText(
        canvas, text, origin, _FONT, 0.45 * scale, (255, 255, 255), _text_width(scale), cv2.LINE_AA
    )
    return canvas


def _canvas(pixels: np.ndarray, copy: bool) -> np.ndarray:
    """Return a picture that OpenCV can draw into."""
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8:
        raise ValueError(f'pixels must be (H, W, 3) uint8, got {pixels.shape} {pixels.dtype}')
    if copy:
        return np.array(pixels, order='C')
    if not (pixels.flags.c_contiguous and pixels.flags.writeable):
        raise ValueError('pixels must be contiguous and writeable to draw in place; use copy=True')
    return pixels


def _corners(box: np.ndarray, shape: tuple[int, ...]) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the two corner pixels of a box, at most one pixel outside the picture."""
    height, width = shape[:2]
    left, top, right, bottom = np.clip(
        np.rint(box.astype(np.float64) - (0, 0, 1, 1)), -1, (width, height, width, height)
    ).astype(int)
    return (int(left), int(top)), (int(right), int(bottom))


def _ordered(rgb: tuple[int, int, int], order: ColorOrder) -> tuple[int, int, int]:
    return rgb if order is ColorOrder.RGB else (rgb[2], rgb[1], rgb[0])


def _text_width(scale: float) -> int:
    return max(1, round(scale))


def _line_scale(canvas: np.ndarray) -> float:
    return max(0.5, canvas.shape[0] / _REFERENCE_HEIGHT)


def _draw_label(
    canvas: np.ndarray,
    detections: Detections,
    index: int,
    class_names: list[str],
    order: ColorOrder,
) -> None:
    """Write class and score on a plate above the box, or inside where there is no room above."""
    class_id = int(detections.class_ids[index])
    text = f'{class_name(class_id, class_names)} {detections.scores[index]:.2f}'
    (left, top), _ = _corners(detections.xyxy[index], canvas.shape)
    scale = max(_SMALLEST_TEXT, _line_scale(canvas))
    font_scale, thickness = 0.42 * scale, _text_width(scale)
    (text_width, text_height), baseline = cv2.getTextSize(text, _FONT, font_scale, thickness)
    pad = max(2, round(3 * scale))
    width, height = text_width + 2 * pad, text_height + baseline + pad
    x = int(np.clip(left - round(scale), 0, max(0, canvas.shape[1] - width)))
    y = top - height if top >= height else max(0, top)
    color = class_color(class_id)
    cv2.rectangle(canvas, (x, y), (x + width, y + height), _ordered(color, order), cv2.FILLED)
    origin = (x + pad, y + text_height + pad // 2 + 1)
    cv2.putText(canvas, text, origin, _FONT, font_scale, text_color(color), thickness, cv2.LINE_AA)


def _draw_dashed(
    canvas: np.ndarray, corners: tuple[tuple[int, int], tuple[int, int]], scale: float
) -> None:
    """Draw a thin white rectangle of dashes on a dark line, readable on any ground."""
    (left, top), (right, bottom) = corners
    width = max(1, round(scale))
    cv2.rectangle(canvas, *corners, (0, 0, 0), width, cv2.LINE_8)
    dash = _DASH_PX * scale
    ring = np.array([(left, top), (right, top), (right, bottom), (left, bottom)], np.float64)
    for start, end in zip(ring, np.roll(ring, -1, axis=0), strict=True):
        _draw_dashes(canvas, start, end, dash, width)


def _draw_dashes(
    canvas: np.ndarray, start: np.ndarray, end: np.ndarray, dash: float, width: int
) -> None:
    """Draw every second piece of a line, so that both ends carry a dash."""
    pieces = max(1, 2 * int(np.hypot(*(end - start)) / (2 * dash)) + 1)
    points = np.rint(np.linspace(start, end, pieces + 1)).astype(int)
    for first, second in zip(points[:-1:2], points[1::2], strict=True):
        cv2.line(canvas, tuple(first.tolist()), tuple(second.tolist()), (255, 255, 255), width)
