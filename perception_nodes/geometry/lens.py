"""
Lens distortion, forward and inverse, on the normalised picture plane.

Both directions are solved here instead of by OpenCV. ``undistortPoints`` stops after five
iterations with up to 0.3 px of error on ordinary lenses (its criteria are an argument in some
versions and another function in others) and returns numbers where there is no solution;
``cv2.fisheye.undistortPoints`` returns points on the plane z = 1, which a ray at 90° does not
meet. OpenCV judges the forward direction in the tests.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from enum import Enum
from typing import Protocol

import numpy as np

NEWTON_STEPS = 12
"""Most steps; three or four are enough from the table's guess."""
CONVERGED = 1e-12
"""Newton stops at this step, in units of the normalised plane."""
RESIDUAL = 1e-7
"""A solution farther off than this (10⁻⁴ px at a focal length of 1000 px) is none."""
TABLE_SIZE = 1024
HALVINGS = 45
STEEPEST_RAD = np.radians(89.0)
"""A picture plane ends here: tan grows without limit, and no such lens is sold as a pinhole."""


class DistortionModel(str, Enum):
    """Names of ``sensor_msgs/CameraInfo.distortion_model`` (sensor_msgs/distortion_models.hpp)."""

    PLUMB_BOB = 'plumb_bob'
    """k1, k2, p1, p2, k3: radial polynomial and decentring (Brown)."""
    RATIONAL_POLYNOMIAL = 'rational_polynomial'
    """k1, k2, p1, p2, k3, k4, k5, k6: ratio of two radial polynomials."""
    EQUIDISTANT = 'equidistant'
    """k1, k2, k3, k4 on the angle to the axis (Kannala and Brandt): fisheye lenses."""


COEFFICIENTS = {
    DistortionModel.PLUMB_BOB: 5,
    DistortionModel.RATIONAL_POLYNOMIAL: 8,
    DistortionModel.EQUIDISTANT: 4,
}
"""How many coefficients each model takes; missing ones are zero."""


class Lens(Protocol):
    """What turns directions into the normalised picture plane (pixels = K · plane) and back."""

    def plane_from_points(self, points_xyz: np.ndarray) -> np.ndarray:
        """Return (N, 2) for (N, 3) points of the camera frame; NaN where the lens cannot see."""

    def rays_from_plane(self, plane_xy: np.ndarray) -> np.ndarray:
        """Return (N, 3) rays of unit norm for (N, 2) points; NaN where no ray comes from."""


@functools.lru_cache(maxsize=32)
def lens_of(model: DistortionModel, coefficients: tuple[float, ...]) -> Lens:
    """
    Return the lens of a distortion model.

    :param coefficients: as many as :data:`COEFFICIENTS` says.
    """
    if model is DistortionModel.EQUIDISTANT:
        return EquidistantLens(coefficients)
    if not any(coefficients):
        return PerfectLens()
    return RadialTangentialLens(coefficients)


class PerfectLens:
    """A pinhole: what is straight stays straight."""

    def plane_from_points(self, points_xyz: np.ndarray) -> np.ndarray:
        """Divide by the depth; see :class:`Lens`."""
        depth = np.where(points_xyz[:, 2:] > 0, points_xyz[:, 2:], np.nan)
        return points_xyz[:, :2] / depth

    def rays_from_plane(self, plane_xy: np.ndarray) -> np.ndarray:
        """Lift to z = 1 and normalise; see :class:`Lens`."""
        return _unit_rays(plane_xy)


class RadialTangentialLens:
    """
    Plumb-bob and rational distortion, in the notation of OpenCV's calib3d.

    The radial curve rises up to some radius and then folds back, which would put far-off points
    into the picture once more: beyond that radius points are not visible.

    :param coefficients: k1, k2, p1, p2 and further k3, k4, k5, k6.
    """

    def __init__(self, coefficients: tuple[float, ...]) -> None:
        k1, k2, p1, p2, k3, k4, k5, k6 = (*coefficients, *(0.0,) * (8 - len(coefficients)))
        self._p1, self._p2 = p1, p2
        self._over = np.polynomial.Polynomial([1, k1, k2, k3])
        self._under = np.polynomial.Polynomial([1, k4, k5, k6])
        end_rad = _rising_until(lambda angle: self._rises(np.tan(angle)), STEEPEST_RAD)
        self._end_s = np.tan(end_rad) ** 2
        self._radii = np.tan(np.linspace(0, end_rad, TABLE_SIZE))
        self._distorted_radii = self._radii * self._radial(self._radii**2)[0]

    def plane_from_points(self, points_xyz: np.ndarray) -> np.ndarray:
        """Divide by the depth and distort; see :class:`Lens`."""
        plane = PerfectLens().plane_from_points(points_xyz)
        with np.errstate(over='ignore', invalid='ignore'):
            visible = (plane**2).sum(axis=1) <= self._end_s
        return self._distorted(np.where(visible[:, None], plane, np.nan))

    def rays_from_plane(self, plane_xy: np.ndarray) -> np.ndarray:
        """Solve for the undistorted point by Newton's method; see :class:`Lens`."""
        radius = np.hypot(plane_xy[:, 0], plane_xy[:, 1])
        guess = np.interp(radius, self._distorted_radii, self._radii)
        point = plane_xy * (guess / np.where(radius > 0, radius, 1.0))[:, None]
        with np.errstate(all='ignore'):
            for _ in range(NEWTON_STEPS):
                step = self._newton_step(point, plane_xy)
                point = point - step
                if not np.nanmax(np.abs(step), initial=0.0) > CONVERGED:
                    break
            residual = np.abs(self._distorted(point) - plane_xy).max(axis=1)
            found = (residual <= RESIDUAL) & ((point**2).sum(axis=1) <= self._end_s)
        return _unit_rays(np.where(found[:, None], point, np.nan))

    def _rises(self, radius: np.ndarray) -> np.ndarray:
        """Return a number above 0 where the distorted radius rises and there is no pole."""
        s = radius**2
        over, under = self._over(s), self._under(s)
        slope = (over + 2 * s * self._over.deriv()(s)) * under
        return np.minimum(slope - 2 * s * over * self._under.deriv()(s), under)

    def _radial(self, s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the radial factor and its derivative by s, the squared radius."""
        over, under = self._over(s), self._under(s)
        factor = over / under
        return factor, (self._over.deriv()(s) - factor * self._under.deriv()(s)) / under

    def _distorted(self, plane_xy: np.ndarray) -> np.ndarray:
        x, y = plane_xy.T
        s = x * x + y * y
        factor = self._radial(s)[0]
        cross = 2 * x * y
        return np.stack(
            [
                x * factor + self._p1 * cross + self._p2 * (s + 2 * x * x),
                y * factor + self._p2 * cross + self._p1 * (s + 2 * y * y),
            ],
            axis=1,
        )

    def _newton_step(self, point: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        """Return the step to subtract; the Jacobian is symmetric."""
        x, y = point.T
        factor, slope = self._radial(x * x + y * y)
        xx = factor + 2 * x * x * slope + 2 * self._p1 * y + 6 * self._p2 * x
        yy = factor + 2 * y * y * slope + 6 * self._p1 * y + 2 * self._p2 * x
        xy = 2 * x * y * slope + 2 * self._p1 * x + 2 * self._p2 * y
        off_x, off_y = (self._distorted(point) - wanted).T
        determinant = xx * yy - xy * xy
        return np.stack(
            [(yy * off_x - xy * off_y) / determinant, (xx * off_y - xy * off_x) / determinant],
            axis=1,
        )


class EquidistantLens:
    """
    Fisheye: the radius on the picture plane is a polynomial of the angle to the axis.

    Works beyond 90°, up to where the polynomial stops rising.

    :param coefficients: k1, k2, k3, k4 of θ (1 + k1 θ² + k2 θ⁴ + k3 θ⁶ + k4 θ⁸).
    """

    def __init__(self, coefficients: tuple[float, ...]) -> None:
        self._curve = np.polynomial.Polynomial([1.0, *coefficients])  # in θ²
        s = np.polynomial.Polynomial([0, 1])
        self._slope = self._curve + 2 * s * self._curve.deriv()
        self._end_rad = _rising_until(lambda angle: self._slope(angle**2), np.pi)
        self._angles = np.linspace(0, self._end_rad, TABLE_SIZE)
        self._radii = self._angles * self._curve(self._angles**2)

    def plane_from_points(self, points_xyz: np.ndarray) -> np.ndarray:
        """Bend by the angle to the axis; see :class:`Lens`."""
        x, y, z = points_xyz.T
        off_axis = np.hypot(x, y)
        angle = np.arctan2(off_axis, z)
        on_axis = off_axis == 0
        scale = angle * self._curve(angle**2) / np.where(on_axis, 1.0, off_axis)
        scale[(angle > self._end_rad) | (on_axis & ~(z > 0))] = np.nan
        return points_xyz[:, :2] * scale[:, None]

    def rays_from_plane(self, plane_xy: np.ndarray) -> np.ndarray:
        """Solve for the angle by Newton's method; see :class:`Lens`."""
        radius = np.hypot(plane_xy[:, 0], plane_xy[:, 1])
        angle = np.interp(radius, self._radii, self._angles)
        with np.errstate(all='ignore'):
            for _ in range(NEWTON_STEPS):
                step = (angle * self._curve(angle**2) - radius) / self._slope(angle**2)
                angle = angle - step
                if not np.nanmax(np.abs(step), initial=0.0) > CONVERGED:
                    break
            residual = np.abs(angle * self._curve(angle**2) - radius)
            angle[~((residual <= RESIDUAL) & (angle <= self._end_rad))] = np.nan
        sideways = plane_xy * (np.sin(angle) / np.where(radius > 0, radius, 1.0))[:, None]
        return np.concatenate([sideways, np.cos(angle)[:, None]], axis=1)


def _unit_rays(plane_xy: np.ndarray) -> np.ndarray:
    """Return (N, 3) directions of unit norm through (N, 2) points of the plane z = 1."""
    length = np.sqrt(1.0 + (plane_xy**2).sum(axis=1, keepdims=True))
    return np.concatenate([plane_xy, np.ones_like(length)], axis=1) / length


def _rising_until(slope: Callable[[np.ndarray], np.ndarray], end: float) -> float:
    """
    Return up to where a slope stays above 0, at most ``end``.

    Looked for on a grid and then halved: the roots of a polynomial whose last coefficients are
    almost zero cannot be computed.
    """
    grid = np.linspace(0, end, TABLE_SIZE)
    falling = np.flatnonzero(~(slope(grid) > 0))
    if len(falling) == 0:
        return float(end)
    low, high = float(grid[max(falling[0] - 1, 0)]), float(grid[falling[0]])
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(np.array(middle)) > 0 else (low, middle)
    return low
