"""Suppression of overlapping boxes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perception_nodes.inference.nms import MAX_CANDIDATES, suppress
from perception_nodes.structures import Detections


def random_detections(seed, count, classes=3):
    rng = np.random.default_rng(seed)
    corner = rng.uniform(-20, 300, (count, 2))
    size = rng.uniform(0, 100, (count, 2))
    # Distinct scores: with ties, which box stays would be a matter of taste.
    scores = rng.permutation(np.linspace(0, 1, count))
    boxes = np.concatenate([corner, corner + size], axis=1)
    return Detections(boxes, scores, rng.integers(0, classes, count))


def reference(detections, threshold, agnostic):
    """Return the kept boxes by the definition, slowly."""
    kept = []
    for box, score, class_id in detections.sorted_by_score():
        for other, _, other_class in kept:
            if agnostic or class_id == other_class:
                sides = np.minimum(box[2:], other[2:]) - np.maximum(box[:2], other[:2])
                shared = np.clip(sides, 0, None).astype(np.float64).prod()
                union = sum((b[2:] - b[:2]).astype(np.float64).prod() for b in (box, other))
                if shared / max(union - shared, 1e-9) > threshold:
                    break
        else:
            kept.append((box, score, class_id))
    return kept


def test_nothing_gives_nothing():
    assert len(suppress(Detections.empty(), 0.5)) == 0


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(2, 60), st.floats(0.05, 0.95), st.booleans())
def test_result_is_that_of_the_definition(seed, count, threshold, agnostic):
    detections = random_detections(seed, count)
    kept = suppress(detections, threshold, class_agnostic=agnostic)
    expected = reference(detections, threshold, agnostic)
    assert kept.scores.tolist() == [np.float32(score) for _, score, _ in expected]
    assert kept.class_ids.tolist() == [class_id for _, _, class_id in expected]


def two_boxes(class_ids):
    return Detections([[0, 0, 100, 100], [5, 5, 105, 105]], [0.4, 0.9], class_ids)


def test_weaker_box_of_the_same_class_goes():
    assert suppress(two_boxes([1, 1]), 0.5).scores.tolist() == [pytest.approx(0.9)]


def test_boxes_of_two_classes_both_stay():
    assert len(suppress(two_boxes([0, 1]), 0.5)) == 2


def test_class_agnostic_suppresses_across_classes():
    kept = suppress(two_boxes([0, 1]), 0.5, class_agnostic=True)
    assert kept.class_ids.tolist() == [1]


def test_threshold_of_one_keeps_everything_sorted():
    assert suppress(two_boxes([1, 1]), 1.0).scores.tolist() == pytest.approx([0.9, 0.4])


def test_limit_keeps_the_highest_scores():
    detections = random_detections(0, 50)
    kept = suppress(detections, 0.99, max_detections=5)
    assert len(kept) == 5
    assert kept.scores.tolist() == sorted(kept.scores, reverse=True)


def test_scores_of_zero_are_not_lost():
    kept = suppress(Detections([[0, 0, 1, 1], [5, 5, 6, 6]], [0, 0], [0, 0]), 0.5)
    assert len(kept) == 2


def test_huge_coordinates_and_many_classes_do_not_mix():
    boxes = [[-1e6, -1e6, 1e6, 1e6], [0, 0, 10, 10], [0, 0, 10, 10]]
    kept = suppress(Detections(boxes, [0.9, 0.8, 0.7], [0, 999, 999]), 0.5)
    assert kept.class_ids.tolist() == [0, 999]


def test_number_of_candidates_is_bounded():
    count = MAX_CANDIDATES + 50
    corner = np.arange(count)[:, None] * np.array([[20.0, 0.0]])
    detections = Detections(
        np.concatenate([corner, corner + 10], axis=1),
        np.linspace(0, 1, count),
        np.zeros(count),
    )
    assert len(suppress(detections, 0.5)) == MAX_CANDIDATES
