"""COCO average precision on cases with a known answer."""

import json
import math

import numpy as np
import pytest

from perception_nodes.evaluation.coco import (
    category_ids_of,
    evaluate_detections,
    results_of,
    write_results,
)
from perception_nodes.evaluation.ground_truth import GroundTruth, coco_content
from perception_nodes.structures import Detections

SMALL, LARGE = (10.0, 10.0, 30.0, 30.0), (100.0, 100.0, 300.0, 300.0)


@pytest.fixture
def truth(tmp_path):
    """Return two pictures: a small person and a large cone, and a large person."""
    images = [{'id': i, 'file_name': f'{i}.png', 'width': 640, 'height': 480} for i in (1, 2)]
    boxes = [(1, 'person', SMALL, False), (1, 'cone', LARGE, False), (2, 'person', LARGE, False)]
    return GroundTruth(coco_content(images, boxes, ['person', 'cone', 'barrel']), tmp_path)


def result(image_id, category_id, box, score=0.9):
    left, top, right, bottom = box
    return {
        'image_id': image_id,
        'category_id': category_id,
        'bbox': [left, top, right - left, bottom - top],
        'score': score,
    }


PERFECT = [result(1, 1, SMALL), result(1, 2, LARGE), result(2, 1, LARGE)]


def test_no_detections_measure_as_zero(truth):
    metrics = evaluate_detections(truth, [])
    assert (metrics.mean_ap, metrics.ap50, metrics.recall) == (0.0, 0.0, 0.0)
    assert (metrics.images, metrics.truths, metrics.detections) == (2, 3, 0)


def test_perfect_detections_measure_as_one(truth):
    metrics = evaluate_detections(truth, PERFECT)
    assert metrics.mean_ap == pytest.approx(1.0)
    assert metrics.ap75 == pytest.approx(1.0)
    assert metrics.recall == pytest.approx(1.0)
    assert set(metrics.by_class) == {'person', 'cone'}
    assert metrics.by_class['person'].truths == 2
    assert metrics.by_size['small'].ap == pytest.approx(1.0)
    assert (metrics.by_size['small'].truths, metrics.by_size['large'].truths) == (1, 2)


def test_size_without_labels_is_not_a_number(truth):
    metrics = evaluate_detections(truth, PERFECT)
    assert math.isnan(metrics.by_size['medium'].ap)
    assert json.loads(json.dumps(metrics.to_dict()))['by_size']['medium']['ap'] is None


def test_half_of_the_overlaps_count_for_a_shifted_box(truth):
    # IoU 0.739: passes at 0.50, 0.55, 0.60, 0.65 and 0.70 alone.
    shifted = (100.0, 130.0, 300.0, 330.0)
    found = [result(1, 1, SMALL), result(1, 2, shifted), result(2, 1, LARGE)]
    metrics = evaluate_detections(truth, found)
    assert metrics.by_class['cone'].ap == pytest.approx(0.5)
    assert metrics.by_class['cone'].ap50 == pytest.approx(1.0)
    assert metrics.mean_ap == pytest.approx(0.75)


def test_false_alarm_with_a_higher_score_costs_precision(truth):
    found = [*PERFECT, result(2, 2, LARGE, score=0.99)]
    assert evaluate_detections(truth, found).by_class['cone'].ap == pytest.approx(0.5)


def test_missed_box_costs_recall(truth):
    metrics = evaluate_detections(truth, PERFECT[1:])
    assert metrics.by_class['person'].ap50 == pytest.approx(51 / 101)
    assert metrics.recall == pytest.approx(0.75)


def test_only_the_surest_detections_count(truth):
    found = [result(1, 2, (i, 0.0, i + 5, 5.0), score=0.99) for i in range(5)] + PERFECT
    assert evaluate_detections(truth, found, max_detections=5).by_class['cone'].ap == 0.0
    assert evaluate_detections(truth, found, max_detections=6).by_class['cone'].ap > 0.1


def test_crowd_counts_neither_way(tmp_path):
    images = [{'id': 1, 'file_name': '1.png', 'width': 640, 'height': 480}]
    boxes = [(1, 'person', SMALL, False), (1, 'person', LARGE, True)]
    crowded = GroundTruth(coco_content(images, boxes, ['person']), tmp_path)
    found = [result(1, 1, (120.0, 120.0, 200.0, 200.0), score=0.99), result(1, 1, SMALL)]
    metrics = evaluate_detections(crowded, found)
    assert metrics.mean_ap == pytest.approx(1.0)
    assert metrics.truths == 1


def test_labels_without_ids_areas_and_crowd_flags_are_measured(truth):
    for annotation in truth.content['annotations']:
        for key in ('id', 'area', 'iscrowd'):
            del annotation[key]
    assert evaluate_detections(truth, PERFECT).mean_ap == pytest.approx(1.0)


def test_result_for_a_strange_picture_is_refused(truth):
    with pytest.raises(ValueError, match=r'image_id \[99\]'):
        evaluate_detections(truth, [result(99, 1, SMALL)])


def test_classes_are_found_by_name(truth):
    assert category_ids_of(['cone', 'dog', 'person'], truth) == [2, None, 1]
    renamed = category_ids_of(['pylon', 'person'], truth, {'pylon': 'cone'})
    assert renamed == [2, 1]


def test_model_without_a_labelled_class_is_refused(truth):
    with pytest.raises(ValueError, match='no class of the model'):
        category_ids_of(['dog'], truth)
    with pytest.raises(ValueError, match="cannot rename 'dog' to 'kone'"):
        category_ids_of(['dog'], truth, {'dog': 'kone'})


def test_detections_become_coco_results(tmp_path):
    detections = Detections([LARGE, SMALL], [0.75, 0.5], [1, 0])
    results = results_of(7, detections, [None, 18])
    assert results == [
        {'image_id': 7, 'category_id': 18, 'bbox': [100, 100, 200, 200], 'score': 0.75}
    ]
    write_results(tmp_path / 'new' / 'results.json', results)
    assert json.loads((tmp_path / 'new' / 'results.json').read_text()) == results


def test_metrics_file_holds_figures_and_what_belongs_to_them(truth, tmp_path):
    metrics = evaluate_detections(truth, PERFECT)
    metrics.write(tmp_path / 'out' / 'metrics.json', model='yolox', data='coco:x.json')
    content = json.loads((tmp_path / 'out' / 'metrics.json').read_text())
    assert content['model'] == 'yolox'
    assert content['mean_ap'] == 1.0
    assert content['by_class']['cone'] == {'ap': 1.0, 'ap50': 1.0, 'truths': 1}
    assert np.isfinite(content['recall'])
