"""
A picture of the floor in polar coordinates about the foot of the camera.

On rings around the robot a path crosses every ring once, from near to far, also where it turns
across the view: in rows of the picture, or in columns of a map, it would not.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace

import cv2
import numpy as np

from perception_nodes.geometry import GroundNotVisibleError, GroundProjection

RINGS = 56
MOST_COLUMNS = 1024
KNOT_COLUMNS = 16
"""Pixels are computed exactly at every so many columns, and linearly between them."""
PROBES = 33
MAX_BEARING_RAD = np.radians(85.0)
OUTSIDE_PX = -1e4
"""Where the camera does not look; remap fills in the border value there."""
FARTHEST_SIGMA = 0.5
"""Rings whose distance is less certain than this part of it tell nothing."""


@dataclass(frozen=True, eq=False, kw_only=True)
class RingView:
    """
    Where K rings and C bearings lie in the picture.

    :param shape_hw: size of the picture.
    :param foot_xy: (2,) float64, the floor under the camera in base_link, metres.
    :param height_m: of the camera.
    :param pitch_sigma_rad: 1σ of the unobserved pitch, which moves all rings together.
    :param radii_m: (K,) float64 ascending.
    :param bearings_rad: (C,) float64 descending, evenly spaced: columns go from left to right.
    :param map_uv: two (K, C) float32, column and row of the picture.
    :param range_sigma_m: (K,) float64, 1σ of the distance of a ring apart from the pitch.
    :param pixel_m: (K,) float64, width of a pixel across the ring.
    :param visible: (K, C) bool, inside the picture.
    """

    shape_hw: tuple[int, int]
    foot_xy: np.ndarray
    height_m: float
    pitch_sigma_rad: float
    radii_m: np.ndarray
    bearings_rad: np.ndarray
    map_uv: tuple[np.ndarray, np.ndarray]
    range_sigma_m: np.ndarray
    pixel_m: np.ndarray
    visible: np.ndarray

    @classmethod
    def prepare(cls, ground: GroundProjection, max_range_m: float) -> RingView:
        """
        Return the view of a camera; equal ones are made once and kept.

        :param max_range_m: distance of the last ring from the foot of the camera.
        :raises GroundNotVisibleError: when the camera sees no floor within that distance.
        """
        return _prepared(ground, max_range_m)

    def sample(self, picture: np.ndarray, outside: int) -> np.ndarray:
        """
        Return a picture by rings and bearings, linear between pixels.

        :param picture: (H, W) uint8.
        :param outside: value of what the camera does not see.
        :returns: (K, C) uint8.
        """
        return self._remap(picture, outside, cv2.INTER_LINEAR)

    def sample_nearest(self, picture: np.ndarray, outside: int) -> np.ndarray:
        """Return a picture by rings and bearings, without mixing values; see ``sample``."""
        return self._remap(picture, outside, cv2.INTER_NEAREST)

    def places(self, rings: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """
        Return the (N, 2) places in base_link of points of the view, metres.

        :param rings: (N,) int, index of the ring.
        :param columns: (N,) float, fractions of columns allowed.
        """
        step = self.bearings_rad[1] - self.bearings_rad[0]
        bearing = self.bearings_rad[0] + step * columns
        radius = self.radii_m[rings]
        along = np.stack([np.cos(bearing), np.sin(bearing)], axis=-1)
        return self.foot_xy + radius[:, None] * along

    def columns_of(self, points_xy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """
        Return (N,) distances from the foot in metres and (N,) columns of places in base_link.

        :param points_xy: (N, 2) metres.
        """
        away = np.asarray(points_xy) - self.foot_xy
        step = self.bearings_rad[1] - self.bearings_rad[0]
        columns = (np.arctan2(away[:, 1], away[:, 0]) - self.bearings_rad[0]) / step
        return np.hypot(away[:, 0], away[:, 1]), columns

    @property
    def column_rad(self) -> float:
        """Width of a column."""
        return float(self.bearings_rad[0] - self.bearings_rad[1])

    def _remap(self, picture: np.ndarray, outside: int, how: int) -> np.ndarray:
        if picture.shape != self.shape_hw or picture.dtype != np.uint8:
            raise ValueError(
                f'picture must be {self.shape_hw} uint8, got {picture.shape} {picture.dtype}'
            )
        return cv2.remap(
            picture, *self.map_uv, how, borderMode=cv2.BORDER_CONSTANT, borderValue=outside
        )


@functools.lru_cache(maxsize=4)
def _prepared(ground: GroundProjection, max_range_m: float) -> RingView:
    foot_xy = ground.level_from_camera.translation[:2]
    near_m, far_m, bearings = _extent(ground, foot_xy, max_range_m)
    radii = np.geomspace(near_m, far_m, RINGS)
    knots = np.arange(0, len(bearings) - 1 + KNOT_COLUMNS, KNOT_COLUMNS)
    step = bearings[1] - bearings[0]
    knot_bearings = bearings[0] + step * knots
    around = np.stack([np.cos(knot_bearings), np.sin(knot_bearings)], axis=-1)
    places = foot_xy + radii[:, None, None] * around
    pixels = ground.to_pixels(places.reshape(-1, 2)).reshape(*places.shape)
    noise = replace(ground, pitch_sigma_rad=0.0)
    sigma = noise.to_ground(pixels.reshape(-1, 2))[1].reshape(places.shape[:2])
    map_uv = _interpolated(np.nan_to_num(pixels, nan=OUTSIDE_PX), knots, len(bearings))
    height, width = ground.camera.size_wh[::-1]
    u, v = map_uv
    visible = (u > -0.5) & (u < width - 0.5) & (v > -0.5) & (v < height - 0.5)
    per_knot = np.hypot(*np.moveaxis(np.diff(pixels, axis=1), -1, 0)) / KNOT_COLUMNS
    with np.errstate(invalid='ignore'):
        pixel_m = radii * -step / np.nanmedian(per_knot, axis=1)
    return RingView(
        shape_hw=(height, width), foot_xy=foot_xy, height_m=ground.height_m,
        pitch_sigma_rad=ground.pitch_sigma_rad, radii_m=radii, bearings_rad=bearings,
        map_uv=map_uv, range_sigma_m=np.nanmedian(sigma, axis=1), pixel_m=pixel_m,
        visible=visible,
    )  # fmt: skip


def _extent(
    ground: GroundProjection, foot_xy: np.ndarray, max_range_m: float
) -> tuple[float, float, np.ndarray]:
    """Return the nearest and the farthest distance that is seen, and the bearings."""
    width, height = ground.camera.size_wh
    columns, rows = np.linspace(0, width - 1, PROBES), np.linspace(0, height - 1, PROBES)
    probes = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2)
    points, sigma = ground.to_ground(probes)
    away = points - foot_xy
    distance, bearing = np.hypot(*away.T), np.arctan2(away[:, 1], away[:, 0])
    with np.errstate(invalid='ignore'):
        usable = (distance <= max_range_m) & (sigma <= FARTHEST_SIGMA * distance)
        usable &= (np.abs(bearing) <= MAX_BEARING_RAD) & (distance > 0)
    if not usable.any():
        raise GroundNotVisibleError(
            f'camera sees no floor within max_range_m {max_range_m}: raise it, or check the '
            'pose of the camera'
        )
    focal_px = float(ground.camera.focal_xy[0])
    left, right = bearing[usable].max(), bearing[usable].min()
    count = int(np.clip((left - right) * focal_px, 2 * KNOT_COLUMNS, MOST_COLUMNS))
    bearings = np.linspace(left, right, count)
    far_m = min(max_range_m, _certain_range(ground, max_range_m))
    return float(distance[usable].min()), float(far_m), bearings


def _certain_range(ground: GroundProjection, max_range_m: float) -> float:
    """Return the distance straight ahead up to which distances are certain enough."""
    distances = np.geomspace(ground.height_m * 0.1, max_range_m, 256)
    places = np.stack([distances, np.zeros_like(distances)], axis=-1)
    places += ground.level_from_camera.translation[:2]
    sigma = ground.to_ground(ground.to_pixels(places))[1]
    with np.errstate(invalid='ignore'):
        certain = distances[sigma <= FARTHEST_SIGMA * distances]
    return float(certain[-1]) if len(certain) else max_range_m


def _interpolated(
    pixels: np.ndarray, knots: np.ndarray, columns: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return (K, C) float32 columns and rows of the picture from those at the knots."""
    places = np.arange(columns)
    left = places // KNOT_COLUMNS
    share = (places - knots[left]) / KNOT_COLUMNS
    between = pixels[:, left] * (1 - share)[:, None] + pixels[:, left + 1] * share[:, None]
    u, v = np.moveaxis(between, -1, 0).astype(np.float32)
    return np.ascontiguousarray(u), np.ascontiguousarray(v)
