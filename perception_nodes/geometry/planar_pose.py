"""Poses of robots on a floor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True)
class PlanarPose:
    """
    A pose on the floor: x forward, y left at yaw 0, in metres and rad.

    Products read ``a_from_b @ b_from_c``.
    """

    x_m: float = 0.0
    y_m: float = 0.0
    yaw_rad: float = 0.0

    def __matmul__(self, other: PlanarPose) -> PlanarPose:
        """Return this pose followed by one in its frame."""
        c, s = np.cos(self.yaw_rad), np.sin(self.yaw_rad)
        return PlanarPose(
            x_m=float(self.x_m + c * other.x_m - s * other.y_m),
            y_m=float(self.y_m + s * other.x_m + c * other.y_m),
            yaw_rad=self.yaw_rad + other.yaw_rad,
        )

    def inverse(self) -> PlanarPose:
        """Return the pose of the parent frame in this one."""
        c, s = np.cos(self.yaw_rad), np.sin(self.yaw_rad)
        return PlanarPose(
            x_m=float(-c * self.x_m - s * self.y_m),
            y_m=float(s * self.x_m - c * self.y_m),
            yaw_rad=-self.yaw_rad,
        )

    def apply(self, points_xy: np.ndarray) -> np.ndarray:
        """
        Return points of this frame in the parent frame.

        :param points_xy: (..., 2) metres, of any float type, which is kept.
        """
        c, s = np.cos(self.yaw_rad), np.sin(self.yaw_rad)
        turn = np.array([[c, s], [-s, c]], points_xy.dtype)
        return points_xy @ turn + np.array([self.x_m, self.y_m], points_xy.dtype)

    @property
    def matrix(self) -> np.ndarray:
        """(4, 4) float64 transform, parent from this frame."""
        c, s = np.cos(self.yaw_rad), np.sin(self.yaw_rad)
        return np.array(
            [[c, -s, 0, self.x_m], [s, c, 0, self.y_m], [0, 0, 1, 0], [0, 0, 0, 1]], np.float64
        )


class WrongTransformError(ValueError):
    """A matrix that is no pose of a robot on a floor."""


def planar_pose_from_matrix(matrix: np.ndarray, max_tilt_deg: float = 90.0) -> PlanarPose:
    """
    Return the pose on the floor of a rigid transform.

    :param matrix: (4, 4) odom from base_link.
    :raises WrongTransformError: shape, NaN, not a rotation, or tilted too far.
    """
    matrix = np.asarray(matrix, np.float64)
    if matrix.shape != (4, 4) or not np.isfinite(matrix).all():
        raise WrongTransformError(f'expected a finite 4×4 transform, got {matrix.tolist()}')
    rotation = matrix[:3, :3]
    is_rotation = np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-3)
    if not (is_rotation and np.linalg.det(rotation) > 0 and np.allclose(matrix[3], (0, 0, 0, 1))):
        raise WrongTransformError(f'not a rigid transform: {matrix.tolist()}')
    tilt_deg = float(np.degrees(np.arccos(np.clip(rotation[2, 2], -1, 1))))
    if tilt_deg > max_tilt_deg:
        raise WrongTransformError(
            f'base_link is tilted by {tilt_deg:.1f}°, allowed {max_tilt_deg:.1f}° (max_tilt_deg): '
            'is the transform the right way round, odom from base_link?'
        )
    return PlanarPose(
        x_m=float(matrix[0, 3]),
        y_m=float(matrix[1, 3]),
        yaw_rad=float(np.arctan2(rotation[1, 0], rotation[0, 0])),
    )
