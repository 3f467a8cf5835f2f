"""Rigid transforms to messages."""

from __future__ import annotations

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Quaternion, TransformStamped

# The optical frame (x right, y down, z forward) in the camera's body frame (x forward, y left,
# z up), REP-103.
LINK_FROM_OPTICAL = np.array(
    [[0, 0, 1, 0], [-1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1]], dtype=np.float64
)


def transform_to_msg(
    parent_from_child: np.ndarray, parent: str, child: str, stamp: Time
) -> TransformStamped:
    """
    Return the message for a rigid transform.

    :param parent_from_child: (4, 4) float64, metres.
    """
    message = TransformStamped(child_frame_id=child)
    message.header.frame_id = parent
    message.header.stamp = stamp
    translation = message.transform.translation
    translation.x, translation.y, translation.z = parent_from_child[:3, 3].tolist()
    message.transform.rotation = quaternion_to_msg(parent_from_child[:3, :3])
    return message


def quaternion_to_msg(rotation: np.ndarray) -> Quaternion:
    """
    Return the unit quaternion of a rotation, with w ≥ 0.

    The eigenvector of Bar-Itzhack's symmetric matrix needs no case distinction (Journal of
    Guidance, Control, and Dynamics 23/6, 2000).

    :param rotation: (3, 3) float64, orthonormal with determinant 1.
    """
    (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = rotation.tolist()
    symmetric = np.array(
        [
            [xx - yy - zz, yx + xy, zx + xz, zy - yz],
            [yx + xy, yy - xx - zz, zy + yz, xz - zx],
            [zx + xz, zy + yz, zz - xx - yy, yx - xy],
            [zy - yz, xz - zx, yx - xy, xx + yy + zz],
        ]
    )
    x, y, z, w = np.linalg.eigh(symmetric)[1][:, -1].tolist()
    sign = 1.0 if w >= 0 else -1.0
    return Quaternion(x=sign * x, y=sign * y, z=sign * z, w=sign * w)


def yaw_to_msg(yaw_rad: float) -> Quaternion:
    """Return the quaternion of a turn about z."""
    return Quaternion(x=0.0, y=0.0, z=float(np.sin(yaw_rad / 2)), w=float(np.cos(yaw_rad / 2)))
