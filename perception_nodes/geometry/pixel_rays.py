"""Directions of pixels together with how fast they turn from pixel to pixel."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from perception_nodes.geometry.camera_model import CameraModel

STEP_PX = 0.01
"""Far below the pixel, far above what float64 rounds away."""
PROBES = 33
"""Pixels per side that are tried before a camera is said to see no ground."""


@dataclass(frozen=True, eq=False)
class PixelRays:
    """
    Rays of pixels in the camera frame.

    :param directions: (..., 3) unit norm; NaN where the lens model has no direction.
    :param per_column: (..., 3) change of the direction per pixel to the right.
    :param per_row: (..., 3) change of the direction per pixel down.
    """

    directions: np.ndarray
    per_column: np.ndarray
    per_row: np.ndarray

    def of_rows(self, rows: slice) -> PixelRays:
        """Return the rays of a part of the picture, sharing memory."""
        return PixelRays(self.directions[rows], self.per_column[rows], self.per_row[rows])


def rays_of_pixels(camera: CameraModel, pixels_uv: np.ndarray) -> PixelRays:
    """
    Return the rays of single pixels.

    :param pixels_uv: (N, 2) u, v.
    :returns: arrays of (N, 3) float64.
    """
    pixels = np.asarray(pixels_uv, dtype=np.float64).reshape(-1, 2)
    directions = camera.rays(pixels)
    return PixelRays(
        directions,
        (camera.rays(pixels + np.array([STEP_PX, 0])) - directions) / STEP_PX,
        (camera.rays(pixels + np.array([0, STEP_PX])) - directions) / STEP_PX,
    )


@functools.lru_cache(maxsize=4)
def rays_of_picture(camera: CameraModel, stride: int = 1) -> PixelRays:
    """
    Return the rays of every ``stride``-th pixel of every ``stride``-th row, made once per camera.

    :returns: arrays of (ceil(H / stride), ceil(W / stride), 3) float32, read-only.
    """
    width, height = camera.size_wh
    columns, rows = np.arange(0, width, stride), np.arange(0, height, stride)
    rays = rays_of_pixels(camera, _grid(columns, rows))
    pictures = [
        array.astype(np.float32).reshape(len(rows), len(columns), 3)
        for array in (rays.directions, rays.per_column, rays.per_row)
    ]
    for picture in pictures:
        picture.setflags(write=False)
    return PixelRays(*pictures)


@functools.lru_cache(maxsize=4)
def slopes_of_picture(camera: CameraModel) -> np.ndarray:
    """
    Return how far to the right and down every pixel looks per metre ahead, made once per camera.

    :returns: (2, H, W) float32, read-only; NaN where the lens model has no direction ahead.
    """
    width, height = camera.size_wh
    pixels = _grid(np.arange(width), np.arange(height))
    points = camera.points_at_depth(pixels, np.ones(len(pixels)))
    slopes = np.ascontiguousarray(points[:, :2].T, np.float32).reshape(2, height, width)
    slopes.setflags(write=False)
    return slopes


def points_of_depth(camera: CameraModel, depth_m: np.ndarray) -> np.ndarray:
    """
    Return where the pixels of a depth picture are.

    :param depth_m: (H, W) metres along the optical axis (REP-118), NaN for none; the size of the
        camera's picture.
    :returns: (H, W, 3) float32 metres in the camera frame; NaN without depth.
    """
    points = np.empty((*depth_m.shape, 3), np.float32)
    slopes = slopes_of_picture(camera)
    for axis, slope in enumerate(slopes):
        np.multiply(slope, depth_m, out=points[..., axis], casting='same_kind')
    # Where the lens has no direction, no depth is one either.
    points[..., 2] = np.where(np.isnan(slopes[0]), np.nan, depth_m)
    return points


@functools.lru_cache(maxsize=16)
def rays_of_probes(camera: CameraModel) -> np.ndarray:
    """Return (N, 3) float64 rays of pixels that are spread over the picture up to its edges."""
    width, height = camera.size_wh
    columns, rows = np.linspace(0, width - 1, PROBES), np.linspace(0, height - 1, PROBES)
    rays = camera.rays(_grid(columns, rows))
    rays.setflags(write=False)
    return rays


def _grid(columns: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return (len(rows) · len(columns), 2) pixels u, v, row by row."""
    return np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2)
