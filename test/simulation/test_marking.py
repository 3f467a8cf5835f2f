import numpy as np
import pytest

from perception_nodes.simulation import load_course
from perception_nodes.simulation.course import Branch, Course, Segment
from perception_nodes.simulation.course_file import course_files
from perception_nodes.simulation.marking import LANE, TAPE_LEFT, TAPE_RIGHT, course_strips


def tape_length_m(strips):
    tapes = [strip for strip in strips if strip.kind != LANE]
    return sum(np.hypot(*np.diff(strip.left, axis=0).T).sum() for strip in tapes)


def straight(**changes):
    return Course(name='straight', segments=(Segment(length_m=10.0),), **changes)


def test_straight_course_has_a_lane_between_two_tapes():
    lane, left, right = course_strips(straight())
    assert (lane.kind, left.kind, right.kind) == (LANE, TAPE_LEFT, TAPE_RIGHT)
    assert lane.left[:, 1] == pytest.approx(0.25)
    assert left.left[:, 1] == pytest.approx(0.30)
    assert left.right[:, 1] == pytest.approx(0.25)
    assert right.right[:, 1] == pytest.approx(-0.30)


@pytest.mark.parametrize('name', sorted(course_files()))
def test_outlines_run_counter_clockwise(name):
    for strip in course_strips(load_course(name)):
        short = strip.outline if len(strip.left) < 20 else None
        if short is not None:
            x, y = short.T
            assert np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)) > 0


@pytest.mark.parametrize('seed', [0, 1])
@pytest.mark.parametrize('percent', [0, 10, 40, 100])
def test_wear_takes_away_its_share_of_the_tapes(percent, seed):
    left = tape_length_m(course_strips(straight(worn_percent=percent), wear_seed=seed))
    assert left == pytest.approx(20.0 * (1 - percent / 100), abs=20 * 0.03)


def test_another_seed_wears_other_places():
    first, second = (
        {
            tuple(p)
            for s in course_strips(straight(worn_percent=30), wear_seed=seed)
            for p in s.left
        }
        for seed in (1, 2)
    )
    assert len(first - second) > 20


def test_more_wear_takes_away_more_at_the_same_places():
    some = course_strips(straight(), worn_percent=10)
    more = course_strips(straight(), worn_percent=30)
    kept = {tuple(np.round(p, 6)) for s in some for p in s.left}
    assert {tuple(np.round(p, 6)) for s in more for p in s.left} <= kept


def test_crossing_of_the_figure_eight_is_open():
    for strip in course_strips(load_course('figure_eight')):
        if strip.kind != LANE:
            assert np.hypot(*strip.left.T).min() > 0.3


def test_tapes_leave_the_mouths_of_a_junction_open():
    course = Course(
        name='crossroads',
        segments=(Segment(length_m=3.0),),
        branches=(
            Branch(name='left', segments=(Segment(length_m=np.pi / 2, curvature_1_m=1.0),)),
            Branch(name='on', segments=(Segment(length_m=3.0),)),
        ),
        route=('left',),
    )
    strips = course_strips(course)
    assert sum(strip.kind == LANE for strip in strips) == 3
    middle = np.linspace(0, np.pi / 2, 30)
    route = np.column_stack([3 + np.sin(middle), 1 - np.cos(middle)])
    for strip in strips:
        if strip.kind != LANE:
            gap = np.linalg.norm(strip.outline[:, None] - route[None], axis=2)
            assert gap.min() > 0.2
