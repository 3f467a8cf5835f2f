import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perception_nodes.simulation import Course, CourseError, CoursePath, load_course, parse_course
from perception_nodes.simulation.course import Segment


def quarter_turn(**changes):
    segments = (Segment(length_m=2.0), Segment(length_m=np.pi / 2, curvature_1_m=1.0))
    return CoursePath(Course(name='quarter', segments=segments, **changes))


def test_pose_after_straight_and_left_arc():
    path = quarter_turn()
    end = path.pose_at(path.length_m)
    assert path.length_m == pytest.approx(2 + np.pi / 2)
    assert (end.x_m, end.y_m, end.yaw_rad) == pytest.approx((3.0, 1.0, np.pi / 2))


def test_pose_in_the_middle_of_an_arc():
    pose = quarter_turn().pose_at(2 + np.pi / 4)
    assert pose.x_m == pytest.approx(2 + np.sin(np.pi / 4))
    assert pose.y_m == pytest.approx(1 - np.cos(np.pi / 4))


def test_open_path_ends_at_its_ends():
    path = quarter_turn()
    assert path.pose_at(-1.0) == path.pose_at(0.0)
    assert path.pose_at(99.0) == path.pose_at(path.length_m)


@pytest.mark.parametrize('name', ['figure_eight', 's_curve'])
def test_shipped_courses_load(name):
    path = CoursePath(load_course(name))
    steps = np.hypot(*np.diff(path.samples_xy, axis=0).T)
    assert steps.max() < 0.06
    assert path.length_m == pytest.approx(steps.sum(), rel=1e-3)
    if path.course.closed:
        first, last = path.samples_xy[0], path.samples_xy[-1]
        assert np.hypot(*(first - last)) < 1e-6


def test_offset_line_lies_beside_the_path():
    path = CoursePath(load_course('s_curve'))
    gap = np.hypot(*(path.offset_line(0.25) - path.samples_xy).T)
    assert gap == pytest.approx(0.25)
    assert path.offset_line(0.25)[0] == pytest.approx([0.0, 0.25])


def test_nearest_place_near_a_crossing_depends_on_where_one_was():
    path = CoursePath(load_course('figure_eight'))
    crossing = path.length_m / 2
    assert path.nearest_s_m(0.0, 0.0, crossing - 0.3) == pytest.approx(crossing, abs=0.06)


@pytest.mark.parametrize(
    ('text', 'words'),
    [
        ('', 'needs a list'),
        ('segments: []', 'no segments'),
        ('segments: [{loop: {}}]', 'allowed: straight, arc'),
        ('segments: [{straight: {length_m: -1}}]', 'must be finite and > 0'),
        ('segments: [{straight: {}}]', 'length_m must be a number'),
        ('segments: [{arc: {radius_m: 0, angle_deg: 90}}]', 'radius_m must be > 0'),
        ('segments: [{straight: {length_m: .nan}}]', 'must be finite'),
        ('segments: [{straight: {length_m: 1}}]\nlane_width_m: 0', 'lane_width_m must be > 0'),
        ('segments: [{straight: {length_m: 1}}]\nstart: 3', 'start must be a mapping'),
        ('segments: [', 'not YAML'),
    ],
)
def test_broken_course_says_what_is_wrong(text, words):
    with pytest.raises(CourseError, match=words):
        parse_course(text, 'broken')


def test_unknown_course_lists_the_known_ones():
    with pytest.raises(CourseError, match=r'figure_eight.*s_curve'):
        load_course('maze')


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=120))
def test_any_text_is_a_course_or_a_course_error(text):
    try:
        parse_course(text, 'fuzz')
    except CourseError:
        return
    pytest.fail('random text became a course')


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(0.1, 8), st.floats(-1, 1)).map(
            lambda pair: Segment(length_m=pair[0], curvature_1_m=pair[1])
        ),
        min_size=1,
        max_size=6,
    ),
    st.floats(0, 1),
)
def test_distance_between_poses_never_exceeds_the_arc_length(segments, share):
    path = CoursePath(Course(name='random', segments=tuple(segments)))
    s_m = share * path.length_m
    pose, begin = path.pose_at(s_m), path.pose_at(0.0)
    assert np.hypot(pose.x_m - begin.x_m, pose.y_m - begin.y_m) <= s_m + 1e-6
