import numpy as np
import pytest

from perception_nodes.detection.thresholds import rescale_scores
from perception_nodes.learning.calibration import (
    best_threshold,
    fit_scaling,
    matches,
    pooled_matches,
    score_error,
)
from perception_nodes.structures import Detections

TRUE_XYXY = np.array([[0, 0, 10, 10], [20, 20, 30, 30]], np.float32)
CLASS_IDS = np.array([0, 1])
NONE = np.zeros(2, bool)


def found(*rows: tuple) -> Detections:
    table = np.array(rows, np.float32).reshape(-1, 6)
    return Detections(table[:, :4], table[:, 4], table[:, 5])


def test_no_detections_match_nothing():
    right, counted = matches(Detections.empty(), TRUE_XYXY, CLASS_IDS, NONE)
    assert right.shape == counted.shape == (0,)


def test_second_box_on_one_object_is_wrong():
    twice = found((0, 0, 10, 10, 0.9, 0), (0, 0, 10, 9, 0.8, 0))
    right, counted = matches(twice, TRUE_XYXY, CLASS_IDS, NONE)
    assert right.tolist() == [True, False]
    assert counted.all()


def test_right_place_with_the_wrong_class_is_wrong():
    right, _ = matches(found((0, 0, 10, 10, 0.9, 1)), TRUE_XYXY, CLASS_IDS, NONE)
    assert right.tolist() == [False]


def test_detection_on_an_ignored_region_does_not_count():
    ignored = np.array([True, False])
    right, counted = matches(found((0, 0, 10, 10, 0.9, 0)), TRUE_XYXY, CLASS_IDS, ignored)
    assert right.tolist() == [False]
    assert counted.tolist() == [False]


@pytest.mark.parametrize(('temperature', 'bias'), [(2.0, 0.0), (0.5, 0.0), (0.7, -1.5)])
def test_scaling_recovers_how_the_scores_were_spoiled(temperature, bias):
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, 8000)
    right = rng.random(8000) < 1 / (1 + np.exp(-logits))
    spoiled = 1 / (1 + np.exp(-(logits - bias) * temperature))
    fitted = fit_scaling(spoiled, right)
    assert fitted == pytest.approx((temperature, bias), rel=0.1, abs=0.1)
    mended = rescale_scores(spoiled, *fitted)
    assert score_error(mended, right) < 0.02 < score_error(spoiled, right)


def test_best_threshold_of_calibrated_scores_is_half_the_f1():
    rng = np.random.default_rng(1)
    scores = rng.random(20000) ** 2
    right = rng.random(20000) < scores
    threshold = best_threshold(scores, right, int(right.sum()))
    hits = right[scores >= threshold].sum()
    f1 = 2 * hits / ((scores >= threshold).sum() + right.sum())
    assert threshold == pytest.approx(f1 / 2, abs=0.05)  # Lipton et al. 2014


@pytest.mark.parametrize('right', [np.ones(3, bool), np.zeros(3, bool)])
def test_scaling_stays_where_nothing_can_be_learnt(right):
    assert fit_scaling(np.array([0.2, 0.5, 0.9]), right) == (1.0, 0.0)


def test_a_step_between_few_detections_is_not_trusted():
    scores = np.array([0.6199, 0.6199, 0.62, 0.62])
    assert fit_scaling(scores, np.array([False, False, True, True])) == (1.0, 0.0)


def test_separable_scores_give_a_finite_scaling():
    scores = np.array([0.1, 0.2, 0.3, 0.7, 0.8, 0.9])
    temperature, bias = fit_scaling(scores, scores > 0.5)
    assert 0.1 < temperature < 10
    assert abs(bias) < 5


def test_scores_that_fall_with_the_hit_rate_are_left_alone():
    scores = np.linspace(0.05, 0.95, 200)
    assert fit_scaling(scores, scores < 0.5) == (1.0, 0.0)


def test_threshold_parts_hits_from_noise():
    scores = np.array([0.9, 0.8, 0.7, 0.2, 0.1])
    right = np.array([True, True, True, False, False])
    assert best_threshold(scores, right, 3) == pytest.approx(0.7)
    assert best_threshold(np.zeros(0), np.zeros(0, bool), 3) == 0.5


def test_pool_counts_objects_of_pictures_without_detections():
    scores, hits, total = pooled_matches([(Detections.empty(), TRUE_XYXY, CLASS_IDS, NONE)])
    assert len(scores) == len(hits) == 0
    assert total == 2
