import numpy as np
import pytest

from perception_nodes.curation.selection import (
    Strategy,
    doubt_of_boxes,
    doubt_of_classes,
    doubt_of_mask,
    select,
    unlikeness,
)
from perception_nodes.structures import Classification, Detections, SegmentationMask


def on_circle(*degrees):
    angle = np.radians(degrees)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)


VECTORS = on_circle(0, 1, 2, 90, 91, 180)
DOUBTS = np.array([0.9, 0.8, 0.7, 0.2, 0.6, 0.1])


@pytest.mark.parametrize(
    ('strategy', 'chosen'),
    [
        (Strategy.UNCERTAINTY, {0, 1, 2}),
        (Strategy.DIVERSITY, {3, 5, 0}),
        (Strategy.BOTH, {0, 5, 3}),
    ],
)
def test_strategies_choose_by_what_they_are_named_after(strategy, chosen):
    found = select(VECTORS, DOUBTS, 3, strategy)
    groups = [{0: 'a', 1: 'a', 2: 'a', 3: 'b', 4: 'b', 5: 'c'}[int(k)] for k in found]
    wanted = [{0: 'a', 1: 'a', 2: 'a', 3: 'b', 4: 'b', 5: 'c'}[k] for k in chosen]
    assert sorted(groups) == sorted(wanted)
    assert len(set(found.tolist())) == 3


def test_both_leaves_out_what_the_model_knows():
    rng = np.random.default_rng(0)
    vectors = on_circle(*rng.uniform(0, 360, 100))
    doubts = np.where(np.arange(100) < 30, 0.5, 0.1)
    found = select(vectors, doubts, 5, Strategy.BOTH)
    assert (found < 30).all()
    covered = (vectors[:30] @ vectors[found].T).max(axis=1).min()
    plain = (vectors[:30] @ vectors[:5].T).max(axis=1).min()
    assert covered > plain, 'the chosen cover the doubted better than any five'


def test_what_is_like_the_labelled_ones_comes_last():
    found = select(VECTORS, DOUBTS, 6, Strategy.DIVERSITY, known=on_circle(0, 180))
    assert int(found[0]) in (3, 4)
    assert int(found[-1]) in (0, 5)


def test_random_is_the_same_for_the_same_seed():
    found = [select(VECTORS, DOUBTS, 3, Strategy.RANDOM, seed=seed).tolist() for seed in (1, 1)]
    assert found[0] == found[1]
    more = {tuple(select(VECTORS, DOUBTS, 3, Strategy.RANDOM, seed=s)) for s in range(10)}
    assert len(more) > 3


@pytest.mark.parametrize('strategy', list(Strategy))
def test_more_than_there_are_gives_all(strategy):
    assert sorted(select(VECTORS, DOUBTS, 99, strategy)) == list(range(6))


def test_unlikeness_counts_from_those_before_and_from_the_known():
    chosen = np.array([0, 3, 1])
    found = unlikeness(VECTORS, chosen, None)
    assert found == pytest.approx([1.0, 0.5, 0.0], abs=1e-3)
    assert unlikeness(VECTORS, chosen, on_circle(0))[0] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ('scores', 'doubt'),
    [([], 0), ([0.5] * 5, 1), ([0.5] * 9, 1), ([0.5], 0.2), ([0.999] * 5, 0.0114)],
)
def test_doubt_of_boxes_is_largest_at_one_half(scores, doubt):
    boxes = Detections(np.zeros((len(scores), 4)), np.array(scores), np.zeros(len(scores)))
    assert doubt_of_boxes(boxes) == pytest.approx(doubt, abs=1e-3)


def test_doubt_of_a_mask_is_what_its_confidence_lacks():
    mask = SegmentationMask(np.zeros((4, 4), np.uint8), np.full((4, 4), 204, np.uint8))
    assert doubt_of_mask(mask) == pytest.approx(0.2)
    with pytest.raises(ValueError, match='diversity'):
        doubt_of_mask(SegmentationMask(np.zeros((4, 4), np.uint8)))


def test_senseless_wishes_are_refused():
    with pytest.raises(ValueError, match='at least 1'):
        select(VECTORS, DOUBTS, 0, Strategy.BOTH)
    with pytest.raises(ValueError, match='as many doubts'):
        select(VECTORS, DOUBTS[:2], 1, Strategy.BOTH)


@pytest.mark.parametrize(('probabilities', 'doubt'), [([0.9, 0.1], 0.1), ([0.5, 0.5], 0.5)])
def test_doubt_of_classes_is_what_their_confidence_lacks(probabilities, doubt):
    found = Classification.of(np.array(probabilities))
    assert doubt_of_classes(found) == pytest.approx(doubt)
    assert doubt_of_classes(Classification.unknown()) == 1.0
