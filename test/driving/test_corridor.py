"""What stands in the corridor, as the different sensors see it."""

import numpy as np
import pytest

from perception_nodes.driving.command import VehicleConfig
from perception_nodes.driving.config import DrivingConfig
from perception_nodes.driving.corridor import CorridorConfig, SweptCorridor
from perception_nodes.driving.obstacles import (
    points_from_boxes,
    points_from_cloud,
    points_from_depth,
    points_from_occupancy,
)
from perception_nodes.driving.reference import arc_path
from perception_nodes.geometry import CameraModel, GroundProjection, PlanarPose, RigidTransform

VEHICLE = VehicleConfig(front_m=0.2, width_m=0.3)
CORRIDOR = SweptCorridor(CorridorConfig(side_margin_m=0.05, corridor_length_m=3.0), VEHICLE)
STRAIGHT = arc_path(0.0, 2.0)
LEFT = arc_path(2.0, 1.2)
CAMERA = CameraModel.pinhole((640, 480), 400.0, 400.0, 319.5, 239.5)
# Optical frame 0.3 m above the floor, looking ahead and 20° down.
MOUNTED = RigidTransform.from_rpy(pitch_rad=np.radians(20), translation_xyz=(0.1, 0.0, 0.3)) @ (
    RigidTransform.from_matrix(np.array([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]]))
)


def ahead(path, *points) -> float:
    return CORRIDOR.look(path, np.array(points).reshape(-1, 2)).ahead_m


def test_nothing_is_in_the_way_of_nothing():
    assert ahead(STRAIGHT) == np.inf


@pytest.mark.parametrize(
    ('point', 'expected'),
    [
        ((1.2, 0.0), 1.0),
        ((1.2, 0.19), 1.0),
        ((1.2, -0.19), 1.0),
        ((1.2, 0.21), np.inf),
        ((0.1, 0.0), 0.0),
        ((-0.5, 0.0), np.inf),
        ((2.8, 0.1), 2.6),
        ((3.4, 0.0), np.inf),
        ((np.nan, 0.0), np.inf),
    ],
    ids=['ahead', 'left edge', 'right edge', 'beside', 'under the nose', 'behind',
         'beyond the line', 'too far', 'no number'],
)  # fmt: skip
def test_distance_from_the_front_along_a_straight_line(point, expected):
    assert ahead(STRAIGHT, point) == pytest.approx(expected, abs=0.03)


def test_nearest_of_many_counts():
    assert ahead(STRAIGHT, (2.0, 0.0), (1.0, 0.1), (0.5, 0.8)) == pytest.approx(0.8, abs=0.03)


@pytest.mark.parametrize(
    ('angle', 'radius', 'inside'),
    [(1.2, 0.5, True), (1.2, 0.68, True), (1.2, 0.8, False), (1.2, 0.32, True), (1.2, 0.2, False)],
    ids=['on the arc', 'where the corner swings', 'outside', 'inner edge', 'inside of the turn'],
)
def test_corridor_bends_with_the_path(angle, radius, inside):
    point = (radius * np.sin(angle), 0.5 - radius * np.cos(angle))
    free = ahead(LEFT, point)
    assert np.isfinite(free) == inside
    if inside:
        assert free == pytest.approx(angle * 0.5 - VEHICLE.front_m, abs=0.06)


@pytest.mark.parametrize(
    ('side_m', 'speed_m_s', 'free'),
    [(0.25, 0.0, True), (0.25, 1.0, False), (0.25, -1.0, False), (0.31, 1.0, True)],
)
def test_fast_robot_keeps_more_room_beside_it(side_m, speed_m_s, free):
    # Half the body, 0.05 m, and 0.1 m for each metre a second.
    look = CORRIDOR.look(STRAIGHT, np.array([(1.2, side_m)]), speed_m_s)
    assert (look.ahead_m == np.inf) is free
    assert (look.beside_m == np.inf) is not free


def test_straight_ahead_of_a_bend_is_not_in_the_way():
    assert ahead(LEFT, (1.2, 0.0)) == np.inf


def test_distance_beside_the_corridor_is_told():
    look = CORRIDOR.look(STRAIGHT, np.array([(1.0, 0.5), (1.5, -0.4)]))
    assert look.beside_m == pytest.approx(0.2, abs=0.01)


@pytest.mark.parametrize('points', [[], [(1.0, 0.0)]], ids=['nothing there', 'something'])
def test_length_of_the_corridor_is_told_from_the_front(points):
    look = CORRIDOR.look(STRAIGHT, np.array(points).reshape(-1, 2))
    assert look.looked_m == pytest.approx(3.0 - VEHICLE.front_m)


def test_corridor_that_ends_at_the_nose_is_refused_where_somebody_looks():
    DrivingConfig(corridor_length_m=0.3)
    with pytest.raises(ValueError, match=r'corridor_length_m: 0.3 must be above'):
        DrivingConfig(corridor_length_m=0.3, obstacle_sources=('depth',))


def test_occupancy_gives_costly_cells_only():
    costs = np.full((20, 40), -1, np.int8)
    costs[:, :30] = 0
    costs[10, 20], costs[5, 5] = 90, 40
    grid = PlanarPose(x_m=0.5, y_m=-0.5)
    points = points_from_occupancy(costs, 0.05, grid, min_cost=65)
    np.testing.assert_allclose(points, [(0.5 + 20.5 * 0.05, -0.5 + 10.5 * 0.05)])


def test_cloud_gives_what_stands_between_two_heights():
    cloud = np.array([(1, 0, 0.0), (1, 1, 0.1), (2, 0, 3.0), (np.nan, 0, 0)], float)
    lifted = RigidTransform(translation_xyz=(0.0, 0.0, 0.02))
    points = points_from_cloud(cloud, lifted, min_height_m=0.05, max_height_m=0.5)
    np.testing.assert_allclose(points, [(1.0, 1.0)])


def test_depth_gives_a_wall_and_not_the_floor():
    height, width = 480, 640
    v, u = np.mgrid[0:height, 0:width]
    rays = CAMERA.rays(np.stack([u.ravel(), v.ravel()], axis=1)) @ MOUNTED.rotation.T
    with np.errstate(divide='ignore'):
        to_floor = np.where(rays[:, 2] < 0, -0.3 / rays[:, 2], np.inf)
        to_wall = np.where(rays[:, 0] > 0, (1.5 - 0.1) / rays[:, 0], np.inf)
    optical = CAMERA.rays(np.stack([u.ravel(), v.ravel()], axis=1))[:, 2]
    depth = (np.minimum(to_floor, to_wall) * optical).reshape(height, width).astype(np.float32)
    limits = {'stride': 8, 'min_height_m': 0.05, 'max_height_m': 0.5, 'max_range_m': 5.0}
    points = points_from_depth(depth, CAMERA, MOUNTED, **limits)
    assert len(points) > 100
    np.testing.assert_allclose(points[:, 0], 1.5, atol=1e-3)
    depth[:] = np.nan
    assert len(points_from_depth(depth, CAMERA, MOUNTED, **limits)) == 0


@pytest.mark.parametrize('place', [(1.0, 0.0), (1.5, 0.3), (2.0, -0.4)])
def test_box_stands_where_its_lower_edge_meets_the_floor(place):
    exact = {'pitch_sigma_rad': 0.0, 'roll_sigma_rad': 0.0, 'height_sigma_m': 0.0}
    ground = GroundProjection(CAMERA, MOUNTED, pixel_sigma=0.0, **exact)
    u, v = ground.to_pixels(np.array([place]))[0] + 0.5
    points = points_from_boxes(np.array([(u - 20, v - 80, u + 20, v)]), ground)
    np.testing.assert_allclose(points.mean(axis=0), place, atol=0.02)
    unsure = GroundProjection(
        CAMERA, MOUNTED, pixel_sigma=2.0, **{**exact, 'pitch_sigma_rad': 0.01}
    )
    nearer = points_from_boxes(np.array([(u - 20, v - 80, u + 20, v)]), unsure)
    assert np.hypot(*nearer.T).max() < np.hypot(*points.T).max()


def test_box_above_the_horizon_stands_nowhere():
    ground = GroundProjection(
        CAMERA, MOUNTED, pitch_sigma_rad=0.0, roll_sigma_rad=0.0, height_sigma_m=0.0,
        pixel_sigma=0.0,
    )  # fmt: skip
    assert points_from_boxes(np.array([(300.0, 0.0, 340.0, 20.0)]), ground).shape == (0, 2)
    assert points_from_boxes(np.zeros((0, 4)), ground).shape == (0, 2)
