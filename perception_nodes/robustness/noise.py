"""
Noise of a sensor: Gaussian, shot and impulse.

Strengths: Hendrycks and Dietterich (2019). Noise lives in single pixels at any resolution, as in a
camera; its lengths do not grow with the picture.
"""

from __future__ import annotations

import numpy as np

from perception_nodes.robustness.scale import to_bytes

_GAUSSIAN_STD = (0.08, 0.12, 0.18, 0.26, 0.38)
_SHOT_PHOTONS = (60, 25, 12, 5, 3)  # of white
_IMPULSE_SHARE = (0.03, 0.06, 0.09, 0.17, 0.27)


def gaussian_noise(rgb: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:
    """Return the picture with additive noise, as of a warm sensor in little light."""
    noise = rng.standard_normal(rgb.shape, dtype=np.float32)
    return to_bytes(rgb + 255 * _GAUSSIAN_STD[severity - 1] * noise)


def shot_noise(rgb: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:
    """Return the picture as few photons draw it: Poisson counts of each channel."""
    photons = _SHOT_PHOTONS[severity - 1]
    return to_bytes(rng.poisson(rgb * (photons / 255)) * (255 / photons))


def impulse_noise(rgb: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:
    """Return the picture with values that are stuck at 0 or 255, half each."""
    draw = rng.random(rgb.shape, dtype=np.float32)
    share = _IMPULSE_SHARE[severity - 1]
    salt = rng.random(rgb.shape, dtype=np.float32) < 0.5
    return np.where(draw < share, np.where(salt, 255, 0), rgb).astype(np.uint8)
