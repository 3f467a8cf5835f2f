"""Poses: products, inverses, angles and interpolation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perception_nodes.geometry import RigidTransform

angles = st.floats(-np.pi, np.pi)
metres = st.floats(-50, 50)
transforms = st.builds(
    lambda r, p, y, *t: RigidTransform.from_rpy(r, p, y, t),
    angles, angles, angles, metres, metres, metres,
)  # fmt: skip
fuzzed = settings(max_examples=60, deadline=None, derandomize=True)


def close(left, right):
    return np.allclose(left.matrix, right.matrix, atol=1e-9)


@fuzzed
@given(transforms)
def test_inverse_undoes(a_from_b):
    assert close(a_from_b @ a_from_b.inverse(), RigidTransform())
    assert close(a_from_b.inverse() @ a_from_b, RigidTransform())


@fuzzed
@given(transforms, transforms)
def test_product_is_the_product_of_matrices(a_from_b, b_from_c):
    assert np.allclose((a_from_b @ b_from_c).matrix, a_from_b.matrix @ b_from_c.matrix, atol=1e-9)


@fuzzed
@given(transforms)
def test_matrix_round_trip(transform):
    assert close(RigidTransform.from_matrix(transform.matrix), transform)


@fuzzed
@given(transforms)
def test_angles_round_trip(transform):
    roll, pitch, yaw = transform.rpy
    again = RigidTransform.from_rpy(roll, pitch, yaw, transform.translation_xyz)
    assert np.allclose(again.matrix, transform.matrix, atol=1e-6)  # 1e-9 but near the poles


@fuzzed
@given(transforms, st.lists(st.tuples(metres, metres, metres), min_size=1, max_size=5))
def test_apply_is_the_homogeneous_product(transform, points):
    homogeneous = np.c_[points, np.ones(len(points))] @ transform.matrix.T
    assert np.allclose(transform.apply(np.array(points)), homogeneous[:, :3])


def test_no_points_stay_no_points():
    assert RigidTransform().apply(np.empty((0, 3))).shape == (0, 3)


@pytest.mark.parametrize('pitch', [np.pi / 2, -np.pi / 2])
def test_gimbal_lock_keeps_the_rotation(pitch):
    locked = RigidTransform.from_rpy(0.3, pitch, 1.1)
    assert np.allclose(RigidTransform.from_rpy(*locked.rpy).matrix, locked.matrix, atol=1e-7)


def test_fixed_axes_in_the_order_of_rep_103():
    roll, pitch, yaw = 0.1, -0.2, 0.3
    (sr, sp, sy), (cr, cp, cy) = (f([roll, pitch, yaw]) for f in (np.sin, np.cos))
    about_x = np.array([[1, 0, 0], [0, cr, -sr], [0, sr, cr]])
    about_y = np.array([[cp, 0, sp], [0, 1, 0], [-sp, 0, cp]])
    about_z = np.array([[cy, -sy, 0], [sy, cy, 0], [0, 0, 1]])
    transform = RigidTransform.from_rpy(roll, pitch, yaw)
    assert np.allclose(transform.rotation, about_z @ about_y @ about_x)


def test_positive_pitch_looks_down():
    assert RigidTransform.from_rpy(pitch_rad=0.1).apply(np.array([[1, 0, 0]]))[0, 2] < 0


def test_half_way_is_half_the_turn():
    start = RigidTransform.from_rpy(yaw_rad=0.2, translation_xyz=(0, 0, 0))
    end = RigidTransform.from_rpy(yaw_rad=1.2, translation_xyz=(2, 4, 6))
    middle = start.interpolated(end, 0.25)
    assert middle.rpy == pytest.approx((0, 0, 0.45))
    assert middle.translation_xyz == pytest.approx((0.5, 1, 1.5))


def test_interpolation_takes_the_short_way_round():
    start = RigidTransform.from_rpy(yaw_rad=np.radians(170))
    end = RigidTransform.from_rpy(yaw_rad=np.radians(-170))
    yaw = start.interpolated(end, 0.5).rpy[2]
    assert abs(yaw) == pytest.approx(np.pi)


@fuzzed
@given(transforms, transforms)
def test_interpolation_begins_and_ends_at_its_ends(start, end):
    assert close(start.interpolated(end, 0.0), start)
    assert close(start.interpolated(end, 1.0), end)


def test_tiny_turn_is_interpolated_too():
    end = RigidTransform.from_rpy(yaw_rad=1e-6)
    assert RigidTransform().interpolated(end, 0.5).rpy[2] == pytest.approx(5e-7)


def test_small_error_of_the_norm_is_corrected():
    assert np.linalg.norm(RigidTransform((0, 0, 0, 1.005)).rotation_xyzw) == pytest.approx(1)


def test_opposite_quaternion_is_the_same_transform():
    assert RigidTransform((0, 0, -0.6, -0.8)) == RigidTransform((0, 0, 0.6, 0.8))


@pytest.mark.parametrize('bad', [(0, 0, 0, 0), (0, 0, 0, 2), (np.nan, 0, 0, 1), (0, 0, 1)])
def test_bad_quaternion_is_refused(bad):
    with pytest.raises(ValueError, match='rotation_xyzw'):
        RigidTransform(bad)


@pytest.mark.parametrize('bad', [np.eye(2), np.diag([1, 1, -1]), 2 * np.eye(3)])
def test_matrix_that_is_no_rotation_is_refused(bad):
    with pytest.raises(ValueError, match='matrix'):
        RigidTransform.from_matrix(bad)
