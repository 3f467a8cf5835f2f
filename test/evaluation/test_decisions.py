"""Which detections are right, whether their scores are honest, and whom to ask."""

import numpy as np
import pytest

from perception_nodes.evaluation.decisions import decisions_of
from perception_nodes.evaluation.ground_truth import GroundTruth, coco_content
from perception_nodes.evaluation.referral import referral_curve
from perception_nodes.evaluation.reliability import calibration_error, reliability_of

BOX, OTHER, CROWD = (10.0, 10.0, 30.0, 30.0), (100.0, 100.0, 300.0, 300.0), (400, 0, 600, 200)


@pytest.fixture
def truth(tmp_path):
    images = [{'id': i, 'file_name': f'{i}.png', 'width': 640, 'height': 480} for i in (1, 2)]
    boxes = [
        (1, 'person', BOX, False),
        (1, 'cone', OTHER, False),
        (2, 'person', OTHER, False),
        (2, 'person', CROWD, True),
    ]
    return GroundTruth(coco_content(images, boxes, ['person', 'cone']), tmp_path)


def result(image_id, category_id, box, score):
    left, top, right, bottom = box
    return {
        'image_id': image_id, 'category_id': category_id,
        'bbox': [left, top, right - left, bottom - top], 'score': score,
    }  # fmt: skip


def test_each_true_box_is_found_once_by_the_surest(truth):
    found = [result(1, 1, BOX, 0.6), result(1, 1, BOX, 0.9), result(2, 1, OTHER, 0.7)]
    decisions = decisions_of(truth, found)
    assert decisions.scores == pytest.approx([0.9, 0.7, 0.6])
    assert decisions.right.tolist() == [True, True, False]
    precision, recall = decisions.precision_recall()
    assert precision == pytest.approx([1, 1, 2 / 3])
    assert recall == pytest.approx([1 / 3, 2 / 3, 2 / 3])
    assert decisions.wrong_by_image() == {1: 2}  # one box twice, the cone not at all
    assert decisions.from_score(0.65).wrong_by_image() == {1: 1}


def test_class_must_be_right(truth):
    decisions = decisions_of(truth, [result(1, 2, BOX, 0.9)])
    assert decisions.right.tolist() == [False]
    assert decisions.of_category(1).wrong_by_image() == {1: 1, 2: 1}


def test_regions_of_many_count_neither_way(truth):
    inside, beside = (420.0, 20.0, 460.0, 60.0), (0.0, 300.0, 40.0, 340.0)
    found = [result(2, 1, inside, 0.9), result(2, 2, inside, 0.8), result(2, 1, beside, 0.7)]
    decisions = decisions_of(truth, found)
    assert decisions.scores == pytest.approx([0.8, 0.7])
    assert len(decisions.truth_image_ids) == 3


def test_nothing_found_is_all_missed(truth):
    decisions = decisions_of(truth, [])
    assert decisions.wrong_by_image() == {1: 2, 2: 1}
    assert calibration_error(reliability_of(decisions.scores, decisions.right)) != 0  # NaN
    assert np.isnan(referral_curve(decisions.scores, decisions.right).area)


def test_error_is_the_mean_gap():
    confidence = np.repeat([0.9, 0.6], 10)
    right = np.array([True] * 9 + [False] + [True] * 4 + [False] * 6)
    bins = reliability_of(confidence, right, bins=10)
    assert [item.count for item in bins if item.count] == [10, 10]
    assert calibration_error(bins) == pytest.approx((0.0 + 0.2) / 2)


def test_referring_the_least_sure_leaves_what_is_right():
    confidence = np.linspace(0, 1, 100)
    right = confidence > 0.3
    curve = referral_curve(confidence, right)
    assert curve.accuracy[0] == pytest.approx(right.mean())
    assert list(curve.accuracy) == sorted(curve.accuracy)
    assert curve.share_for(0.999) == pytest.approx(0.3)
    assert curve.area < curve.area_by_chance
    assert np.isnan(curve.share_for(1.1))


def test_order_of_equally_sure_decisions_does_not_matter():
    right = np.array([True] * 30 + [False] * 70)
    for order in (right, right[::-1]):
        curve = referral_curve(np.full(100, 0.5), order)
        assert curve.accuracy == pytest.approx([0.3] * 20)
        assert curve.area == pytest.approx(curve.area_by_chance)
