"""Pairing detections with true boxes."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perception_nodes.evaluation.matching import (
    Counts,
    box_iou,
    count_by_class,
    match_boxes,
    total,
)
from perception_nodes.structures import Detections

A, A_SHIFTED, B = [0, 0, 10, 10], [0, 1, 10, 11], [50, 50, 60, 60]


def detections(boxes, scores, class_ids=None):
    return Detections(boxes, scores, class_ids or [0] * len(boxes))


def test_nothing_found_and_nothing_true():
    found = match_boxes(Detections.empty(), np.zeros((0, 4)), np.zeros(0))
    assert (len(found.pairs), len(found.extra), len(found.missed)) == (0, 0, 0)


def test_nothing_found_misses_everything():
    found = match_boxes(Detections.empty(), np.array([A, B]), np.zeros(2))
    assert found.missed.tolist() == [0, 1]


def test_nothing_true_makes_everything_extra():
    found = match_boxes(detections([A, B], [0.5, 0.6]), np.zeros((0, 4)), np.zeros(0))
    assert found.extra.tolist() == [0, 1]


def test_surest_detection_gets_the_true_box():
    found = match_boxes(detections([A, A_SHIFTED], [0.5, 0.9]), np.array([A]), [0])
    assert found.pairs.tolist() == [[1, 0]]
    assert found.extra.tolist() == [0]
    assert found.iou[0] == pytest.approx(90 / 110)


def test_detection_takes_the_box_it_overlaps_most():
    found = match_boxes(detections([A], [0.5]), np.array([A_SHIFTED, A]), [0, 0])
    assert found.pairs.tolist() == [[0, 1]]


def test_classes_must_agree_unless_agnostic():
    other = detections([A], [0.9], [1])
    assert len(match_boxes(other, np.array([A]), [0]).pairs) == 0
    assert len(match_boxes(other, np.array([A]), [0], class_agnostic=True).pairs) == 1


def test_overlap_below_the_threshold_is_no_pair():
    assert (
        len(match_boxes(detections([A_SHIFTED], [1]), np.array([A]), [0], iou_threshold=0.9).pairs)
        == 0
    )


def test_boxes_without_area_overlap_nothing():
    assert box_iou([[5, 5, 5, 5]], [[5, 5, 5, 5]]).tolist() == [[0.0]]


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 12), st.integers(0, 12))
def test_every_box_is_accounted_for_once(seed, found_count, true_count):
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, 30, (found_count + true_count, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(0, 20, corner.shape)], axis=1)
    found = Detections(
        boxes[:found_count], rng.uniform(0, 1, found_count), rng.integers(0, 2, found_count)
    )
    matches = match_boxes(found, boxes[found_count:], rng.integers(0, 2, true_count))
    assert sorted([*matches.pairs[:, 0], *matches.extra]) == list(range(found_count))
    assert sorted([*matches.pairs[:, 1], *matches.missed]) == list(range(true_count))
    assert (matches.iou >= 0.5).all()


def test_counts_per_class_add_up():
    pictures = [
        (detections([A, B], [0.9, 0.8], [0, 1]), np.array([A]), np.array([0])),
        (detections([A], [0.9], [1]), np.array([A, B]), np.array([0, 1])),
    ]
    counts = count_by_class(pictures, ['person', 'cone'])
    assert counts['person'] == Counts(hits=1, extra=0, missed=1)
    assert counts['cone'] == Counts(hits=0, extra=2, missed=1)
    everything = total(counts)
    assert everything.precision == pytest.approx(1 / 3)
    assert everything.recall == pytest.approx(1 / 3)


def test_figures_of_nothing_are_not_a_number():
    assert math.isnan(Counts().precision)
    assert math.isnan(Counts().recall)
