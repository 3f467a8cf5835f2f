import numpy as np
import pytest

from perception_nodes.explanation import Curve, deletion, insertion, points_into, random_map
from perception_nodes.structures import Frame

SPOT = np.s_[40:80, 60:100]


class Spot:
    """A decision that is as sure as its spot is bright, beside one that is always sure."""

    names = ('spot', 'always')

    def __call__(self, frame):
        return np.array([frame.pixels[SPOT].mean() / 255, 1.0])


@pytest.fixture
def frame():
    pixels = np.zeros((120, 160, 3), np.uint8)
    pixels[SPOT] = 255
    return Frame(pixels=pixels)


@pytest.fixture
def truth():
    saliency = np.zeros((120, 160), np.float32)
    saliency[SPOT] = 1
    return saliency


def test_true_map_is_better_than_a_random_one_and_a_wrong_one_is_worse(frame, truth):
    nothing = random_map(np.random.default_rng(0), truth.shape)
    areas = [deletion(Spot(), 0, frame, item).area for item in (truth, nothing, -truth)]
    assert areas == sorted(areas)
    assert areas[0] < 0.2
    assert areas[1] == pytest.approx(0.5, abs=0.1)
    shown = [insertion(Spot(), 0, frame, item).area for item in (truth, nothing, -truth)]
    assert shown == sorted(shown, reverse=True)
    assert shown[0] > 0.9


def test_curves_begin_and_end_with_the_whole_picture(frame, truth):
    gone, shown = deletion(Spot(), 0, frame, truth), insertion(Spot(), 0, frame, truth)
    assert gone.left[0] == shown.left[-1] == 1
    assert gone.left[-1] == shown.left[0] < 0.2
    assert gone.parts[0] == 0
    assert gone.parts[-1] == 1


def test_decision_is_told_from_its_neighbour(frame, truth):
    assert deletion(Spot(), 1, frame, truth).area == pytest.approx(1)


def test_area_is_that_below_the_curve():
    assert Curve(parts=np.array([0, 0.5, 1]), left=np.array([1.0, 0.0, 0.0])).area == 0.25


@pytest.mark.parametrize(
    ('box', 'hit'),
    [((60, 40, 100, 80), True), ((0, 0, 60, 40), False), ((60, 40, 61, 41), True)],
    ids=['around it', 'beside it', 'its first pixel'],
)
def test_pointing_game_asks_where_the_maximum_lies(truth, box, hit):
    assert points_into(truth, np.array(box)) is hit
