"""COCO average precision: detections as COCO results, measured by faster-coco-eval."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from perception_nodes.evaluation.ground_truth import (
    GroundTruth,
    LabelledImage,
    read_picture,
)
from perception_nodes.evaluation.metrics import DetectionMetrics, Precision
from perception_nodes.structures import Detections, Frame

# Average precision integrates over all scores: a threshold above this cuts its curve short.
SCORE_THRESHOLD = 0.001
MAX_DETECTIONS = 100
"""Detections per picture that count, as in the COCO protocol."""

_SIZES = ('small', 'medium', 'large')
_BOX_DECIMALS, _SCORE_DECIMALS = 3, 6

Result = dict[str, Any]


def category_ids_of(
    class_names: Sequence[str],
    ground_truth: GroundTruth,
    renamed: Mapping[str, str] | None = None,
) -> list[int | None]:
    """
    Return the category number of each class of a model, by name; None where there is none.

    :param class_names: the model's classes in the order of their numbers.
    :param renamed: ``{class of the model: category of the labels}`` where names differ.
    :raises ValueError: when no class has a category, or a renamed one does not exist.
    """
    renamed, categories = dict(renamed or {}), ground_truth.category_ids
    for name, category in renamed.items():
        if name not in class_names or category not in categories:
            raise ValueError(
                f'cannot rename {name!r} to {category!r}: the model has '
                f'{", ".join(class_names)}; the labels have {", ".join(categories)}'
            )
    numbers = [categories.get(renamed.get(name, name)) for name in class_names]
    if all(number is None for number in numbers):
        raise ValueError(
            f'no class of the model ({", ".join(class_names)}) is a category of the labels '
            f'({", ".join(categories)}); rename one'
        )
    return numbers


def results_of(
    image_id: int, detections: Detections, category_ids: Sequence[int | None]
) -> list[Result]:
    """
    Return one picture's detections as COCO results; classes without category are left out.

    :param detections: boxes in source pixels.
    :param category_ids: category number by class number; see :func:`category_ids_of`.
    """
    results = []
    for (left, top, right, bottom), score, class_id in detections:
        number = category_ids[class_id]
        if number is not None:
            box = (left, top, right - left, bottom - top)
            results.append(
                {
                    'image_id': image_id,
                    'category_id': number,
                    'bbox': [round(float(value), _BOX_DECIMALS) for value in box],
                    'score': round(score, _SCORE_DECIMALS),
                }
            )
    return results


def detect_images(
    images: Sequence[LabelledImage], detect: Callable[[Frame], Detections]
) -> Iterator[tuple[LabelledImage, Detections]]:
    """Yield every picture with what the model says about it."""
    for image in images:
        yield image, detect(read_picture(image.path))


def write_results(path: Path, results: Sequence[Result]) -> None:
    """Write a COCO results file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(list(results)) + '\n', encoding='utf-8')


def evaluate_detections(
    ground_truth: GroundTruth,
    results: Sequence[Result],
    *,
    max_detections: int = MAX_DETECTIONS,
) -> DetectionMetrics:
    """
    Measure detections against labels by the COCO protocol.

    Classes are averaged only where they are labelled; a result for any other category of the
    labels counts for nothing.

    :param ground_truth: labelled set; all its pictures count, also those without results.
    :param results: COCO results of any number of pictures.
    :param max_detections: per picture, at least 1.
    :raises ValueError: for a result of a picture that the labels do not have.
    """
    from faster_coco_eval import COCO, COCOeval_faster

    known = {image.image_id for image in ground_truth.images}
    strangers = sorted({item['image_id'] for item in results} - known)
    if strangers:
        raise ValueError(f'results for pictures without labels: image_id {strangers[:5]} …')
    labels = COCO(_with_required_keys(ground_truth.content), use_deepcopy=True)
    measure = COCOeval_faster(
        labels, labels.loadRes([dict(item) for item in results]), 'bbox', print_function=_silent
    )
    measure.params.maxDets = [1, min(10, max_detections), max_detections]
    measure.evaluate()
    measure.accumulate()
    return _metrics(ground_truth, measure, len(results), max_detections)


def _metrics(
    ground_truth: GroundTruth, measure: Any, detections: int, max_detections: int
) -> DetectionMetrics:
    """Average faster-coco-eval's table (overlap, recall, class, size, limit); −1 is absent."""
    table = np.asarray(measure.eval['precision'])[..., -1]  # (10, 101, K, 4)
    recall = np.asarray(measure.eval['recall'])[..., 0, -1]  # (10, K)
    names = {number: name for name, number in ground_truth.category_ids.items()}
    counted = [a for a in ground_truth.content['annotations'] if not a.get('iscrowd', 0)]
    ranges = dict(zip(measure.params.areaRngLbl, measure.params.areaRng, strict=True))
    by_class = {}
    for column, number in enumerate(measure.params.catIds):
        truths = sum(int(a['category_id']) == int(number) for a in counted)
        if truths:
            by_class[names[int(number)]] = _precision(table[:, :, column, 0], truths)
    by_size = {}
    for index, size in enumerate(_SIZES, start=1):
        low, high = ranges[size]
        truths = sum(bool(low <= _area(a) < high) for a in counted)
        by_size[size] = _precision(table[..., index], truths)
    return DetectionMetrics(
        mean_ap=_mean(table[..., 0]),
        ap50=_mean(table[0, ..., 0]),
        ap75=_mean(table[5, ..., 0]),
        recall=_mean(recall),
        by_size=by_size,
        by_class=by_class,
        images=len(ground_truth.images),
        truths=len(counted),
        detections=detections,
        max_detections=max_detections,
    )


def _precision(table: np.ndarray, truths: int) -> Precision:
    """Return the averages of a part of the table; its first axis is the overlap."""
    return Precision(ap=_mean(table), ap50=_mean(table[0]), truths=truths)


def _mean(values: np.ndarray) -> float:
    present = values[values > -1]
    return float(present.mean()) if present.size else float('nan')


def _area(annotation: Mapping[str, Any]) -> float:
    return float(annotation.get('area', annotation['bbox'][2] * annotation['bbox'][3]))


def _with_required_keys(content: Mapping[str, Any]) -> dict[str, Any]:
    """Fill in what the COCO layout has and hand-made label files often lack."""
    annotations = [
        {'id': index, 'iscrowd': 0, **annotation, 'area': _area(annotation)}
        for index, annotation in enumerate(content['annotations'], start=1)
    ]
    return {
        'images': list(content['images']),
        'annotations': annotations,
        'categories': list(content['categories']),
    }


def _silent(*_: object) -> None:
    """Take the place of the library's print."""
