"""
What a camera's electronics do: brightness, contrast, pixels, compression; and a warp.

Strengths: Hendrycks and Dietterich (2019), except those of the warp; see :func:`elastic_map`.
"""

from __future__ import annotations

import cv2
import numpy as np

from perception_nodes.robustness.scale import to_bytes

_BRIGHTER_BY = (0.1, 0.2, 0.3, 0.4, 0.5)
_CONTRAST_LEFT = (0.4, 0.3, 0.2, 0.1, 0.05)
_PIXELS_LEFT = (0.6, 0.48, 0.38, 0.29, 0.22)  # along a side
_JPEG_QUALITY = (25, 18, 15, 10, 7)
_ELASTIC_SHIFT = (0.003, 0.006, 0.010, 0.015, 0.020)  # root mean square, of the shorter side
_ELASTIC_WAVE = 0.08  # sigma of the smoothing, of the shorter side
_ELASTIC_GRIDS = 4.0  # grid points to a sigma: what is smooth needs no more


def brightness(rgb: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:
    """Return the picture with more value in HSV, as overexposed."""
    hsv = cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2HSV)
    hsv[..., 2] = np.clip(hsv[..., 2] + _BRIGHTER_BY[severity - 1], 0, 1)
    return to_bytes(255 * cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB))


def contrast(rgb: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:
    """Return the picture with every channel nearer its mean."""
    mean = rgb.mean(axis=(0, 1), keepdims=True)
    return to_bytes((rgb - mean) * _CONTRAST_LEFT[severity - 1] + mean)


def pixelate(rgb: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:
    """Return the picture at a lower resolution, enlarged without smoothing."""
    height, width = rgb.shape[:2]
    left = _PIXELS_LEFT[severity - 1]
    small = cv2.resize(
        rgb, (max(1, round(width * left)), max(1, round(height * left))),
        interpolation=cv2.INTER_AREA,
    )  # fmt: skip
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)


def jpeg_compression(rgb: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:
    """Return the picture after a lossy link."""
    quality = (cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY[severity - 1])
    _, data = cv2.imencode('.jpg', cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), quality)
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR_RGB))


def elastic_map(shape_hw: tuple[int, int], severity: int, rng: np.random.Generator) -> np.ndarray:
    """
    Return from where a warped picture takes each pixel: (H, W, 2) float32 x, y.

    The published warp tilts the picture at severities 1 and 2 and ripples it at 3 to 5; this one
    ripples at all, and more each time. Nothing folds over: the steepest slope stays below 1.
    """
    side, (height, width) = min(shape_hw), shape_hw
    sigma = _ELASTIC_WAVE * side
    grid = max(1.0, sigma / _ELASTIC_GRIDS)
    coarse_hw = max(2, round(height / grid)), max(2, round(width / grid))
    noise = rng.standard_normal((2, *coarse_hw), dtype=np.float32)
    smooth = [
        cv2.resize(
            cv2.GaussianBlur(part, (0, 0), sigma / grid), (width, height),
            interpolation=cv2.INTER_CUBIC,
        )
        for part in noise
    ]  # fmt: skip
    shift_px = _ELASTIC_SHIFT[severity - 1] * side
    y, x = np.mgrid[:height, :width].astype(np.float32)
    dx, dy = ((part - part.mean()) * (shift_px / max(part.std(), 1e-6)) for part in smooth)
    return np.dstack([x + dx, y + dy])
