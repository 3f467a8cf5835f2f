"""Boxes that a detector writes where it is sure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from perception_nodes.detection import DetectionConfig, Detector
from perception_nodes.evaluation.ground_truth import coco_content
from perception_nodes.imaging.picture_file import write_picture
from perception_nodes.learning.pseudo_labels import LEVELS, PseudoLabels, check_new, write_card
from perception_nodes.structures import ColorOrder, Frame

ANNOTATIONS = 'annotations.json'
_Row = tuple[int, str, list[float], bool]


def write_pseudo_boxes(
    detector: Detector,
    frames: Iterable[tuple[str, Frame]],
    out: Path,
    *,
    confidence: float,
    doubt: float,
) -> PseudoLabels:
    """
    Write a set that ``coco:OUT/annotations.json`` opens: pictures and boxes.

    A box of which the model is sure is an object. One of which it is less sure becomes a region
    that counts neither way (``iscrowd``): a student is neither taught a mistake there nor taught
    that nothing is there. One thing gets one box, also of several classes.

    :param detector: answers in the classes of its bundle.
    :param frames: names without suffix, each once, and pictures.
    :param out: folder, new or empty.
    :param confidence: from this score on a box is an object, 0..1.
    :param doubt: from this score on it is an uncertain region; what is fainter is background.
    :raises ValueError: for scores in the wrong order, no picture, or a folder that is not empty.
    """
    if not 0.0 < doubt <= confidence <= 1.0:
        raise ValueError(
            f'doubt {doubt} and confidence {confidence} must lie in this order above 0 and up to 1'
        )
    check_new(out)
    config = DetectionConfig(score_threshold=doubt, nms_class_agnostic=True)
    names, counts = [], np.zeros((2, len(detector.class_names), LEVELS), np.int64)
    images: list[dict[str, Any]] = []
    rows: list[_Row] = []
    scores: list[float] = []
    for number, (name, frame) in enumerate(frames, start=1):
        found = detector(frame, config)
        file = f'images/{name}.jpg'
        write_picture(out / file, frame.in_order(ColorOrder.BGR))
        width, height = frame.size_wh
        images.append({'id': number, 'file_name': file, 'width': width, 'height': height})
        for box, score, class_id in found:
            is_sure = score >= confidence
            rows.append((number, detector.class_names[class_id], box.tolist(), not is_sure))
            scores.append(round(score, 4))
            counts[int(is_sure), class_id, round(score * (LEVELS - 1))] += 1
        names.append(name)
    if not names:
        raise ValueError('there is not one picture to label')
    _write_annotations(out / ANNOTATIONS, images, rows, scores, detector.class_names)
    write_card(
        out,
        classes=list(detector.class_names),
        labelled_by=detector.description,
        confidence=confidence,
        doubt=doubt,
    )
    uncertain, kept = counts
    return PseudoLabels(
        classes=detector.class_names,
        unit='boxes',
        names=tuple(names),
        kept=kept,
        uncertain=uncertain,
        lowest=np.where(counts.any(axis=(0, 2)), confidence, np.nan),
    )


def _write_annotations(
    path: Path,
    images: list[dict[str, Any]],
    rows: list[_Row],
    scores: list[float],
    classes: Sequence[str],
) -> None:
    content = coco_content(images, rows, classes)
    for annotation, score in zip(content['annotations'], scores, strict=True):
        annotation['score'] = score
    path.write_text(json.dumps(content) + '\n', encoding='utf-8')
