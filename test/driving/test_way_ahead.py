"""What stands on the way: along the path, and along the arc that is about to be driven."""

import numpy as np
import pytest

from perception_nodes.driving.prediction import MotionPredictor, MotionSample
from perception_nodes.driving.way_ahead import WayAhead
from perception_nodes.geometry import PlanarPose

MS = 1_000_000


@pytest.fixture
def seen_from(driving_settings, straight_path):
    """Return a function that tells what stands before a robot that drives straight at 0.5 m/s."""

    def look(*points_xy, curvature_1_m=0.0, sources=('depth',)):
        config = driving_settings(obstacle_sources=sources, actuation_delay_s=0.0)
        motion = MotionPredictor(0.0, 3.0)
        sample = MotionSample(stamp_ns=0, pose=PlanarPose(), speed_m_s=0.5, turn_rad_s=0.0)
        motion.add_odometry(sample)
        way = WayAhead(config, motion)
        way.take_estimate(straight_path(), 0)
        way.take_obstacles('depth', np.array(points_xy, float).reshape(-1, 2), 0)
        path, faults = way.path(0)
        around, unplaced = way.around(path, curvature_1_m, 0)
        assert faults == unplaced == []
        return around

    return look


def test_nothing_is_in_the_way_of_a_robot_before_which_nothing_stands(seen_from):
    assert seen_from().ahead_m == np.inf
    assert seen_from().looked_m == pytest.approx(2.5 - 0.22)


def test_where_nobody_looks_nothing_bounds(seen_from):
    around = seen_from((1.0, 0.0), sources=())
    assert around.ahead_m == around.looked_m == np.inf


def test_thing_on_the_path_is_in_the_way(seen_from):
    assert seen_from((1.0, 0.0)).ahead_m == pytest.approx(0.78, abs=0.03)


@pytest.mark.parametrize(
    ('curvature_1_m', 'is_free'), [(2.0, False), (0.0, True), (-2.0, True)],
    ids=['towards it', 'straight', 'away'],
)  # fmt: skip
def test_thing_beside_the_path_is_in_the_way_of_an_arc_that_leads_there(
    seen_from, curvature_1_m, is_free
):
    ahead_m = seen_from((0.4, 0.3), curvature_1_m=curvature_1_m).ahead_m
    assert (ahead_m == np.inf) is is_free
