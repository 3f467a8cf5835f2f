import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perception_nodes.simulation import Course, CourseError, CoursePath, load_course, parse_course
from perception_nodes.simulation.course import Branch, Segment
from perception_nodes.simulation.course_file import course_files
from perception_nodes.simulation.course_path import course_lines


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


@pytest.mark.parametrize('name', sorted(course_files()))
def test_shipped_courses_load(name):
    path = CoursePath(load_course(name))
    steps = np.hypot(*np.diff(path.samples_xy, axis=0).T)
    assert steps.max() < 0.06
    assert path.length_m == pytest.approx(steps.sum(), rel=1e-3)
    if path.course.closed:
        first, last = path.samples_xy[0], path.samples_xy[-1]
        assert np.hypot(*(first - last)) < 1e-6
    assert path.course.lane_width_m == 0.5
    assert path.course.tape_width_m == 0.05
    assert all(abs(s.curvature_1_m) <= 2 for s in path.segments)  # radius ≥ 0.5 m


def test_courses_of_every_shape_are_shipped():
    shapes = {'straight', 's_curve', 'tight_turns', 'figure_eight', 'junction', 'narrow_gate'}
    assert shapes <= set(course_files())
    s_curve = load_course('s_curve')
    assert {abs(s.curvature_1_m) for s in s_curve.segments} == {0.0, 1 / 1.5}


@pytest.mark.parametrize('left_m', [0.0, 0.2, -0.4])
@pytest.mark.parametrize('name', ['s_curve', 'figure_eight', 'tight_turns'])
def test_place_beside_the_path_is_projected_back(name, left_m):
    path = CoursePath(load_course(name))
    for s_m in np.linspace(0.3, path.length_m - 0.3, 23):
        place = path.place_at(float(s_m), left_m)
        found_m, found_left_m = path.project(place.x_m, place.y_m, float(s_m))
        assert found_m == pytest.approx(s_m, abs=1e-4)
        assert found_left_m == pytest.approx(left_m, abs=1e-6)


def fork(**changes):
    turn = (Segment(length_m=np.pi / 2, curvature_1_m=1.0),)
    parts = {
        'segments': (Segment(length_m=2.0),),
        'branches': (
            Branch(name='left', segments=turn),
            Branch(name='on', segments=(Segment(length_m=3.0),)),
        ),
        **changes,
    }
    return Course(name='fork', **parts)


def test_route_decides_where_the_path_goes():
    left, straight = CoursePath(fork(route=('left',))), CoursePath(fork(route=('on',)))
    assert left.pose_at(99).y_m == pytest.approx(1.0)
    assert straight.pose_at(99).x_m == pytest.approx(5.0)
    assert CoursePath(fork()).length_m == 2.0


def test_branches_begin_where_others_end():
    third = Branch(name='third', after='on', segments=(Segment(length_m=1.0),))
    course = fork(branches=(*fork().branches, third), route=('on', 'third'))
    assert CoursePath(course).length_m == pytest.approx(6.0)
    assert [line.course.start.x_m for line in course_lines(course)] == [0.0, 2.0, 2.0, 5.0]


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
        ('segments: [{straight: {length_m: 1}}]\nlane: 0.4', "unknown key 'lane'; allowed: name"),
        ('segments: [{straight: {length_m: 1, radius: 2}}]', "unknown key 'radius'"),
        ('segments: [{straight: {length_m: 1}}]\ncamera: {pitch: 3}', "unknown key 'pitch'"),
        ('segments: [{straight: {length_m: 1}}]\ncamera: {pitch_deg: .inf}', 'must be finite'),
        ('segments: [{straight: {length_m: 1}}]\nrobot: {kind: hover}', 'differential, acker'),
        ('segments: [{straight: {length_m: 1}}]\nworn_percent: 120', r'must be 0\.\.100'),
        ('segments: [{straight: {length_m: 1}}]\nthings: [{kind: cat}]', 'value is missing'),
        (
            'segments: [{straight: {length_m: 1}}]\nthings: [{kind: cat, at_m: 0, offset_m: 1}]',
            "kind 'cat' is not one of person",
        ),
        (
            'segments: [{straight: {length_m: 1}}]\nobstacles: [{at_m: 1, speed_m_s: 0}]',
            'speed_m_s and when_within_m must be > 0',
        ),
        (
            'segments: [{straight: {length_m: 1}}]\nobstacles: [{at_m: 1, to_m: 0.8}]',
            'nobody steps in',
        ),
        ('segments: [{straight: {length_m: 1}}]\nbranches: [{}]', 'needs a name'),
        ('segments: [{straight: {length_m: 1}}]\nroute: [left]', 'cannot go from .trunk. to'),
        (
            'segments: [{straight: {length_m: 1}}]\nclosed: true\n'
            'branches: [{name: a, segments: [{straight: {length_m: 1}}]}]',
            'closed course cannot have branches',
        ),
        (
            'segments: [{straight: {length_m: 1}}]\n'
            'branches: [{name: a, after: b, segments: [{straight: {length_m: 1}}]}]',
            'come "after" one of: trunk',
        ),
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
