import numpy as np
import pytest

from perception_nodes.learning.calibration import (
    best_threshold,
    calibration_error,
    fit_temperature,
    matches,
    pooled_matches,
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


def test_temperature_undoes_overconfidence():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, 4000)
    right = rng.random(4000) < 1 / (1 + np.exp(-logits))
    overconfident = 1 / (1 + np.exp(-2.0 * logits))
    temperature = fit_temperature(overconfident, right)
    assert temperature == pytest.approx(2.0, rel=0.1)
    tempered = 1 / (1 + np.exp(-2.0 * logits / temperature))
    assert calibration_error(tempered, right) < 0.5 * calibration_error(overconfident, right)


@pytest.mark.parametrize('right', [np.ones(3, bool), np.zeros(3, bool)])
def test_temperature_stays_where_nothing_can_be_learnt(right):
    assert fit_temperature(np.array([0.2, 0.5, 0.9]), right) == 1.0


def test_threshold_parts_hits_from_noise():
    scores = np.array([0.9, 0.8, 0.7, 0.2, 0.1])
    right = np.array([True, True, True, False, False])
    assert best_threshold(scores, right, 3) == pytest.approx(0.7)
    assert best_threshold(np.zeros(0), np.zeros(0, bool), 3) == 0.5


def test_pool_counts_objects_of_pictures_without_detections():
    scores, hits, total = pooled_matches([(Detections.empty(), TRUE_XYXY, CLASS_IDS, NONE)])
    assert len(scores) == len(hits) == 0
    assert total == 2
