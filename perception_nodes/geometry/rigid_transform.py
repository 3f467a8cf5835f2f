"""Rotation and translation between two frames."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

NORM_TOLERANCE = 0.01
"""How far from 1 the norm of a quaternion may be; tf2 refuses more than this, too."""
PARALLEL = 0.9995
"""Cosine between quaternions above which slerp divides by almost nothing; lerp is exact there."""
ORTHONORMAL_TOLERANCE = 1e-3


@dataclass(frozen=True)
class RigidTransform:
    """
    The pose of a source frame in a target frame; name variables ``target_from_source``.

    Products read ``a_from_c = a_from_b @ b_from_c``. Numbers are kept in tuples, so that equal
    transforms are equal and may be keys of caches; q and −q are the same rotation and are both
    kept with w ≥ 0.

    :param rotation_xyzw: unit quaternion x, y, z, w; small errors of the norm are corrected.
    :param translation_xyz: origin of the source frame in the target frame, metres.
    :raises ValueError: for numbers that are not finite or a norm that is far from 1.
    """

    rotation_xyzw: tuple[float, ...] = (0.0, 0.0, 0.0, 1.0)
    translation_xyz: tuple[float, ...] = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        """Normalise the quaternion and refuse values outside the contract."""
        quaternion = _finite('rotation_xyzw', self.rotation_xyzw, 4)
        translation = _finite('translation_xyz', self.translation_xyz, 3)
        norm = float(np.linalg.norm(quaternion))
        if abs(norm - 1) > NORM_TOLERANCE:
            raise ValueError(
                f'rotation_xyzw must be a unit quaternion, got {tuple(self.rotation_xyzw)} with '
                f'norm {norm:.4g}; the identity is (0, 0, 0, 1)'
            )
        quaternion /= -norm if quaternion[3] < 0 else norm
        object.__setattr__(self, 'rotation_xyzw', tuple(quaternion.tolist()))
        object.__setattr__(self, 'translation_xyz', tuple(translation.tolist()))

    @classmethod
    def from_matrix(cls, target_from_source: np.ndarray) -> RigidTransform:
        """
        Return the transform of a (4, 4) matrix or of a (3, 3) rotation.

        The quaternion is the eigenvector of Bar-Itzhack's symmetric matrix, which needs no case
        distinction (Journal of Guidance, Control, and Dynamics 23/6, 2000).

        :raises ValueError: when the rotation is not orthonormal with determinant 1.
        """
        matrix = np.asarray(target_from_source, dtype=np.float64)
        if matrix.shape not in ((3, 3), (4, 4)):
            raise ValueError(f'matrix must be (4, 4) or (3, 3), got {matrix.shape}')
        rotation = matrix[:3, :3]
        error = np.abs(rotation @ rotation.T - np.eye(3)).max()
        if not (error <= ORTHONORMAL_TOLERANCE and np.linalg.det(rotation) > 0):
            raise ValueError(f'matrix does not hold a rotation: {rotation.tolist()}')
        translation = matrix[:3, 3] if len(matrix) == 4 else np.zeros(3)
        return cls(_quaternion(rotation), tuple(translation.tolist()))

    @classmethod
    def from_rpy(
        cls,
        roll_rad: float = 0.0,
        pitch_rad: float = 0.0,
        yaw_rad: float = 0.0,
        translation_xyz: Sequence[float] = (0.0, 0.0, 0.0),
    ) -> RigidTransform:
        """
        Return Rz(yaw) Ry(pitch) Rx(roll): fixed axes x, y, z as REP-103 and URDF have it.

        Positive pitch turns the x axis down.
        """
        turns = [_turn(2, yaw_rad), _turn(1, pitch_rad), _turn(0, roll_rad)]
        rotation = functools.reduce(RigidTransform.__matmul__, turns)
        return cls(rotation.rotation_xyzw, tuple(translation_xyz))

    @property
    def rotation(self) -> np.ndarray:
        """(3, 3) float64 rotation matrix."""
        x, y, z, w = self.rotation_xyzw
        return np.array(
            [
                [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
                [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
                [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
            ]
        )

    @property
    def translation(self) -> np.ndarray:
        """(3,) float64 metres."""
        return np.array(self.translation_xyz)

    @property
    def matrix(self) -> np.ndarray:
        """(4, 4) float64 homogeneous matrix."""
        matrix = np.eye(4)
        matrix[:3, :3] = self.rotation
        matrix[:3, 3] = self.translation_xyz
        return matrix

    @property
    def rpy(self) -> tuple[float, float, float]:
        """
        Roll, pitch and yaw in radians, pitch within ±π/2; see :meth:`from_rpy`.

        At a pitch of ±π/2 only yaw ∓ roll is determined: roll is 0 there.
        """
        matrix = self.rotation
        pitch = float(np.arcsin(np.clip(-matrix[2, 0], -1.0, 1.0)))
        if abs(matrix[2, 0]) > 1 - 1e-12:
            return 0.0, pitch, float(np.arctan2(-matrix[0, 1], matrix[1, 1]))
        roll = float(np.arctan2(matrix[2, 1], matrix[2, 2]))
        return roll, pitch, float(np.arctan2(matrix[1, 0], matrix[0, 0]))

    def __matmul__(self, other: RigidTransform) -> RigidTransform:
        """Return ``a_from_c`` for ``a_from_b @ b_from_c``."""
        ax, ay, az, aw = self.rotation_xyzw
        bx, by, bz, bw = other.rotation_xyzw
        quaternion = (
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
            aw * bw - ax * bx - ay * by - az * bz,
        )
        translation = self.rotation @ other.translation + self.translation
        return RigidTransform(quaternion, tuple(translation.tolist()))

    def inverse(self) -> RigidTransform:
        """Return ``source_from_target``."""
        x, y, z, w = self.rotation_xyzw
        translation = -self.rotation.T @ self.translation
        return RigidTransform((-x, -y, -z, w), tuple(translation.tolist()))

    def apply(self, points_xyz: np.ndarray) -> np.ndarray:
        """
        Return points of the source frame in the target frame.

        :param points_xyz: (N, 3) metres.
        :returns: (N, 3) float64 metres.
        """
        return np.asarray(points_xyz, dtype=np.float64) @ self.rotation.T + self.translation

    def interpolated(self, later: RigidTransform, fraction: float) -> RigidTransform:
        """
        Return the pose part of the way to another one: slerp, and a straight line.

        :param later: of the same frames.
        :param fraction: 0 gives this transform, 1 the later one.
        """
        start, end = np.array(self.rotation_xyzw), np.array(later.rotation_xyzw)
        cosine = float(start @ end)
        if cosine < 0:  # the shorter way round
            end, cosine = -end, -cosine
        weights = _slerp_weights(cosine, fraction)
        quaternion = weights[0] * start + weights[1] * end
        quaternion /= np.linalg.norm(quaternion)
        translation = (1 - fraction) * self.translation + fraction * later.translation
        return RigidTransform(tuple(quaternion.tolist()), tuple(translation.tolist()))


def _finite(name: str, values: Sequence[float], count: int) -> np.ndarray:
    numbers = np.array(values, dtype=np.float64)
    if numbers.shape != (count,) or not np.isfinite(numbers).all():
        raise ValueError(f'{name} needs {count} finite numbers, got {values!r}')
    return numbers


def _turn(axis: int, angle_rad: float) -> RigidTransform:
    """Return the turn about one axis."""
    quaternion = [0.0, 0.0, 0.0, float(np.cos(angle_rad / 2))]
    quaternion[axis] = float(np.sin(angle_rad / 2))
    return RigidTransform(tuple(quaternion))


def _slerp_weights(cosine: float, fraction: float) -> tuple[float, float]:
    if cosine > PARALLEL:
        return 1 - fraction, fraction
    angle = float(np.arccos(cosine))
    sine = float(np.sin(angle))
    return float(np.sin((1 - fraction) * angle)) / sine, float(np.sin(fraction * angle)) / sine


def _quaternion(rotation: np.ndarray) -> tuple[float, ...]:
    (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = rotation.tolist()
    symmetric = np.array(
        [
            [xx - yy - zz, yx + xy, zx + xz, zy - yz],
            [yx + xy, yy - xx - zz, zy + yz, xz - zx],
            [zx + xz, zy + yz, zz - xx - yy, yx - xy],
            [zy - yz, xz - zx, yx - xy, xx + yy + zz],
        ]
    )
    return tuple(np.linalg.eigh(symmetric)[1][:, -1].tolist())
