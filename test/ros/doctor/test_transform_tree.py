"""Availability of transforms, on recorded edges."""

from hypothesis import given
from hypothesis import strategies as st

from perception_nodes.ros.doctor.snapshot import TransformSample
from perception_nodes.ros.doctor.transform_tree import Missing, TransformTree


def static(parent, child):
    return TransformSample(parent=parent, child=child, is_static=True)


def moving(count=50, period_s=0.1, stamp_offset_s=0.0):
    return [
        TransformSample(
            parent='odom',
            child='base_link',
            stamp_s=index * period_s + stamp_offset_s,
            received_s=index * period_s,
        )
        for index in range(count)
    ]


def test_empty_tree_knows_no_frame():
    tree = TransformTree([])
    assert tree.frames == set()
    assert tree.missing_frames('base_link', 'camera') is Missing.FRAME_UNKNOWN


def test_path_between_branches_leaves_out_what_they_share():
    tree = TransformTree(
        [static('map', 'odom'), static('odom', 'a'), static('odom', 'b'), static('b', 'c')]
    )
    path = tree.path('a', 'c')
    assert [(edge.parent, edge.child) for edge in path] == [
        ('b', 'c'),
        ('odom', 'b'),
        ('odom', 'a'),
    ]


def test_path_of_a_frame_to_itself_is_empty():
    assert TransformTree([static('a', 'b')]).path('b', 'b') == []


def test_two_trees_are_not_connected():
    tree = TransformTree([static('a', 'b'), static('c', 'd')])
    assert tree.missing_frames('b', 'd') is Missing.NOT_CONNECTED


def test_static_edge_is_there_at_any_stamp():
    tree = TransformTree([static('a', 'b')])
    assert tree.missing_at(tree.edges['b'], 1e9, 5.0) is None


def test_stamp_between_samples_is_there():
    tree = TransformTree(moving())
    assert tree.missing_at(tree.edges['base_link'], 2.05, 2.06) is None


def test_stamp_beyond_the_last_sample_is_too_new():
    tree = TransformTree(moving())
    assert tree.missing_at(tree.edges['base_link'], 9.0, 4.0) is Missing.TOO_NEW


def test_transform_that_comes_after_the_patience_is_too_new():
    tree = TransformTree(moving(stamp_offset_s=-1.0))
    assert tree.missing_at(tree.edges['base_link'], 2.0, 2.01) is Missing.TOO_NEW


def test_stamp_before_the_usual_buffer_is_too_old():
    tree = TransformTree(moving(stamp_offset_s=20.0))
    assert tree.missing_at(tree.edges['base_link'], 2.0, 2.01) is Missing.TOO_OLD


def test_stamp_from_before_the_recording_is_not_judged():
    tree = TransformTree(moving(stamp_offset_s=5.0))
    assert tree.missing_at(tree.edges['base_link'], 2.0, 2.01) is None


FRAMES = st.sampled_from(['a', 'b', 'c', 'd', '', '/e'])
EDGES = st.lists(
    st.builds(
        TransformSample,
        parent=FRAMES,
        child=FRAMES,
        stamp_s=st.floats(-1e10, 1e10),
        received_s=st.floats(0, 100),
        is_static=st.booleans(),
    ),
    max_size=12,
)


@given(EDGES, FRAMES, FRAMES, st.floats(-1e10, 1e10))
def test_any_edges_even_loops_give_an_answer(edges, target, source, stamp_s):
    tree = TransformTree(edges)
    missing = tree.missing_frames(target, source)
    path = tree.path(target, source)
    assert (missing is None) == (path is not None and {target, source} <= tree.frames)
    for edge in path or []:
        assert tree.missing_at(edge, stamp_s, 50.0) in (None, Missing.TOO_OLD, Missing.TOO_NEW)
