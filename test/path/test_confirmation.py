"""Free lane along a known path counts as the path; borders and hidden floor do not."""

import numpy as np
import pytest

from perception_nodes.geometry import PlanarPose
from perception_nodes.path import Clothoid, PathConfig, PathEstimator, PathTracker
from perception_nodes.path.confirmation import is_free_lane
from perception_nodes.path.floor_memory import FloorMemory

AHEAD_M = 0.6
PERIOD_NS = 50_000_000
STEP_M = 0.02
LABELS = {0: 'floor', 1: 'lane', 2: 'tape', 3: 'person', 8: 'background'}
FLOOR, LANE, TAPE, PERSON = range(4)


def path(left_m=0.0, bend_1_m=0.0):
    """Return a path that begins under the robot, or beside it, and bends."""
    return Clothoid(lateral_error_m=-left_m, curvature_1_m=bend_1_m).moved(PlanarPose(), AHEAD_M)


def confirms(labels, ground, mask, curve, confidence=None):
    roles = PathEstimator(labels).role_picture(mask, confidence)
    return is_free_lane(roles, ground, curve, 0.6, 0.5)


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


def test_path_out_of_view_is_not_confirmed(labels, ground, paint):
    sharp = Clothoid(heading_error_rad=-2.0).moved(PlanarPose(), AHEAD_M)
    assert not confirms(labels, ground, np.full_like(paint(path()), LANE), sharp)


def drawn(ground, robot_x_m, *, begins_m=1.4, ends_m=3.0):
    """
    Return the mask of a taped lane that leads into a wide crossing, with floor all around.

    :param begins_m: where the crossing begins, as the robot's way is measured.
    """
    x, y = np.moveaxis(ground.lookup()[0], 2, 0)
    x = x + robot_x_m
    with np.errstate(invalid='ignore'):
        inside = (x >= begins_m) & (x < ends_m) & (np.abs(y) < 1.2)
        before = np.where(np.abs(y) < 0.25, LANE, np.where(np.abs(y) < 0.3, TAPE, FLOOR))
    return np.where(inside, LANE, np.where(x < begins_m, before, FLOOR)).astype(np.uint8)


def follow(labels, ground, masks, **config):
    """Return the tracker and what it tells after each mask, the robot driving straight on."""
    tracker, told = PathTracker(labels, PathConfig(**config)), []
    for number, mask in enumerate(masks):
        pose = PlanarPose(x_m=STEP_M * number)
        told.append(tracker.update(mask, None, ground, number * PERIOD_NS, pose))
    return tracker, told


def on_the_way(ground, count, **crossing):
    """Return the masks that the robot sees while it drives."""
    return [drawn(ground, STEP_M * number, **crossing) for number in range(count)]


def test_robot_crosses_where_no_border_of_its_lane_is_in_sight(labels, ground):
    tracker, told = follow(labels, ground, on_the_way(ground, 61))
    assert not tracker.latest.is_valid, tracker.latest
    assert not tracker.is_bridging
    assert min(estimate.confidence for estimate in told[5:]) > 0.5


@pytest.mark.parametrize('value', [LANE, FLOOR])
def test_picture_of_one_class_stops_the_robot_in_a_crossing_too(labels, ground, value):
    blind = [np.full(ground.camera.size_wh[::-1], value, np.uint8)] * 6
    tracker, told = follow(labels, ground, [*on_the_way(ground, 58), *blind])
    assert tracker.is_bridging
    assert told[57].confidence > 0.5
    assert told[-1].confidence < 0.2, 'within 0.3 s'


@pytest.fixture
def memory(ground):
    """Return a memory of what is seen before the crossing, and how to ask for another picture."""
    roles = PathEstimator(LABELS).role_picture
    memory = FloorMemory()
    memory.note(roles(drawn(ground, 0.6), None), ground, PlanarPose(x_m=0.6))
    return lambda mask, x_m, yaw_rad=0.0: memory.recognises(
        roles(mask, None), ground, PlanarPose(x_m=x_m, yaw_rad=yaw_rad)
    )


def test_floor_is_recognised_where_the_motion_puts_it(ground, memory):
    assert memory(drawn(ground, 0.6), 0.6)
    assert memory(drawn(ground, 0.7), 0.7)
    assert not memory(drawn(ground, 0.6), 0.9), 'a picture that stands still'
    assert not memory(drawn(ground, 0.6), 0.6, 0.3), 'a turn that no picture shows'
    assert not memory(np.full_like(drawn(ground, 0.6), LANE), 0.6), 'lane everywhere'


def test_patches_of_a_bad_mask_do_not_hide_the_floor(ground, memory):
    mask = drawn(ground, 0.6)
    rng = np.random.default_rng(2)
    for u, v in rng.integers((10, 90), (300, 220), (12, 2)):
        mask[v : v + 12, u : u + 12] = FLOOR
    assert memory(mask, 0.6)


def test_crossing_is_not_followed_beyond_what_was_known(labels, ground):
    _, told = follow(labels, ground, on_the_way(ground, 200, ends_m=9.0))
    assert not told[-1].is_valid, 'lane everywhere leads nowhere'


def test_between_markings_nothing_is_confirmed(labels, ground):
    marked = on_the_way(ground, 26)
    bare = [np.where(mask == TAPE, FLOOR, mask).astype(np.uint8) for mask in marked[20:]]
    _, told = follow(labels, ground, [*marked[:20], *bare], mode='markings', lane_width_m=0.55)
    assert told[19].confidence > 0.5
    assert told[-1].confidence < 0.2, 'the lane between them is free, and not what is followed'
