"""Rotations to quaternions, against the definition of a quaternion's rotation."""

import numpy as np
import pytest

pytest.importorskip('geometry_msgs')

from builtin_interfaces.msg import Time
from hypothesis import assume, given
from hypothesis import strategies as st

from perception_nodes.ros.transforms_conversion import (
    LINK_FROM_OPTICAL,
    quaternion_to_msg,
    transform_to_msg,
    yaw_to_msg,
)

parts = st.floats(-1, 1)


def rotation(x: float, y: float, z: float, w: float) -> np.ndarray:
    """Return the rotation of a unit quaternion by v + 2w(q × v) + 2 q × (q × v)."""
    q = np.array([x, y, z])
    columns = [v + 2 * w * np.cross(q, v) + 2 * np.cross(q, np.cross(q, v)) for v in np.eye(3)]
    return np.stack(columns, axis=1)


@given(parts, parts, parts, parts)
def test_quaternion_turns_as_the_matrix(x, y, z, w):
    norm = np.linalg.norm([x, y, z, w])
    assume(norm > 1e-3)
    wanted = rotation(*(np.array([x, y, z, w]) / norm))
    found = quaternion_to_msg(wanted)
    assert found.w >= 0
    np.testing.assert_allclose(rotation(found.x, found.y, found.z, found.w), wanted, atol=1e-9)


def test_half_turn_has_no_division_by_zero():
    found = quaternion_to_msg(np.diag([1.0, -1.0, -1.0]))
    assert (abs(found.x), found.y, found.z, found.w) == pytest.approx((1, 0, 0, 0))


def test_yaw_is_a_turn_about_z():
    found = yaw_to_msg(np.pi / 2)
    np.testing.assert_allclose(
        rotation(found.x, found.y, found.z, found.w) @ [1, 0, 0], [0, 1, 0], atol=1e-12
    )


def test_optical_axis_points_along_the_camera_link():
    np.testing.assert_array_equal(LINK_FROM_OPTICAL[:3, :3] @ [0, 0, 1], [1, 0, 0])
    message = transform_to_msg(LINK_FROM_OPTICAL, 'camera_link', 'optical', Time(sec=3))
    assert (message.header.frame_id, message.child_frame_id) == ('camera_link', 'optical')
    assert message.header.stamp.sec == 3
