"""What a driving robot meets, at five severities; drawn by the simulator's own disturbances."""

from __future__ import annotations

import numpy as np

from perception_nodes.imaging.disturbances import Disturbance, disturb
from perception_nodes.robustness.scale import to_bytes

_NIGHT_LIGHT = (0.35, 0.2, 0.11, 0.06, 0.03)
_NIGHT_NOISE = (2.0, 3.0, 4.5, 6.0, 8.0)  # grey levels; gain lifts the noise of the sensor
_GLARE = (0.2, 0.4, 0.6, 0.8, 1.0)
_RAIN = (0.2, 0.4, 0.6, 0.8, 1.0)
_FOG = (0.15, 0.3, 0.5, 0.75, 1.0)
_DIRT = (0.3, 0.7, 1.2, 2.0, 3.0)  # above 1: several layers of dirt


def night(rgb: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:
    """Return the picture with 35 to 3 % of the light, and the noise of a dark sensor."""
    dark = _disturbed(rgb, Disturbance(illuminance_factor=_NIGHT_LIGHT[severity - 1]), rng)
    noise = rng.standard_normal(rgb.shape, dtype=np.float32)
    return to_bytes(dark + _NIGHT_NOISE[severity - 1] * noise)


def glare(rgb: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:
    """Return the picture with a blinding light in it."""
    return _disturbed(rgb, Disturbance(glare=_GLARE[severity - 1]), rng)


def rain(rgb: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:
    """Return the picture with falling drops."""
    return _disturbed(rgb, Disturbance(rain=_RAIN[severity - 1]), rng)


def distance_fog(rgb: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:
    """Return the picture in fog that hides what is far, down to a few metres of sight."""
    return _disturbed(rgb, Disturbance(fog=_FOG[severity - 1]), rng)


def lens_dirt(rgb: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:
    """Return the picture through a lens that nobody wiped."""
    left = _DIRT[severity - 1]
    while left > 0:
        rgb = _disturbed(rgb, Disturbance(dirt=min(left, 1.0)), rng)
        left -= 1
    return rgb


def _disturbed(rgb: np.ndarray, levels: Disturbance, rng: np.random.Generator) -> np.ndarray:
    return disturb(rgb, levels, seed=int(rng.integers(2**31)), frame=0)
