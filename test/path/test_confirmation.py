"""Free lane along a known path counts as the path; borders and hidden floor do not."""

import numpy as np
import pytest

from perception_nodes.geometry import PlanarPose
from perception_nodes.path import Clothoid, PathConfig, PathEstimator, PathTracker

AHEAD_M = 0.6
PERIOD_NS = 50_000_000
LANE, FLOOR, PERSON = 1, 0, 3


def path(left_m=0.0, bend_1_m=0.0):
    """Return a path that begins under the robot, or beside it, and bends."""
    return Clothoid(lateral_error_m=-left_m, curvature_1_m=bend_1_m).moved(PlanarPose(), AHEAD_M)


def confirms(labels, ground, mask, curve, confidence=None, **config):
    estimator = PathEstimator(labels, PathConfig(**config))
    return estimator.confirms(mask, confidence, ground, curve, 0.6)


@pytest.mark.parametrize('curve', [path(), path(bend_1_m=1.2), path(0.03)])
def test_lane_all_along_confirms_a_path(labels, ground, paint, curve):
    mask = paint(curve)
    assert confirms(labels, ground, mask, curve)
    assert confirms(labels, ground, np.full_like(mask, LANE), curve), 'inside a crossing'


@pytest.mark.parametrize('left_m', [-0.1, 0.1, 0.5])
def test_path_that_meets_a_border_is_not_confirmed(labels, ground, paint, left_m):
    assert not confirms(labels, ground, paint(path()), path(left_m))


def test_what_hides_the_lane_does_not_confirm_it(labels, ground, paint):
    mask = paint(path())
    unsure = np.full(mask.shape, 40, np.uint8)
    assert not confirms(labels, ground, mask, path(), unsure)
    mask[100:170, 130:190] = PERSON
    assert not confirms(labels, ground, mask, path())


def test_path_out_of_view_and_lines_confirm_nothing(labels, ground, paint):
    everywhere = np.full_like(paint(path()), LANE)
    sharp = Clothoid(heading_error_rad=-2.0).moved(PlanarPose(), AHEAD_M)
    assert not confirms(labels, ground, everywhere, sharp)
    assert not confirms(labels, ground, everywhere, path(), mode='markings')


def follow(labels, ground, masks, speed_m=0.02):
    """Return what is told after each mask, the robot driving straight on."""
    tracker, told = PathTracker(labels), []
    for number, mask in enumerate(masks):
        pose = PlanarPose(x_m=speed_m * number)
        told.append(tracker.update(mask, None, ground, number * PERIOD_NS, pose))
    return tracker, told


def test_robot_crosses_where_no_border_is_in_sight(labels, ground, paint):
    lane = paint(path())
    crossing = np.full_like(lane, LANE)
    tracker, told = follow(labels, ground, [lane] * 20 + [crossing] * 20)
    assert not tracker.latest.is_valid
    assert not tracker.is_bridging
    assert min(estimate.confidence for estimate in told[5:]) > 0.7
    tracker, told = follow(labels, ground, [lane] * 20 + [np.full_like(lane, FLOOR)] * 20)
    assert tracker.is_bridging or not told[-1].is_valid
    assert told[-1].confidence == 0


def test_crossing_is_left_at_the_end_of_what_was_known(labels, ground, paint):
    lane = paint(path())
    _, told = follow(labels, ground, [lane] * 20 + [np.full_like(lane, LANE)] * 200)
    assert told[60].is_valid
    assert not told[-1].is_valid, 'lane everywhere leads nowhere'


def test_vague_picture_leaves_a_certain_path_its_confidence(labels, ground, paint):
    lane = paint(path())
    far_edge = np.full_like(lane, LANE)
    far_edge[:70] = FLOOR
    _, told = follow(labels, ground, [lane] * 20 + [far_edge] * 10)
    assert min(estimate.confidence for estimate in told[20:]) > 0.5
