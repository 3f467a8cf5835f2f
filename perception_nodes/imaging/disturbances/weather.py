"""Weather and dirt: fog, rain, and what sticks to the lens."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

FOG_GREY = 200.0
DENSEST_FOG_1_M = 0.7
"""Extinction of fog of level 1: contrast falls to a half at one metre."""


def add_fog(rgb: np.ndarray, level: float, depth_m: np.ndarray | None = None) -> np.ndarray:
    """
    Return the picture in fog (Koschmieder's law).

    :param rgb: (H, W, 3) uint8.
    :param level: 0 none … 1 contrast falls to a half at one metre.
    :param depth_m: (H, W) float, NaN is far away; without it the upper rows count as far.
    """
    if level <= 0:
        return rgb
    if depth_m is None:
        rows = np.linspace(8.0, 0.5, rgb.shape[0], dtype=np.float32)[:, None]
        depth_m = np.broadcast_to(rows, rgb.shape[:2])
    distance = np.nan_to_num(depth_m, nan=60.0).astype(np.float32)
    clear = np.exp(-DENSEST_FOG_1_M * level * distance)
    return _blend(rgb, FOG_GREY, clear)


def add_rain(rgb: np.ndarray, level: float, seed: int, frame: int) -> np.ndarray:
    """
    Return the picture with falling drops; every frame has others.

    :param level: 0 none … 1 a cloudburst.
    """
    if level <= 0:
        return rgb
    rng = np.random.default_rng([seed, 3, frame])
    height, width = rgb.shape[:2]
    streaks = np.zeros((height, width), np.uint8)
    slant = np.random.default_rng([seed, 3]).uniform(-0.25, 0.25)
    for _ in range(round(level * 500 * width / 640)):
        x, y = rng.uniform(0, width), rng.uniform(-20, height)
        length = rng.uniform(0.02, 0.09) * height
        end = (round(x + slant * length), round(y + length))
        cv2.line(streaks, (round(x), round(y)), end, int(rng.integers(90, 210)), 1)
    soft = cv2.GaussianBlur(streaks, (3, 3), 0)
    grey = cv2.merge([soft, soft, soft])
    return cv2.addWeighted(cv2.add(rgb, grey), 1 - 0.15 * level, rgb, 0.0, 25 * level)


def add_dirt(rgb: np.ndarray, level: float, seed: int) -> np.ndarray:
    """
    Return the picture through a dirty lens; the dirt stays where it is.

    :param level: 0 clean … 1 about a quarter of the picture is covered.
    """
    if level <= 0:
        return rgb
    clear = 1 - _dirt(rgb.shape[:2], round(level, 3), seed)
    return _blend(rgb, 70.0, clear)


@lru_cache(maxsize=4)
def _dirt(shape_hw: tuple[int, int], level: float, seed: int) -> np.ndarray:
    """Return (H, W) float32 in 0..1: how much of the light a lens holds back."""
    rng = np.random.default_rng([seed, 4])
    height, width = shape_hw
    cover = np.zeros(shape_hw, np.float32)
    for _ in range(round(28 * level)):
        centre = (round(rng.uniform(0, width)), round(rng.uniform(0, height)))
        axes = tuple(round(value * width) for value in rng.uniform(0.008, 0.07, 2))
        strength = float(rng.uniform(0.5, 1.0))
        cv2.ellipse(cover, centre, axes, float(rng.uniform(0, 180)), 0, 360, strength, -1)
    soft = cv2.GaussianBlur(cover, (0, 0), width / 120).astype(np.float32)
    grain = cv2.resize(rng.random((24, 32), dtype=np.float32), (width, height))
    return soft * (0.75 + 0.25 * grain)


def _blend(rgb: np.ndarray, grey: float, clear: np.ndarray) -> np.ndarray:
    """Return the picture where ``clear`` (H, W float32) is 1 and grey where it is 0."""
    share = cv2.merge([clear, clear, clear]).astype(np.float32)
    mixed = rgb.astype(np.float32) * share + grey * (1 - share)
    return mixed.astype(np.uint8)
