"""Paths in the frame of the robot, and the two controllers on them."""

import numpy as np
import pytest

from perception_nodes.driving.command import VehicleConfig
from perception_nodes.driving.controllers import CONTROLLERS, SteeringConfig
from perception_nodes.driving.reference import ReferencePath, arc_path, transformed
from perception_nodes.geometry import PlanarPose

controllers = pytest.mark.parametrize('name', CONTROLLERS)


def circle(curvature: float, start_m: float = 0.4, end_m: float = 2.0) -> np.ndarray:
    """Return points of a circle that begins at the origin along x."""
    arc = np.linspace(start_m, end_m, 40)
    return np.stack([np.sin(arc * curvature), 1 - np.cos(arc * curvature)], axis=1) / curvature


def straight(lateral_m: float = 0.0) -> ReferencePath:
    """Return a straight path that lies to one side of the robot."""
    return ReferencePath.from_points(np.array([(0.4, lateral_m), (3.0, lateral_m)]))


@pytest.mark.parametrize(
    'points',
    [np.zeros((0, 2)), np.zeros((2, 2)), [(0.0, 0.0), (0.0, 0.01)], [(0.0, 0.0), (np.nan, 1.0)]],
    ids=['none', 'one place', 'too short', 'not a number'],
)
def test_what_is_no_path_is_refused(points):
    with pytest.raises(ValueError, match='a path needs'):
        ReferencePath.from_points(np.asarray(points))


@pytest.mark.parametrize('curvature', [-2.0, -0.5, 0.5, 2.0])
def test_path_that_begins_ahead_is_carried_on_to_the_robot(curvature):
    path = ReferencePath.from_points(circle(curvature))
    foot = path.foot()
    assert abs(foot.lateral_m) < 0.01
    assert foot.heading_rad == pytest.approx(0.0, abs=0.05)
    assert path.curvature_1_m[5:-5] == pytest.approx(curvature, rel=0.05)


@pytest.mark.parametrize('lateral', [-0.2, 0.0, 0.1])
def test_foot_tells_on_which_side_the_robot_is(lateral):
    assert straight(-lateral).foot().lateral_m == pytest.approx(lateral)


def test_points_move_with_the_frame():
    pose = PlanarPose(x_m=1.0, y_m=-0.5, yaw_rad=0.7)
    points = np.array([(0.3, 0.2), (2.0, -1.0)])
    expected = (pose.matrix[:2, :2] @ points.T).T + pose.matrix[:2, 3]
    np.testing.assert_allclose(transformed(points, pose), expected)
    np.testing.assert_allclose(transformed(transformed(points, pose), pose.inverse()), points)


@pytest.mark.parametrize('curvature', [0.0, 1.0, -2.0])
def test_arc_has_its_curvature_and_length(curvature):
    path = arc_path(curvature, 1.0)
    assert path.length_m == pytest.approx(1.0)
    assert path.curvature_1_m == pytest.approx(curvature, abs=0.02)


@controllers
def test_on_a_straight_path_it_drives_straight(name):
    controller = CONTROLLERS[name](SteeringConfig(), VehicleConfig())
    assert controller.command(straight(), 0.5) == pytest.approx(0.0)


@controllers
@pytest.mark.parametrize('lateral', [-0.1, 0.1])
def test_beside_the_path_it_steers_back(name, lateral):
    controller = CONTROLLERS[name](SteeringConfig(), VehicleConfig())
    assert np.sign(controller.command(straight(-lateral), 0.5)) == -np.sign(lateral)


@controllers
@pytest.mark.parametrize('curvature', [-2.0, -0.7, 0.7, 2.0])
def test_on_a_circle_it_drives_the_circle(name, curvature):
    controller = CONTROLLERS[name](SteeringConfig(), VehicleConfig(wheelbase_m=0.1))
    path = ReferencePath.from_points(circle(curvature))
    # Stanley steers by the front axle, which is outside the circle of the driven one.
    tolerance = 0.2 if name == 'stanley' else 0.08
    assert controller.command(path, 0.4) == pytest.approx(curvature, rel=tolerance)


def test_pure_pursuit_looks_farther_at_higher_speed():
    controller = CONTROLLERS['pure_pursuit'](SteeringConfig(), VehicleConfig())
    slow, fast = (controller.command(straight(0.1), speed) for speed in (0.3, 1.2))
    assert slow > 4 * fast > 0


def test_stanley_is_gentler_at_higher_speed():
    controller = CONTROLLERS['stanley'](SteeringConfig(), VehicleConfig())
    slow, fast = (controller.command(straight(0.1), speed) for speed in (0.3, 1.2))
    assert slow > 1.5 * fast > 0


def test_short_path_is_steered_to_its_end():
    short = ReferencePath.from_points(np.array([(0.1, 0.0), (0.2, 0.05)]))
    controller = CONTROLLERS['pure_pursuit'](SteeringConfig(lookahead_min_m=0.5), VehicleConfig())
    x, y = short.points_xy[-1]
    assert controller.command(short, 0.5) == pytest.approx(2 * y / (x * x + y * y))


def test_lookahead_limits_the_wrong_way_round_are_refused():
    with pytest.raises(ValueError, match='lookahead_min_m'):
        SteeringConfig(lookahead_min_m=2.0, lookahead_max_m=1.0)
