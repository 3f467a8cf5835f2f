"""One table of situations for the pure buffer and, where it is installed, tf2's own."""

import importlib.util
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perception_nodes.geometry.rigid_transform import RigidTransform
from perception_nodes.geometry.transform_buffer import (
    MissingTransform,
    TransformBuffer,
    TransformUnavailableError,
)

S = 1_000_000_000
EXTRAPOLATION = {MissingTransform.TOO_NEW, MissingTransform.TOO_OLD}


def pose(x=0.0, yaw=0.0, y=0.0):
    return RigidTransform.from_rpy(yaw_rad=yaw, translation_xyz=(x, y, 0.0))


@dataclass
class Situation:
    """
    What came, what is asked and what must be answered.

    :param came: (parent, child, transform, stamp in seconds; None: static), or 'clear'.
    :param stamp_s: time asked for; None: latest.
    :param wanted: the transform, or the reasons that an error may have.
    """

    name: str
    came: list
    target: str
    source: str
    stamp_s: float | None
    wanted: RigidTransform | set[MissingTransform]
    cache_s: float = 10.0
    near: float = field(default=1e-9)


MOVING = [('odom', 'base', pose(1.0), 100.0), ('odom', 'base', pose(3.0), 101.0)]
ARM = ('base', 'camera', pose(0.5, np.pi / 2), None)

TABLE = [
    Situation('nothing came', [], 'a', 'b', 100.0, {MissingTransform.UNKNOWN_FRAME}),
    Situation('source unknown', [ARM], 'base', 'x', 100.0, {MissingTransform.UNKNOWN_FRAME}),
    Situation('target unknown', [ARM], 'x', 'base', 100.0, {MissingTransform.UNKNOWN_FRAME}),
    Situation('frame in itself', [ARM], 'base', 'base', 100.0, pose()),
    Situation('static at any time', [ARM], 'base', 'camera', 5.0, pose(0.5, np.pi / 2)),
    Situation('static at the latest time', [ARM], 'base', 'camera', None, pose(0.5, np.pi / 2)),
    Situation('static backwards', [ARM], 'camera', 'base', 5.0, pose(0.5, np.pi / 2).inverse()),
    Situation(
        'static is replaced',
        [ARM, ('base', 'camera', pose(0.7), None)], 'base', 'camera', 5.0, pose(0.7),
    ),
    Situation('exactly at the first', MOVING, 'odom', 'base', 100.0, pose(1.0)),
    Situation('exactly at the last', MOVING, 'odom', 'base', 101.0, pose(3.0)),
    Situation('between two', MOVING, 'odom', 'base', 100.25, pose(1.5)),
    Situation(
        'turning between two',
        [('odom', 'base', pose(), 100.0), ('odom', 'base', pose(0, 1.0), 102.0)],
        'odom', 'base', 101.0, pose(0, 0.5),
    ),
    Situation('out of order', MOVING[::-1], 'odom', 'base', 100.25, pose(1.5)),
    Situation(
        'same stamp twice keeps the first',
        [*MOVING, ('odom', 'base', pose(9.0), 101.0)], 'odom', 'base', 101.0, pose(3.0),
    ),
    Situation('newer than the last', MOVING, 'odom', 'base', 101.001, {MissingTransform.TOO_NEW}),
    Situation('older than the first', MOVING, 'odom', 'base', 99.999, {MissingTransform.TOO_OLD}),
    Situation('only one, at its stamp', MOVING[:1], 'odom', 'base', 100.0, pose(1.0)),
    Situation('only one, later', MOVING[:1], 'odom', 'base', 100.1, {MissingTransform.TOO_NEW}),
    Situation('only one, before', MOVING[:1], 'odom', 'base', 99.9, {MissingTransform.TOO_OLD}),
    Situation('latest', MOVING, 'odom', 'base', None, pose(3.0)),
    Situation(
        'latest of two edges is the older newest',
        [*MOVING, ('map', 'odom', pose(10.0), 100.0), ('map', 'odom', pose(20.0), 100.5)],
        'map', 'base', None, pose(22.0),
    ),
    Situation(
        'through a static edge',
        [*MOVING, ARM], 'odom', 'camera', 100.5, pose(2.0) @ pose(0.5, np.pi / 2),
    ),
    Situation(
        'between two branches',
        [*MOVING, ARM, ('base', 'wheel', pose(-0.2), None)],
        'wheel', 'camera', 7.0, pose(0.7, np.pi / 2),
    ),
    Situation(
        'two trees',
        [*MOVING, ('other', 'thing', pose(), None)],
        'odom', 'thing', 100.5, {MissingTransform.NOT_CONNECTED},
    ),
    Situation(
        'left the cache',
        [*MOVING, ('odom', 'base', pose(9.0), 106.0)],
        'odom', 'base', 100.5, {MissingTransform.TOO_OLD}, cache_s=2.0,
    ),
    Situation(
        'still in the cache',
        [*MOVING, ('odom', 'base', pose(9.0), 102.0)],
        'odom', 'base', 100.5, pose(2.0), cache_s=2.0,
    ),
    Situation(
        'cleared: stamped ones are gone',
        [*MOVING, ARM, 'clear'], 'odom', 'camera', 100.5,
        {MissingTransform.UNKNOWN_FRAME, MissingTransform.NOT_CONNECTED, *EXTRAPOLATION},
    ),
    Situation('cleared: static ones stay', [*MOVING, ARM, 'clear'], 'base', 'camera', 1.0, ARM[2]),
    Situation(
        'cleared: earlier stamps are taken again',
        [*MOVING, 'clear', ('odom', 'base', pose(7.0), 3.0)], 'odom', 'base', 3.0, pose(7.0),
    ),
]  # fmt: skip


class PureBuffer:
    """The buffer of this package."""

    def __init__(self, cache_s):
        self.buffer = TransformBuffer(int(cache_s * S))

    def add(self, parent, child, transform, stamp_s):
        if stamp_s is None:
            self.buffer.add_static(parent, child, transform)
        else:
            self.buffer.add(parent, child, transform, round(stamp_s * S))

    def clear(self):
        self.buffer.reset()

    def ask(self, target, source, stamp_s):
        try:
            return self.buffer.lookup(
                target, source, None if stamp_s is None else round(stamp_s * S)
            )
        except TransformUnavailableError as error:
            return {error.reason}


class Tf2Buffer:
    """tf2's buffer, as rclpy nodes have it."""

    def __init__(self, cache_s):
        import tf2_py
        from rclpy.duration import Duration

        self.tf2 = tf2_py
        self.buffer = tf2_py.BufferCore(Duration(nanoseconds=int(cache_s * S)))

    def add(self, parent, child, transform, stamp_s):
        from geometry_msgs.msg import TransformStamped
        from rclpy.time import Time

        message = TransformStamped(child_frame_id=child)
        message.header.frame_id = parent
        message.header.stamp = Time(nanoseconds=round((stamp_s or 0) * S)).to_msg()
        for name, value in zip('xyz', transform.translation_xyz, strict=True):
            setattr(message.transform.translation, name, value)
        for name, value in zip('xyzw', transform.rotation_xyzw, strict=True):
            setattr(message.transform.rotation, name, value)
        put = self.buffer.set_transform_static if stamp_s is None else self.buffer.set_transform
        put(message, 'test')

    def clear(self):
        self.buffer.clear()

    def ask(self, target, source, stamp_s):
        from rclpy.time import Time

        try:
            found = self.buffer.lookup_transform_core(
                target, source, Time(nanoseconds=round((stamp_s or 0) * S))
            ).transform
        except self.tf2.ExtrapolationException:
            return EXTRAPOLATION
        except self.tf2.ConnectivityException:
            return {MissingTransform.NOT_CONNECTED}
        except self.tf2.LookupException:
            return {MissingTransform.UNKNOWN_FRAME}
        return RigidTransform(
            tuple(getattr(found.rotation, name) for name in 'xyzw'),
            tuple(getattr(found.translation, name) for name in 'xyz'),
        )


HAS_TF2 = importlib.util.find_spec('tf2_py') is not None
BUFFERS = [
    pytest.param(PureBuffer, id='pure'),
    pytest.param(
        Tf2Buffer, id='tf2',
        marks=pytest.mark.skipif(
            not HAS_TF2, reason='tf2_py is not importable: it comes with a ROS 2 installation'
        ),
    ),
]  # fmt: skip


@pytest.mark.parametrize('make', BUFFERS)
@pytest.mark.parametrize('case', TABLE, ids=lambda case: case.name.replace(' ', '_'))
def test_conformance(make, case):
    buffer = make(case.cache_s)
    for item in case.came:
        if item == 'clear':
            buffer.clear()
        else:
            buffer.add(*item)
    answer = buffer.ask(case.target, case.source, case.stamp_s)
    if isinstance(case.wanted, RigidTransform):
        assert isinstance(answer, RigidTransform), answer
        assert np.allclose(answer.matrix, case.wanted.matrix, atol=case.near)
    else:
        assert isinstance(answer, set)
        assert answer & case.wanted


def fed(*items, cache_ns=10 * S):
    buffer = TransformBuffer(cache_ns)
    for parent, child, transform, stamp_s in items:
        if stamp_s is None:
            buffer.add_static(parent, child, transform)
        else:
            buffer.add(parent, child, transform, round(stamp_s * S))
    return buffer


def test_error_says_which_edge_is_late_and_since_when():
    buffer = fed(*MOVING, ARM)
    with pytest.raises(TransformUnavailableError) as raised:
        buffer.lookup('odom', 'camera', round(101.25 * S))
    error = raised.value
    assert error.edge == ('odom', 'base')
    assert error.available_ns == (100 * S, 101 * S)
    assert error.may_come
    assert 'odom ← base was last stamped 101.000 s, 0.250 s earlier' in str(error)


def test_error_for_an_old_stamp_will_not_come():
    with pytest.raises(TransformUnavailableError, match=r'kept only from 100\.000 s') as raised:
        fed(*MOVING).lookup('odom', 'base', 99 * S)
    assert not raised.value.may_come


def test_error_for_two_trees_names_both_tops():
    buffer = fed(*MOVING, ('world', 'lidar', pose(), None))
    with pytest.raises(
        TransformUnavailableError, match=r"'base' is below 'odom' and 'lidar' below 'world'"
    ):
        buffer.lookup('base', 'lidar', 100 * S)


def test_error_for_an_unknown_frame_lists_the_known():
    with pytest.raises(TransformUnavailableError, match=r"'cam'.*known frames: base, odom"):
        fed(*MOVING).lookup('odom', 'cam')


def test_error_of_an_empty_buffer_names_the_topics():
    with pytest.raises(TransformUnavailableError, match='/tf and /tf_static'):
        TransformBuffer().lookup('odom', 'base')


def test_error_after_a_reset_says_so():
    buffer = fed(*MOVING)
    buffer.reset()
    with pytest.raises(TransformUnavailableError, match='since time was set back'):
        buffer.lookup('odom', 'base')


def test_clock_set_back_forgets_stamped_and_keeps_static():
    buffer = fed(*MOVING, ARM)
    assert not buffer.observe_clock(101 * S)
    assert buffer.observe_clock(3 * S)
    assert buffer.frames == {'base', 'camera'}
    assert buffer.resets == 1
    assert not buffer.observe_clock(4 * S)


def test_clock_jitter_forgets_nothing():
    buffer = fed(*MOVING)
    buffer.observe_clock(101 * S)
    assert not buffer.observe_clock(101 * S - S // 2)
    assert buffer.lookup('odom', 'base').translation_xyz[0] == 3.0


def test_bag_that_starts_again_is_noticed_without_a_clock():
    buffer = fed(*MOVING)
    assert buffer.add('odom', 'base', pose(5.0), 4 * S)
    assert buffer.resets == 1
    assert buffer.lookup('odom', 'base', 4 * S).translation_xyz[0] == 5.0


def test_new_parent_takes_the_place_of_the_old():
    buffer = fed(*MOVING, ('map', 'base', pose(8.0), 102.0))
    assert buffer.lookup('map', 'base').translation_xyz[0] == 8.0
    with pytest.raises(TransformUnavailableError) as raised:
        buffer.lookup('odom', 'base')
    assert raised.value.reason is MissingTransform.UNKNOWN_FRAME


def test_frames_in_a_circle_are_reported():
    buffer = fed(('a', 'b', pose(1), None), ('b', 'a', pose(1), None), ('b', 'd', pose(), None))
    with pytest.raises(TransformUnavailableError, match='run in a circle'):
        buffer.lookup('a', 'd', 0)


def test_leading_slash_is_dropped():
    buffer = fed(('/base', 'camera', pose(1.0), None))
    assert buffer.lookup('base', '/camera', 0).translation_xyz[0] == 1.0


@pytest.mark.parametrize(('parent', 'child'), [('a', 'a'), ('', 'a'), ('a', ''), ('/a', 'a')])
def test_useless_frame_names_are_refused(parent, child):
    with pytest.raises(ValueError, match='two different frame names'):
        TransformBuffer().add(parent, child, pose(), 0)


steps = st.lists(
    st.tuples(
        st.sampled_from('abcd'), st.sampled_from('abcd'), st.integers(0, 40 * S), st.booleans()
    ),
    max_size=30,
)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(steps, st.sampled_from('abcd'), st.sampled_from('abcd'), st.integers(0, 40 * S))
def test_any_traffic_gives_a_transform_or_the_typed_error(items, target, source, stamp_ns):
    buffer = TransformBuffer()
    for parent, child, at_ns, is_static in items:
        if parent != child:
            if is_static:
                buffer.add_static(parent, child, pose(1.0))
            else:
                buffer.add(parent, child, pose(at_ns / S), at_ns)
    try:
        there = buffer.lookup(target, source, stamp_ns)
    except TransformUnavailableError:
        return
    back = buffer.lookup(source, target, stamp_ns)
    assert np.allclose((there @ back).matrix, np.eye(4), atol=1e-6)
