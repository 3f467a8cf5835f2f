"""
Blur: out of focus, through frosted glass, in motion, and driving ahead.

Strengths: Hendrycks and Dietterich (2019), lengths scaled with the picture. Their motion and zoom
blurs also push the picture aside; here the centre of mass of every blur stays where the thing was,
so that labels still lie on what they name.
"""

from __future__ import annotations

import cv2
import numpy as np

from perception_nodes.robustness.scale import scale_of

_DEFOCUS = ((3, 0.1), (4, 0.5), (6, 0.5), (8, 0.5), (10, 0.5))  # radius, softness
_GLASS = (
    (0.7, 1, 1),
    (0.9, 1.5, 2),
    (1.0, 2, 2),
    (1.2, 2.6, 2),
    (1.5, 3.5, 2),
)  # sigma, reach, rounds
_MOTION = ((10, 3), (15, 5), (15, 8), (15, 12), (20, 15))  # radius, sigma
_MOTION_ANGLE_DEG = 45.0
_ZOOM = (1.11, 1.16, 1.21, 1.26, 1.31)  # size at the end of the exposure, 1 at its start
_ZOOM_ROUNDS = 5  # 32 sizes: neighbours are about 2 pixels apart at the corners of 480x360


def defocus_blur(rgb: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:
    """Return the picture seen by a lens that focuses elsewhere: a disk with a soft edge."""
    radius, softness = _DEFOCUS[severity - 1]
    radius_px, edge_px = radius * scale_of(rgb), max(softness * scale_of(rgb), 0.5)
    reach = int(np.ceil(radius_px + edge_px))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disk = np.clip((radius_px - np.hypot(x, y)) / edge_px + 0.5, 0, 1)
    return _filtered(rgb, disk)


def glass_blur(rgb: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:
    """Return the picture through frosted glass: pixels trade places with near ones."""
    sigma, reach, rounds = _GLASS[severity - 1]
    sigma_px, reach_px = sigma * scale_of(rgb), reach * scale_of(rgb)
    y, x = np.mgrid[: rgb.shape[0], : rgb.shape[1]].astype(np.float32)
    picture = cv2.GaussianBlur(rgb, (0, 0), sigma_px)
    for _ in range(rounds):
        dx, dy = rng.uniform(-reach_px, reach_px, (2, *rgb.shape[:2])).astype(np.float32)
        picture = cv2.remap(
            picture, x + dx, y + dy, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REFLECT_101
        )
    return cv2.GaussianBlur(picture, (0, 0), sigma_px)


def motion_blur(rgb: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:
    """Return the picture of a camera that turns during the exposure."""
    angle = np.radians(rng.uniform(-_MOTION_ANGLE_DEG, _MOTION_ANGLE_DEG))
    radius, sigma = (value * scale_of(rgb) for value in _MOTION[severity - 1])
    return blurred_along(rgb, radius, sigma, float(angle))


def zoom_blur(rgb: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:
    """Return the picture of a camera that moves ahead during the exposure."""
    height, width = rgb.shape[:2]
    middle = (width - 1) / 2, (height - 1) / 2
    reach = np.log(_ZOOM[severity - 1]) / 2  # the logarithms of the sizes are even around 0
    for _ in range(_ZOOM_ROUNDS):
        reach /= 2  # each round doubles the sizes; 1/2 + 1/4 + … stays below the whole
        sizes = [
            cv2.warpAffine(
                rgb, cv2.getRotationMatrix2D(middle, 0, float(np.exp(side * reach))),
                (width, height), borderMode=cv2.BORDER_REFLECT_101,
            )
            for side in (-1, 1)
        ]  # fmt: skip
        rgb = cv2.addWeighted(sizes[0], 0.5, sizes[1], 0.5, 0)
    return rgb


def blurred_along(rgb: np.ndarray, radius: float, sigma: float, angle_rad: float) -> np.ndarray:
    """
    Return the picture smeared along a line, with weights that fade towards one end.

    :param rgb: (H, W) or (H, W, 3) uint8 or float32.
    :param radius: half the length of the line, pixels.
    :param sigma: of the fading, pixels.
    :param angle_rad: of the line, from the x axis towards y.
    """
    along = np.arange(0, 2 * radius + 1, 0.25)
    weights = np.exp(-(along**2) / (2 * max(sigma, 1e-3) ** 2))
    weights /= weights.sum()
    along -= weights @ along
    reach = int(np.ceil(np.abs(along).max())) + 1
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1))
    for offset, weight in zip(along, weights, strict=True):
        _splat(kernel, reach + offset * np.cos(angle_rad), reach + offset * np.sin(angle_rad),
               weight)  # fmt: skip
    return _filtered(rgb, kernel)


def _splat(kernel: np.ndarray, x: float, y: float, weight: float) -> None:
    """Add a weight at a place between pixels, shared by the four around it."""
    column, row = int(np.floor(x)), int(np.floor(y))
    right, below = x - column, y - row
    shares = np.outer((1 - below, below), (1 - right, right))
    kernel[row : row + 2, column : column + 2] += weight * shares


def _filtered(rgb: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    total = kernel / kernel.sum()
    return cv2.filter2D(rgb, -1, total, borderType=cv2.BORDER_REFLECT_101)
