"""
Noise of a sensor: Gaussian, shot and impulse.

Strengths: Hendrycks and Dietterich (2019). Noise lives in single pixels at any resolution, as in a
camera; its lengths do not grow with the picture.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from perception_nodes.robustness.scale import to_bytes

_GAUSSIAN_STD = (0.08, 0.12, 0.18, 0.26, 0.38)
_SHOT_PHOTONS = (60, 25, 12, 5, 3)  # of white
_QUANTILES = 4096  # of a count of photons; rarer ones do not occur
_IMPULSE_SHARE = (0.03, 0.06, 0.09, 0.17, 0.27)


def gaussian_noise(rgb: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:
    """Return the picture with additive noise, as of a warm sensor in little light."""
    noise = rng.standard_normal(rgb.shape, dtype=np.float32)
    return to_bytes(rgb + 255 * _GAUSSIAN_STD[severity - 1] * noise)


def shot_noise(rgb: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:
    """Return the picture as few photons draw it: Poisson counts of each channel."""
    chance = rng.integers(_QUANTILES, size=rgb.shape, dtype=np.uint16)
    place = rgb.astype(np.int32) * _QUANTILES + chance
    return _shot_table(_SHOT_PHOTONS[severity - 1]).take(place)


@lru_cache(maxsize=len(_SHOT_PHOTONS))
def _shot_table(photons: int) -> np.ndarray:
    """Return (256 · quantiles,) uint8: what is seen of every byte, by chance."""
    count = np.arange(4 * photons + 20)
    log_factorial = np.cumsum(np.log(np.maximum(count, 1)))
    mean = np.maximum(np.arange(256), 1e-9)[:, None] * (photons / 255)
    reached = np.cumsum(np.exp(count * np.log(mean) - mean - log_factorial), axis=1)
    chances = (np.arange(_QUANTILES) + 0.5) / _QUANTILES
    seen = np.concatenate([np.searchsorted(row, chances) for row in reached])
    return to_bytes(seen * (255 / photons))


def impulse_noise(rgb: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:
    """Return the picture with values that are stuck at 0 or 255, half each."""
    draw = rng.random(rgb.shape, dtype=np.float32)
    share = _IMPULSE_SHARE[severity - 1]
    salt = rng.random(rgb.shape, dtype=np.float32) < 0.5
    return np.where(draw < share, np.where(salt, 255, 0), rgb).astype(np.uint8)
