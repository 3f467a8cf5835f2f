"""A path laid over a picture: where it runs, how sure that is, and the errors in words."""

from __future__ import annotations

import cv2
import numpy as np

from perception_nodes.geometry import GroundProjection
from perception_nodes.path import PathEstimate
from perception_nodes.structures import ColorOrder
from perception_nodes.visualization.overlay import draw_caption

SURE_RGB, UNSURE_RGB, EDGE_RGB = (40, 220, 90), (250, 200, 40), (230, 230, 230)
BAND_OPACITY = 0.45
_REFERENCE_HEIGHT = 480.0
_SUBPIXEL_BITS = 4
_LARGEST_PX = 20_000.0
"""OpenCV draws to integer coordinates; far outside the picture they would overflow."""


def draw_path(
    pixels: np.ndarray,
    estimate: PathEstimate,
    ground: GroundProjection,
    *,
    color_order: ColorOrder = ColorOrder.RGB,
    caption: bool = True,
) -> np.ndarray:
    """
    Draw the middle line, a band of one deviation to each side, and the edges of the lane.

    The line is green where the estimate is confident and yellow where it is not; without a path
    the reason is written.

    :param pixels: (H, W, 3) uint8, left alone.
    :param ground: of the camera that took the picture; one of another size is scaled.
    :param color_order: order of the channels of ``pixels``.
    :param caption: write the errors.
    :returns: (H, W, 3) uint8, in the same channel order.
    """
    canvas = np.ascontiguousarray(pixels).copy()
    if estimate.is_valid:
        scale = np.array(canvas.shape[1::-1]) / ground.camera.size_wh
        _draw_line(canvas, estimate, ground, scale, color_order)
    return draw_caption(canvas, describe(estimate)) if caption else canvas


def describe(estimate: PathEstimate) -> str:
    """Return the errors in a line, or why there is no path."""
    if not estimate.is_valid:
        return f'no path: {estimate.reason}'
    return (
        f'lateral {estimate.lateral_error_m:+.3f} m, '
        f'heading {np.degrees(estimate.heading_error_rad):+.1f} deg, '
        f'curvature {estimate.curvature_1_m:+.2f} 1/m, confidence {estimate.confidence:.2f}'
    )


def _draw_line(
    canvas: np.ndarray,
    estimate: PathEstimate,
    ground: GroundProjection,
    scale: np.ndarray,
    color_order: ColorOrder,
) -> None:
    points = estimate.points_xy
    tangent = np.gradient(points, axis=0)
    tangent /= np.maximum(np.hypot(*tangent.T), 1e-9)[:, None]
    normal = np.stack([-tangent[:, 1], tangent[:, 0]], axis=1)
    thickness = max(1, round(2 * canvas.shape[0] / _REFERENCE_HEIGHT))

    def pixels_of(left_m: np.ndarray) -> np.ndarray:
        uv = ground.to_pixels(points + left_m[:, None] * normal)
        return (uv + 0.5) * scale - 0.5

    rgb = SURE_RGB if estimate.confidence >= 0.5 else UNSURE_RGB
    band = [pixels_of(estimate.sigma_m), pixels_of(-estimate.sigma_m)[::-1]]
    painted = canvas.copy()
    corners = _drawable(np.concatenate(band))
    if len(corners) > 2:
        cv2.fillPoly(painted, [corners], _ordered(rgb, color_order), cv2.LINE_AA, _SUBPIXEL_BITS)
    cv2.addWeighted(canvas, 1 - BAND_OPACITY, painted, BAND_OPACITY, 0.0, dst=canvas)
    lines = [(np.zeros(len(points)), rgb, thickness)]
    if np.isfinite(estimate.width_m):
        half = np.full(len(points), estimate.width_m / 2)
        lines += [(half, EDGE_RGB, max(1, thickness // 2)), (-half, EDGE_RGB, thickness // 2 or 1)]
    for left_m, colour, width in lines:
        cv2.polylines(
            canvas, [_drawable(pixels_of(left_m))], False, _ordered(colour, color_order), width,
            cv2.LINE_AA, _SUBPIXEL_BITS,
        )  # fmt: skip


def _drawable(uv: np.ndarray) -> np.ndarray:
    """Return pixels as OpenCV draws them, without those behind the camera."""
    kept = uv[np.isfinite(uv).all(axis=1)].clip(-_LARGEST_PX, _LARGEST_PX)
    return np.rint(kept * 2**_SUBPIXEL_BITS).astype(np.int32)


def _ordered(rgb: tuple[int, int, int], color_order: ColorOrder) -> tuple[int, int, int]:
    return rgb if color_order is ColorOrder.RGB else rgb[::-1]
