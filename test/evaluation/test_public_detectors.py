"""Figures of public detectors on real pictures, against an independent decoder's."""

import pytest

from perception_nodes.detection import DetectionConfig, Detector
from perception_nodes.evaluation.coco import (
    category_ids_of,
    detect_images,
    evaluate_detections,
    results_of,
)
from perception_nodes.evaluation.datasets import open_dataset

pytestmark = pytest.mark.data

CONFIG = DetectionConfig(score_threshold=0.001)
TOLERANCE = 0.01


def measure(bundle, truth):
    detector = Detector.load(bundle, device='cpu', threads=2)
    category_ids = category_ids_of(detector.class_names, truth)
    results = []
    for image, found in detect_images(truth.images, lambda frame: detector(frame, CONFIG)):
        results += results_of(image.image_id, found, category_ids)
    detector.close()
    return evaluate_detections(truth, results)


@pytest.mark.parametrize(
    ('name', 'mean_ap', 'ap50'),
    [('yolox_nano_sample', 0.305, 0.478), ('fastestdet', 0.189, 0.336)],
)
def test_coco_figures_agree(public_bundle, shared_data, name, mean_ap, ap50):
    labels = shared_data / 'coco_val_detection' / 'instances_val2017.json'
    metrics = measure(public_bundle(name), open_dataset(f'coco:{labels}'))
    assert metrics.images == 80
    assert metrics.mean_ap == pytest.approx(mean_ap, abs=TOLERANCE)
    assert metrics.ap50 == pytest.approx(ap50, abs=TOLERANCE)


def test_pedestrian_figure_agrees(public_bundle, shared_data):
    truth = open_dataset(f'penn_fudan:{shared_data / "pennfudan"}')
    metrics = measure(public_bundle('yolox_nano_sample'), truth)
    assert metrics.by_class['person'].ap50 == pytest.approx(0.958, abs=TOLERANCE)
    assert metrics.truths == 67
