"""All that may spoil a picture, as levels in one value, and the function that spoils it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from perception_nodes.imaging.disturbances.light import (
    add_glare,
    cast_shadows,
    scale_illuminance,
)
from perception_nodes.imaging.disturbances.weather import add_dirt, add_fog, add_rain
from perception_nodes.structures import check_settings, setting


def _level(description: str) -> Any:
    """Return a field that runs from 0 (none) to 1."""
    return setting(0.0, description, minimum=0.0, maximum=1.0)


@dataclass(frozen=True, kw_only=True)
class Disturbance:
    """How strong each disturbance is; the default spoils nothing."""

    illuminance_factor: float = setting(
        1.0, 'light in the scene, 1 as it is; the camera does not adapt', minimum=0.01, maximum=8.0
    )
    glare: float = _level('a source of light in the picture')
    shadows: float = _level('depth of shadows on the floor')
    rain: float = _level('falling drops')
    fog: float = _level('contrast that distance takes')
    dirt: float = _level('dirt on the lens')
    worn_percent: float = setting(
        0.0, 'share of the floor markings that is missing', minimum=0.0, maximum=100.0
    )

    def __post_init__(self) -> None:
        """Check every level."""
        check_settings(self)

    @property
    def spoils_pictures(self) -> bool:
        """Whether any of it changes pictures (worn markings change the scene)."""
        levels = (self.glare, self.shadows, self.rain, self.fog, self.dirt)
        return any(levels) or self.illuminance_factor != 1


def disturb(
    rgb: np.ndarray,
    disturbance: Disturbance,
    *,
    seed: int,
    frame: int,
    depth_m: np.ndarray | None = None,
    floor_from_pixel: np.ndarray | None = None,
) -> np.ndarray:
    """
    Return the picture as it is seen under a disturbance; the same seed and frame give the same.

    :param rgb: (H, W, 3) uint8; it is not changed.
    :param frame: number or stamp of the picture, ≥ 0; only rain depends on it.
    :param depth_m: (H, W) float for fog, see :func:`add_fog`.
    :param floor_from_pixel: (3, 3) for shadows, see :func:`cast_shadows`; without it the lower
        half of the picture counts as a floor seen from 0.3 m.
    :return: (H, W, 3) uint8; geometry is unchanged.
    """
    if floor_from_pixel is None:
        floor_from_pixel = level_floor((rgb.shape[1], rgb.shape[0]))
    picture = cast_shadows(rgb, floor_from_pixel, disturbance.shadows, seed)
    picture = add_fog(picture, disturbance.fog, depth_m)
    picture = add_rain(picture, disturbance.rain, seed, frame)
    picture = scale_illuminance(picture, disturbance.illuminance_factor)
    picture = add_glare(picture, disturbance.glare, seed)
    return add_dirt(picture, disturbance.dirt, seed)


def level_floor(size_wh: tuple[int, int], height_m: float = 0.3) -> np.ndarray:
    """Return the floor_from_pixel of a camera that looks along the horizon, 60° high."""
    width, height = size_wh
    focal = height / 2 / np.tan(np.radians(30))
    # A pixel (u, v) below the middle sees the floor at x = f h / (v - cy), y = -x (u - cx) / f.
    return np.array(
        [[0, 0, focal * height_m], [-height_m, 0, height_m * width / 2], [0, 1, -height / 2]]
    )
