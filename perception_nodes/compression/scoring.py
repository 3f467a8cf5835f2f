"""How good a model of any task is on a labelled set: one number, higher is better."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from perception_nodes.classification import Classifier
from perception_nodes.detection import DetectionConfig, Detector
from perception_nodes.evaluation.class_numbers import label_numbers
from perception_nodes.evaluation.classification import ClassificationMeter
from perception_nodes.evaluation.coco import (
    category_ids_of,
    detect_images,
    evaluate_detections,
    results_of,
)
from perception_nodes.evaluation.datasets import open_dataset
from perception_nodes.evaluation.ground_truth import read_picture
from perception_nodes.evaluation.masked_sets import open_masked_set
from perception_nodes.evaluation.picture_folders import open_picture_folders
from perception_nodes.evaluation.segmentation import SegmentationMeter, number_table
from perception_nodes.segmentation import Segmenter

T = TypeVar('T')
Track = Callable[[Iterable[T], str], Iterable[T]]

# Average precision integrates over all scores: a threshold above this cuts its curve short.
_ALL_SCORES = DetectionConfig(score_threshold=0.001)


@dataclass(frozen=True, eq=False, kw_only=True)
class LabelledSet:
    """
    Pictures with labels, for one task.

    :param metric: name of the score.
    :param pictures: files, in the order of the set.
    :param measure: the score of an opened model; shows progress through what it is given.
    """

    metric: str
    pictures: tuple[Path, ...]
    measure: Callable[[Any, Track], float]

    def score(self, model: Any, track: Track) -> float:
        """
        Return the score of an opened model.

        :raises ValueError: when the labels give none.
        """
        found = self.measure(model, track)
        if not math.isfinite(found):
            raise ValueError(
                f'{self.metric} of {model.bundle.name} is {found} on {len(self.pictures)} '
                'pictures: their labels show nothing that it could be right about; give a set '
                'that shows its classes (perception data check tells what is in one)'
            )
        return found


def open_labelled(task: str, address: str) -> LabelledSet:
    """
    Return a labelled set for a task.

    :param address: as ``perception evaluate`` takes it.
    :raises ValueError: for a task without a score, or a set that cannot be read.
    """
    opening = _OPENING.get(task)
    if opening is None:
        raise ValueError(f'task {task} has no score here; those that have: {", ".join(_OPENING)}')
    return opening(address)


def _masks(address: str) -> LabelledSet:
    labelled = open_masked_set(address)

    def score(segmenter: Segmenter, track: Track) -> float:
        table = number_table(segmenter.class_names, labelled.classes, {})
        meter = SegmentationMeter(labelled.classes)
        for picture in track(labelled.pictures, f'Scoring {segmenter.bundle.name}'):
            frame, truth = labelled.read(picture)
            found = segmenter(frame)
            meter.add(truth, replace(found, class_ids=table[found.class_ids]))
        return float(meter.metrics().mean_iou)

    return LabelledSet(
        metric='mIoU', pictures=tuple(item.path for item in labelled.pictures), measure=score
    )


def _boxes(address: str) -> LabelledSet:
    truth = open_dataset(address)

    def score(detector: Detector, track: Track) -> float:
        numbers = category_ids_of(detector.class_names, truth)
        rows: list[dict[str, Any]] = []
        pairs = detect_images(truth.images, lambda frame: detector(frame, _ALL_SCORES))
        for image, found in track(pairs, f'Scoring {detector.bundle.name}'):
            rows += results_of(image.image_id, found, numbers)
        return float(evaluate_detections(truth, rows).ap50)

    return LabelledSet(
        metric='mAP50', pictures=tuple(item.path for item in truth.images), measure=score
    )


def _classes(address: str) -> LabelledSet:
    labelled = open_picture_folders(address)

    def score(classifier: Classifier, track: Track) -> float:
        numbers = label_numbers(classifier.class_names, labelled.classes, {})
        meter = ClassificationMeter(labelled.classes, numbers)
        for item in track(labelled.pictures, f'Scoring {classifier.bundle.name}'):
            meter.add(item.class_id, classifier(read_picture(item.path)))
        return float(meter.metrics().top1)

    return LabelledSet(
        metric='top1', pictures=tuple(item.path for item in labelled.pictures), measure=score
    )


_OPENING: dict[str, Callable[[str], LabelledSet]] = {
    Segmenter.task: _masks,
    Detector.task: _boxes,
    Classifier.task: _classes,
}
