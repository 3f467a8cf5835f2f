"""
Snow, frost and fog in the manner of Hendrycks and Dietterich (2019).

Their strengths of snow and fog are moved a little where a step would not be worse than the last.

Frost there is six photographs; here it is grown from noise, with their mixing weights up to
severity 3 and steeper ones above, where theirs hardly differ.
"""

from __future__ import annotations

import cv2
import numpy as np

from perception_nodes.robustness.blur import blurred_along
from perception_nodes.robustness.scale import fractal_noise, scale_of, to_bytes

# Mean and deviation of the noise, size of a flake, threshold, radius, sigma, what is left.
_SNOW = (
    (0.10, 0.3, 3.0, 0.50, 10, 4, 0.80),
    (0.15, 0.3, 2.5, 0.50, 12, 4, 0.75),
    (0.55, 0.3, 4.0, 0.88, 12, 8, 0.70),
    (0.55, 0.3, 4.5, 0.82, 12, 8, 0.62),
    (0.55, 0.3, 2.5, 0.85, 12, 12, 0.55),
)
_FROST = ((1.0, 0.4), (0.8, 0.6), (0.7, 0.7), (0.6, 0.8), (0.5, 0.9))  # picture, ice
_ICE_RGB = (205.0, 225.0, 240.0)
_FOG = ((1.0, 2.0), (1.5, 1.9), (2.0, 1.8), (2.5, 1.7), (3.2, 1.6))  # thickness, decay


def snow(rgb: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:
    """Return the picture in falling snow, whitened."""
    mean, deviation, flake, threshold, radius, sigma, kept = _SNOW[severity - 1]
    scale = scale_of(rgb)
    height, width = rgb.shape[:2]
    size_wh = (max(2, round(width / (flake * scale))), max(2, round(height / (flake * scale))))
    noise = rng.normal(mean, deviation, size_wh[::-1]).astype(np.float32)
    flakes = cv2.resize(noise, (width, height), interpolation=cv2.INTER_LINEAR)
    flakes = np.clip(np.where(flakes < threshold, 0, flakes), 0, 1).astype(np.float32)
    angle = float(np.radians(rng.uniform(45, 135)))
    falling = blurred_along(flakes, radius * scale, sigma * scale, angle)
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)[..., None]
    whitened = kept * rgb + (1 - kept) * np.maximum(rgb, 1.5 * grey + 127.5)
    return to_bytes(whitened + 255 * (falling + falling[::-1, ::-1])[..., None])


def frost(rgb: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:
    """Return the picture through a pane with ice on it: veins, thicker towards the edge."""
    kept, added = _FROST[severity - 1]
    noise = fractal_noise(rgb.shape[:2], 1.5, rng, coarsest=4)
    veins = 1 - np.abs(2 * noise - 1)
    y, x = np.meshgrid(*(np.linspace(-1, 1, side) for side in rgb.shape[:2]), indexing='ij')
    edge = np.clip(np.maximum(np.abs(x), np.abs(y)), 0, 1)
    ice = (0.25 + 0.75 * veins**4) * (0.35 + 0.65 * edge**1.5)
    return to_bytes(kept * rgb + added * ice[..., None] * np.array(_ICE_RGB))


def fog(rgb: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:
    """Return the picture behind swaths of fog, the same at every distance."""
    thickness, decay = _FOG[severity - 1]
    swaths = fractal_noise(rgb.shape[:2], decay, rng)[..., None]
    brightest = float(rgb.max()) / 255
    return to_bytes((rgb + 255 * thickness * swaths) * (brightest / (brightest + thickness)))
