"""Light: how much of it, a source that blinds, and shadows on the floor."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

SHADOW_TILE_M = 6.0
SHADOW_SIDE = 256
DARKEST_SHADOW = 0.75
"""Share of the light that a shadow of level 1 takes."""


def scale_illuminance(rgb: np.ndarray, factor: float) -> np.ndarray:
    """
    Return the picture in more or less light; the camera does not adapt.

    :param rgb: (H, W, 3) uint8.
    :param factor: of the light in the scene; 1 leaves it as it is.
    """
    if factor == 1:
        return rgb
    linear = (np.arange(256) / 255) ** 2.2 * factor
    curve = np.clip(linear, 0, 1) ** (1 / 2.2) * 255
    return cv2.LUT(rgb, np.round(curve).astype(np.uint8))


def add_glare(rgb: np.ndarray, level: float, seed: int) -> np.ndarray:
    """
    Return the picture with a source of light in it: a blinding spot, a halo and less contrast.

    :param level: 0 none … 1 a third of the picture is lost.
    """
    if level <= 0:
        return rgb
    light = _glare(rgb.shape[:2], seed)
    veil = level * (90 * light + 45)
    core = 255 * np.clip(light * (1 + level) - 1.1 + 0.5 * level, 0, 1)
    added = (veil + core).astype(np.float32)
    return cv2.add(rgb, cv2.merge([added, added, added]), dtype=cv2.CV_8U)


@lru_cache(maxsize=4)
def _glare(shape_hw: tuple[int, int], seed: int) -> np.ndarray:
    """Return (H, W) float32 in 0..1: how near a pixel is to the source."""
    rng = np.random.default_rng([seed, 1])
    height, width = shape_hw
    centre = rng.uniform(0.15, 0.85) * width, rng.uniform(0.2, 0.7) * height
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    distance = np.hypot(x - centre[0], (y - centre[1]) * 1.3) / width
    return np.exp(-((distance / 0.22) ** 2)).astype(np.float32)


def cast_shadows(
    rgb: np.ndarray, floor_from_pixel: np.ndarray, level: float, seed: int
) -> np.ndarray:
    """
    Return the picture with shadows that lie still on the floor.

    :param floor_from_pixel: (3, 3) homography from pixel centres (u, v, 1) to metres on the
        floor, third component > 0 in front of the horizon.
    :param level: 0 none … 1 deep, with hard edges.
    """
    if level <= 0:
        return rgb
    columns = np.arange(rgb.shape[1], dtype=np.float32) + np.float32(0.5)
    rows = np.arange(rgb.shape[0], dtype=np.float32)[:, None] + np.float32(0.5)
    x, y, ahead = (
        a * columns + (b * rows + c) for a, b, c in np.asarray(floor_from_pixel, np.float32)
    )
    on_floor = ahead > 1e-6
    tiles = np.float32(1 / SHADOW_TILE_M) / np.where(on_floor, ahead, np.float32(1))
    u, v = (_into_tile(metres * tiles) for metres in (x, y))
    dark = cv2.remap(_shadow_tile(seed), u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    edge = np.clip((dark - 0.5) * (2 + 10 * level) + 0.5, 0, 1)
    light = np.where(on_floor, 1 - DARKEST_SHADOW * level * edge, np.float32(1))
    return cv2.multiply(rgb, cv2.merge([light, light, light]), dtype=cv2.CV_8U)


def _into_tile(tiles: np.ndarray) -> np.ndarray:
    """Return places, in tiles, as places in pixels of the one tile that repeats."""
    inside: np.ndarray = (tiles - np.floor(tiles)) * np.float32(SHADOW_SIDE)
    return inside


@lru_cache(maxsize=4)
def _shadow_tile(seed: int) -> np.ndarray:
    """Return (side, side) float32 in 0..1 that tiles: 1 in the shade of bars and foliage."""
    rng = np.random.default_rng([seed, 2])
    spectrum = np.fft.fftfreq(SHADOW_SIDE)
    radius = np.hypot(spectrum[:, None], spectrum[None]) * SHADOW_SIDE
    noise = np.fft.fft2(rng.standard_normal((SHADOW_SIDE, SHADOW_SIDE)))
    blobs = np.fft.ifft2(noise * np.exp(-((radius / 9) ** 2))).real
    blobs = 0.5 + 0.5 * np.tanh(1.5 * blobs / blobs.std())
    along = np.mgrid[0:SHADOW_SIDE, 0:SHADOW_SIDE] / SHADOW_SIDE
    waves = rng.integers(1, 3) * along[0] + rng.integers(1, 4) * along[1] + rng.uniform()
    bars = (np.sin(2 * np.pi * waves) > 0.75).astype(np.float32)
    return np.maximum(blobs > 0.62, cv2.GaussianBlur(bars, (0, 0), 1.0)).astype(np.float32)
