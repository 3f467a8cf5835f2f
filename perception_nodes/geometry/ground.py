"""Pixels to the ground in front of the robot, with how far off they may be."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field, replace

import numpy as np

from perception_nodes.geometry.camera_model import CameraModel
from perception_nodes.geometry.pixel_rays import (
    PixelRays,
    rays_of_picture,
    rays_of_pixels,
    rays_of_probes,
)
from perception_nodes.geometry.rigid_transform import RigidTransform

NADIR_M = 1e-6
"""Nearer to the point under the camera no direction of the range can be told."""
HORIZON_RAD = 1e-6
"""Rays that dip less are at the horizon; processors round float32 differently there."""
LOOKUPS_KEPT = 8
COLUMNS_PER_PROBE = 16
"""The horizon is looked for in so many columns, and in the outermost."""


class GroundNotVisibleError(ValueError):
    """The extrinsics put the camera where it cannot see the ground."""


@dataclass(frozen=True)
class GroundProjection:
    """
    The plane z = 0 of base_link, seen by one camera.

    Points are metres in the levelled base frame: origin and heading of base_link, z up. This is
    base_link itself as long as :meth:`with_attitude` is not used. Where base_link is above the
    floor, give the extrinsics from ``base_footprint``.

    Pixels follow :class:`CameraModel` (the centre of the top left pixel is (0, 0)).

    The reported 1σ is that of the distance d between a point and the foot of the camera (the
    camera at height h), by first-order propagation of independent errors::

        σ_d² = ((h² + d²)/h)² (σ_pitch² (x/d)² + σ_roll² (y/d)² + σ_pixel² |∇α|²)
               + (d/h)² σ_height²

    with (x, y) the point as seen from the foot, and ∇α the change of a ray's angle below the
    horizon per pixel. Straight ahead a pitch error alone gives (h² + d²)/h · σ_pitch.

    :param camera: the camera of the pictures.
    :param base_from_camera: pose of the optical frame in base_link.
    :param pitch_sigma_rad: 1σ of the unobserved pitch.
    :param roll_sigma_rad: 1σ of the unobserved roll.
    :param height_sigma_m: 1σ of the camera's height.
    :param pixel_sigma: 1σ of a pixel coordinate, pixels.
    :param pitch_rad: measured pitch of the base, positive turns the nose down.
    :param roll_rad: measured roll of the base.
    :raises GroundNotVisibleError: when the camera is not above the ground or sees only sky.
    """

    camera: CameraModel
    base_from_camera: RigidTransform
    pitch_sigma_rad: float = field(kw_only=True)
    roll_sigma_rad: float = field(kw_only=True)
    height_sigma_m: float = field(kw_only=True)
    pixel_sigma: float = field(kw_only=True)
    pitch_rad: float = field(default=0.0, kw_only=True)
    roll_rad: float = field(default=0.0, kw_only=True)

    def __post_init__(self) -> None:
        """Refuse negative deviations and cameras that cannot see the ground."""
        for name in ('pitch_sigma_rad', 'roll_sigma_rad', 'height_sigma_m', 'pixel_sigma'):
            self._check_number(name, minimum=0.0)
        for name in ('pitch_rad', 'roll_rad'):
            self._check_number(name, minimum=-np.inf)
        self._check_height()
        self._check_view()

    @functools.cached_property
    def level_from_camera(self) -> RigidTransform:
        """Pose of the optical frame in the levelled base frame."""
        attitude = RigidTransform.from_rpy(self.roll_rad, self.pitch_rad)
        return attitude @ self.base_from_camera

    @property
    def height_m(self) -> float:
        """Height of the camera above the ground."""
        return self.level_from_camera.translation_xyz[2]

    def with_attitude(
        self, *, pitch_rad: float, roll_rad: float, sigma_rad: float
    ) -> GroundProjection:
        """
        Return the projection with the base's measured pitch and roll.

        :param pitch_rad: positive turns the nose down (REP-103).
        :param roll_rad: positive turns the left side up.
        :param sigma_rad: 1σ of both; takes the place of the unobserved deviations.
        """
        return replace(
            self, pitch_rad=pitch_rad, roll_rad=roll_rad,
            pitch_sigma_rad=sigma_rad, roll_sigma_rad=sigma_rad,
        )  # fmt: skip

    def to_ground(self, pixels_uv: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """
        Return the ground points of pixels.

        :param pixels_uv: (N, 2) u, v.
        :returns: (N, 2) float64 x, y in metres and (N,) float64 1σ of the distance in metres;
            NaN at and above the horizon.
        """
        return self._intersect(rays_of_pixels(self.camera, pixels_uv))

    def to_pixels(self, points_xy: np.ndarray) -> np.ndarray:
        """
        Return the pixels of ground points, which may lie outside the picture.

        :param points_xy: (N, 2) metres.
        :returns: (N, 2) float64 u, v; NaN behind the camera.
        """
        points = np.asarray(points_xy, dtype=np.float64).reshape(-1, 2)
        on_ground = np.concatenate([points, np.zeros((len(points), 1))], axis=1)
        return self.camera.project(self.level_from_camera.inverse().apply(on_ground))

    def lookup(self, stride: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """
        Return the ground points of a whole picture.

        Made once and kept, also for equal projections; with a measured attitude, which will not
        come again, it is made at every call from rays that are kept.

        :param stride: take every ``stride``-th pixel of every ``stride``-th row, as
            ``mask[::stride, ::stride]`` does.
        :returns: (H, W, 2) float32 x, y in metres and (H, W) float32 1σ of the distance in
            metres; NaN at and above the horizon; both read-only.
        """
        if stride < 1:
            raise ValueError(f'stride must be at least 1, got {stride}')
        is_level = self.pitch_rad == 0 and self.roll_rad == 0
        return (_kept_lookup if is_level else _made_lookup)(self, stride)

    def floor_in_camera(self) -> np.ndarray:
        """
        Return where the pixels of a whole picture look on the floor, in the camera's own frame.

        :returns: (H, W, 3) float32 metres, x right, y down, z forward; NaN at and above the
            horizon.
        """
        camera_from_level = self.level_from_camera.inverse()
        on_floor = camera_from_level.rotation[:, :2].astype(np.float32)
        points_xy, _ = self.lookup()
        return points_xy @ on_floor.T + camera_from_level.translation.astype(np.float32)

    def _intersect(self, rays: PixelRays) -> tuple[np.ndarray, np.ndarray]:
        """Return where rays meet the ground, and the 1σ of the distance; dtype of the rays."""
        dtype = rays.directions.dtype
        rotation = self.level_from_camera.rotation.astype(dtype)
        foot = self.level_from_camera.translation.astype(dtype)
        directions = rays.directions @ rotation.T
        down = -directions[..., 2]
        reach = foot[2] / np.where(down > HORIZON_RAD, down, dtype.type(np.nan))
        x, y = directions[..., 0] * reach, directions[..., 1] * reach
        turns = [(per_pixel @ rotation[2]) ** 2 for per_pixel in (rays.per_column, rays.per_row)]
        points = np.empty((*x.shape, 2), dtype)
        points[..., 0] = x + foot[0]
        points[..., 1] = y + foot[1]
        return points, self._range_sigma(x, y, reach, turns[0] + turns[1])

    def _range_sigma(
        self, x: np.ndarray, y: np.ndarray, reach: np.ndarray, sine_turn: np.ndarray
    ) -> np.ndarray:
        """
        Return the 1σ of the distance; see the class for the formula.

        All arguments have the same shape; sums over a last axis of two would take twice as long
        as everything else.

        :param x: metres ahead of the foot of the camera.
        :param y: metres to its left.
        :param reach: metres along the ray.
        :param sine_turn: squared change per pixel of the sine of the angle below the horizon,
            over both directions.
        """
        height = self.height_m
        ahead_sq = x * x + NADIR_M**2
        distance_sq = ahead_sq + y * y
        ahead = ahead_sq / distance_sq
        angle_variance = (
            self.roll_sigma_rad**2
            + (self.pitch_sigma_rad**2 - self.roll_sigma_rad**2) * ahead
            + self.pixel_sigma**2 * sine_turn * reach * reach / distance_sq
        )
        leverage = (height**2 + distance_sq) / height
        variance = leverage * leverage * angle_variance
        return np.sqrt(variance + distance_sq * (self.height_sigma_m / height) ** 2)

    def _check_number(self, name: str, minimum: float) -> None:
        """Make a field a plain float, since a numpy scalar would widen float32 pictures."""
        value = float(getattr(self, name))
        if not (np.isfinite(value) and value >= minimum):
            raise ValueError(f'{name} must be finite and at least {minimum}, got {value!r}')
        object.__setattr__(self, name, value)

    def _check_height(self) -> None:
        if self.height_m <= 0:
            x, y, z = self.level_from_camera.translation_xyz
            raise GroundNotVisibleError(
                f'camera is not above the ground: base_from_camera puts it at ({x:.3f}, {y:.3f}, '
                f'{z:.3f}) m; give the pose of the camera in base_link, not its inverse, and a '
                'base frame on the floor (base_footprint)'
            )

    def _check_view(self) -> None:
        rays = rays_of_probes(self.camera)
        upward = rays @ self.level_from_camera.rotation[2]
        if not (upward < 0).any():
            axis_rad = np.arcsin(np.clip(self.level_from_camera.rotation[2, 2], -1, 1))
            raise GroundNotVisibleError(
                f'camera sees only sky: its axis points {np.degrees(axis_rad):.1f}° above the '
                'horizon; give the pose of the optical frame (z forward, x right), not of the '
                'camera body (x forward), and check the pitch'
            )


def _rows_below_horizon(rays: PixelRays, up: np.ndarray) -> slice:
    """
    Return the rows between the first and the last that look down anywhere.

    :param up: (3,) upward direction in the camera frame.
    """
    probes = np.r_[0 : rays.directions.shape[1] : COLUMNS_PER_PROBE, -1]
    looks_down = (rays.directions[:, probes] @ up.astype(np.float32) < 0).any(axis=1)
    rows = np.flatnonzero(looks_down)
    # One more on either side: between the probes a bent horizon may reach a little further.
    return slice(max(rows[0] - 1, 0), rows[-1] + 2) if len(rows) else slice(0, 0)


def _made_lookup(projection: GroundProjection, stride: int) -> tuple[np.ndarray, np.ndarray]:
    rays = rays_of_picture(projection.camera, stride)
    rows_hw = rays.directions.shape[:2]
    points_xy = np.full((*rows_hw, 2), np.nan, np.float32)
    sigma_m = np.full(rows_hw, np.nan, np.float32)
    seen = _rows_below_horizon(rays, projection.level_from_camera.rotation[2])
    with np.errstate(invalid='ignore', over='ignore'):
        points_xy[seen], sigma_m[seen] = projection._intersect(rays.of_rows(seen))
    points_xy.setflags(write=False)
    sigma_m.setflags(write=False)
    return points_xy, sigma_m


_kept_lookup = functools.lru_cache(maxsize=LOOKUPS_KEPT)(_made_lookup)
