import numpy as np
import pytest

from perception_nodes.simulation import Pose2D
from perception_nodes.simulation.episodes.contact import outline_of, overlap
from perception_nodes.simulation.parts import Part, Shape, Thing

SQUARE = np.array([(0.5, 0.5), (-0.5, 0.5), (-0.5, -0.5), (0.5, -0.5)])
TURNED = SQUARE @ np.array([[1, -1], [1, 1]]) / np.sqrt(2)


@pytest.mark.parametrize(
    ('shift', 'touches'),
    [
        ((0, 0), True),
        ((0.99, 0), True),
        ((1.01, 0), False),
        ((0.9, 0.9), True),
        ((0, -1.2), False),
    ],
)
def test_squares_overlap_where_they_do(shift, touches):
    assert overlap(SQUARE, SQUARE + shift) is touches
    assert overlap(SQUARE + shift, SQUARE) is touches


@pytest.mark.parametrize(('shift', 'touches'), [((1.2, 0), True), ((0.9, 0.9), False)])
def test_corner_of_a_turned_square_counts(shift, touches):
    assert overlap(SQUARE, TURNED + shift) is touches


def test_outline_of_a_thing_follows_its_pose():
    part = Part(shape=Shape.BOX, color=np.ones(3), size=(0.2, 0.1, 0.3), position=(0, 0, 0.3))
    outline = outline_of(Thing(parts=(part,)), Pose2D(x_m=2.0, yaw_rad=np.pi / 2))
    assert outline.min(axis=0) == pytest.approx([1.9, -0.2])
    assert outline.max(axis=0) == pytest.approx([2.1, 0.2])
