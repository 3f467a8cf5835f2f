import numpy as np
import pytest

from perception_nodes.explanation import ExplanationConfig, Method, explain
from perception_nodes.explanation.saliency import random_veil, runs, without
from perception_nodes.structures import Frame

BLACK_BOX = (Method.RANDOM_MASKS, Method.OCCLUSION)
SPOTS = {'left': (30, 40), 'right': (150, 90)}
"""Column and row of the pixel that each decision rests on."""


class Spots:
    """Decisions that rest on one bright spot each."""

    names = tuple(SPOTS)

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, frame):
        self.asked += 1
        return np.array(
            [frame.pixels[y - 4 : y + 4, x - 4 : x + 4].mean() / 255 for x, y in SPOTS.values()]
        )


@pytest.fixture
def frame():
    pixels = np.zeros((120, 200, 3), np.uint8)
    for x, y in SPOTS.values():
        pixels[y - 6 : y + 6, x - 6 : x + 6] = 255
    return Frame(pixels=pixels)


@pytest.mark.parametrize('method', BLACK_BOX)
def test_map_is_highest_where_the_decision_rests(frame, method):
    config = ExplanationConfig(method=method.value, masks=300, cells=10)
    maps = explain(Spots(), frame, config)
    assert maps.shape == (2, 120, 200)
    assert maps.dtype == np.float32
    for saliency, (x, y) in zip(maps, SPOTS.values(), strict=True):
        row, column = np.unravel_index(saliency.argmax(), saliency.shape)
        assert abs(column - x) <= 15
        assert abs(row - y) <= 15


@pytest.mark.parametrize('method', BLACK_BOX)
def test_decision_that_nothing_changes_rests_on_nothing(frame, method):
    class Stubborn(Spots):
        def __call__(self, _frame):
            return np.array([0.7, 0.2])

    maps = explain(Stubborn(), frame, ExplanationConfig(method=method.value, masks=20))
    np.testing.assert_allclose(maps, 0, atol=1e-6)


@pytest.mark.parametrize('method', BLACK_BOX)
def test_runs_are_told_beforehand(frame, method):
    config = ExplanationConfig(method=method.value, masks=25)
    question, steps = Spots(), []
    explain(question, frame, config, lambda: steps.append(1))
    assert question.asked == len(steps) == runs(frame.size_wh, config)


def test_same_seed_gives_the_same_map(frame):
    first, again, other = (
        explain(Spots(), frame, ExplanationConfig(masks=20, seed=seed)) for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_veils_leave_the_wanted_part_open():
    rng = np.random.default_rng(0)
    config = ExplanationConfig(keep=0.3)
    veils = np.array([random_veil(rng, (160, 90), config) for _ in range(200)])
    assert veils.shape == (200, 90, 160)
    assert veils.min() == 0
    assert veils.max() == 1
    assert veils.mean() == pytest.approx(0.3, abs=0.03)
    assert veils.mean(axis=0).std() < 0.06, 'every place is open as often as the others'


def test_what_is_missing_has_the_mean_colour(frame):
    kept = np.zeros((12, 20), np.float32)
    gone = without(frame, kept).pixels
    assert (gone == np.rint(frame.pixels.mean(axis=(0, 1)))).all()
    np.testing.assert_array_equal(without(frame, kept + 1).pixels, frame.pixels)


@pytest.mark.parametrize(
    ('settings', 'words'),
    [({'method': 'magic'}, 'random_masks'), ({'masks': 3}, '10'), ({'keep': 1.0}, '0.95')],
)
def test_senseless_settings_are_refused_with_what_is_allowed(settings, words):
    with pytest.raises(ValueError, match=words):
        ExplanationConfig(**settings)
