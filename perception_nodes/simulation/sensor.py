"""What a real camera adds: exposure, vignette, blur, noise and blocks of compression."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True, kw_only=True)
class SensorEffects:
    """
    The flaws of one picture.

    :param gain: factor per colour channel (exposure and white balance).
    :param gamma: exponent of the tone curve.
    :param vignette: darkening in the corners, 0..1.
    :param blur_px: standard deviation of the blur, 0 is sharp.
    :param motion_px: length of a horizontal smear, 0 is none.
    :param noise: standard deviation in grey levels.
    :param jpeg_quality: 100 leaves the picture as it is.
    """

    gain: tuple[float, float, float] = (1.0, 1.0, 1.0)
    gamma: float = 1.0
    vignette: float = 0.0
    blur_px: float = 0.0
    motion_px: int = 0
    noise: float = 0.0
    jpeg_quality: int = 100


def random_effects(rng: np.random.Generator, strength: float) -> SensorEffects:
    """Return flaws up to the given strength (0 none, 1 a cheap camera in poor light)."""
    gain = rng.uniform(1 - 0.3 * strength, 1 + 0.3 * strength)
    balance = rng.uniform(1 - 0.1 * strength, 1 + 0.1 * strength, 3) * gain
    return SensorEffects(
        gain=(float(balance[0]), float(balance[1]), float(balance[2])),
        gamma=float(rng.uniform(1 - 0.25 * strength, 1 + 0.25 * strength)),
        vignette=float(rng.uniform(0, 0.45 * strength)) if rng.random() < 0.5 else 0.0,
        blur_px=float(rng.uniform(0.3, 0.3 + 0.9 * strength)) if rng.random() < 0.7 else 0.0,
        motion_px=int(rng.integers(3, 6)) if rng.random() < 0.12 * strength else 0,
        noise=float(rng.uniform(0, 9 * strength)) if rng.random() < 0.8 else 0.0,
        jpeg_quality=int(rng.integers(45, 96)) if rng.random() < 0.35 * strength else 100,
    )


def apply_effects(rgb: np.ndarray, effects: SensorEffects, rng: np.random.Generator) -> np.ndarray:
    """
    Return the picture as the camera would deliver it.

    :param rgb: (H, W, 3) uint8.
    :return: (H, W, 3) uint8 of the same size; geometry is unchanged.
    """
    picture = _tone(rgb, effects)
    if effects.blur_px > 0:
        picture = cv2.GaussianBlur(picture, (0, 0), effects.blur_px)
    if effects.motion_px > 1:
        picture = cv2.blur(picture, (effects.motion_px, 1))
    if effects.vignette > 0:
        shade = _vignette(picture.shape[:2], effects.vignette)
        picture = cv2.multiply(picture, shade, dtype=cv2.CV_8U)
    if effects.noise > 0:
        grain = rng.standard_normal(picture.shape, dtype=np.float32) * effects.noise
        picture = cv2.add(picture, grain, dtype=cv2.CV_8U)
    if effects.jpeg_quality < 100:
        quality = [cv2.IMWRITE_JPEG_QUALITY, effects.jpeg_quality]
        stream = cv2.imencode('.jpg', picture, quality)[1]
        picture = np.asarray(cv2.imdecode(stream, cv2.IMREAD_COLOR))
    return picture


def _tone(rgb: np.ndarray, effects: SensorEffects) -> np.ndarray:
    """Apply gain and tone curve through one table per channel."""
    if effects.gain == (1.0, 1.0, 1.0) and effects.gamma == 1.0:
        return rgb
    levels = np.linspace(0, 1, 256)
    curves = [np.clip(levels**effects.gamma * gain, 0, 1) * 255 for gain in effects.gain]
    table = np.stack(curves, axis=-1).astype(np.uint8)[None]
    return cv2.LUT(rgb, table)


def _vignette(shape_hw: tuple[int, int], depth: float) -> np.ndarray:
    """Return (H, W, 3) float32 factors: 1 in the middle, 1 - depth in the corners."""
    y = np.linspace(-1, 1, shape_hw[0], dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, shape_hw[1], dtype=np.float32)[None]
    shade = 1 - depth * (x * x + y * y) / 2
    return np.repeat(shade[..., None], 3, axis=2)
