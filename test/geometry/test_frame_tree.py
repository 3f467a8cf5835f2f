"""Walks between frames."""

import pytest

from perception_nodes.geometry.frame_tree import chain_to_root, frames_of, path_between

PARENTS = {'odom': 'map', 'base': 'odom', 'camera': 'base', 'wheel': 'base', 'leg': 'other'}


@pytest.mark.parametrize(
    ('target', 'source', 'up', 'down'),
    [
        ('base', 'base', (), ()),
        ('map', 'camera', ('camera', 'base', 'odom'), ()),
        ('camera', 'map', (), ('odom', 'base', 'camera')),
        ('wheel', 'camera', ('camera',), ('wheel',)),
    ],
)
def test_path_goes_over_the_nearest_common_frame(target, source, up, down):
    path = path_between(PARENTS, target, source)
    assert path is not None
    assert (path.up, path.down) == (up, down)
    assert path.edges == up + down


def test_separate_trees_have_no_path():
    assert path_between(PARENTS, 'map', 'leg') is None


def test_chain_of_a_loop_ends():
    assert chain_to_root({'a': 'b', 'b': 'a'}, 'a') == ['a', 'b']


def test_no_edges_no_frames():
    assert frames_of({}) == set()
    assert chain_to_root({}, 'a') == ['a']
