import numpy as np
import pytest

from perception_nodes.geometry import PlanarPose
from perception_nodes.path import Clothoid

STRAIGHT = Clothoid()
LEFT_OF_STRAIGHT = Clothoid(lateral_error_m=0.1, heading_error_rad=0.2)
ARC = Clothoid(curvature_1_m=1 / 0.5)
WINDING = Clothoid(
    look_ahead_m=0.6, lateral_error_m=-0.2, heading_error_rad=0.3, curvature_1_m=0.4,
    curvature_rate_1_m2=-0.5,
)  # fmt: skip
CURVES = {'straight': STRAIGHT, 'beside': LEFT_OF_STRAIGHT, 'arc': ARC, 'winding': WINDING}


def test_robot_left_of_the_path_has_a_positive_lateral_error():
    samples = Clothoid(lateral_error_m=0.1).sampled(0.0, 1.0, 0.1)
    assert np.allclose(samples.xy[:, 1], -0.1)


def test_robot_turned_counter_clockwise_has_a_positive_heading_error():
    samples = Clothoid(heading_error_rad=0.2).sampled(0.0, 1.0, 0.1)
    assert np.allclose(samples.xy[-1], (np.cos(0.2), -np.sin(0.2)))


def test_positive_curvature_bends_left():
    samples = ARC.sampled(0.0, 0.25 * np.pi, 0.01)
    assert np.allclose(samples.xy[-1], (0.5, 0.5), atol=1e-4)
    assert samples.heading_rad[-1] == pytest.approx(np.pi / 2)


def test_samples_reach_back_before_the_foot():
    samples = WINDING.sampled(-0.3, 1.0, 0.05)
    assert samples.arc_m[0] == pytest.approx(-0.3)
    assert samples.arc_m[-1] == pytest.approx(1.0)
    assert np.allclose(samples.xy[samples.foot], WINDING.foot_xy)
    assert np.allclose(samples.xy[0], WINDING.point_at(-0.3), atol=1e-4)


@pytest.mark.parametrize('name', CURVES)
def test_offsets_of_points_beside_the_curve_are_found_again(name):
    samples = CURVES[name].sampled(-0.2, 1.5, 0.04)
    rng = np.random.default_rng(3)
    arcs, left = rng.uniform(0.0, 1.4, 50), rng.uniform(-0.2, 0.2, 50)
    heading = CURVES[name].headings(arcs)
    points = np.array([CURVES[name].point_at(arc) for arc in arcs])
    points += left[:, None] * np.stack([-np.sin(heading), np.cos(heading)], axis=1)
    assert np.allclose(samples.offsets(points, samples.nearest(points))[1], left, atol=3e-4)


@pytest.mark.parametrize('name', CURVES)
def test_shifts_are_the_derivatives_of_offsets(name):
    curve = CURVES[name]
    samples = curve.sampled(-0.2, 1.5, 0.01)
    points = samples.xy[20:-20:10]
    for column in range(4):
        step = np.zeros(4)
        step[column] = 1e-4
        changed = Clothoid.from_state(curve.state + step, curve.look_ahead_m)
        changed = changed.sampled(-0.2, 1.5, 0.01)
        left = changed.offsets(points, changed.nearest(points))[1]
        assert np.allclose(-left / 1e-4, samples.shifts()[20:-20:10, column], atol=5e-3)


@pytest.mark.parametrize('name', CURVES)
def test_moved_robot_sees_the_same_curve(name):
    curve = CURVES[name]
    step = PlanarPose(x_m=0.3, y_m=-0.1, yaw_rad=0.2)
    moved = curve.moved(step, curve.look_ahead_m)
    back = moved.moved(step.inverse(), curve.look_ahead_m)
    assert np.allclose(back.state, curve.state, atol=1e-4)


def test_driving_along_a_straight_path_keeps_the_lateral_error():
    moved = Clothoid(lateral_error_m=0.1).moved(PlanarPose(x_m=2.0), 0.0)
    assert np.allclose(moved.state, (0.1, 0, 0, 0))


def test_driving_into_a_bend_changes_errors_as_geometry_says():
    moved = ARC.moved(PlanarPose(x_m=0.3), 0.0)
    away = np.hypot(0.3, 0.5)  # from the centre of the circle
    assert moved.lateral_error_m == pytest.approx(-(away - 0.5), abs=1e-4)
    assert moved.heading_error_rad == pytest.approx(-np.arctan2(0.3, 0.5), abs=1e-4)


@pytest.mark.parametrize(
    ('curve', 'arc_m'),
    [
        (STRAIGHT, 6.0),
        (ARC, 1.5 * np.pi * 0.5),
        (Clothoid(curvature_1_m=-1 / 0.5), 1.5 * np.pi * 0.5),
        (WINDING, 5.2147),  # bends left by 0.16 rad first, then right
    ],
)
def test_curve_is_followed_until_it_comes_back_to_itself(curve, arc_m):
    assert curve.before_loop(6.0) == pytest.approx(arc_m, abs=1e-3)
    assert curve.before_loop(0.5) == 0.5
