"""Pictures of the page about robustness: the most wrong ones, each beside its labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from perception_nodes.cli.classification_report import Wrong, wrong_tile
from perception_nodes.cli.detection_report import boxes_beside_truth
from perception_nodes.cli.opened_model import named
from perception_nodes.cli.segmentation_report import Worst, masks_beside_truth
from perception_nodes.evaluation.decisions import DECIDED_FROM, detections_of
from perception_nodes.robustness.classification import ClassificationSubject
from perception_nodes.robustness.detection import DetectionSubject
from perception_nodes.robustness.segmentation import SegmentationSubject
from perception_nodes.robustness.stand import Robustness, most_wrong
from perception_nodes.robustness.subject import Spoil, Subject
from perception_nodes.structures import Frame
from perception_nodes.visualization.report import Picture, picture

_SHOWN = 6


def worst_pictures(subject: Subject, item: Robustness) -> list[Picture]:
    """Return pictures that are most wrong, each under another corruption, with their labels."""
    pictures = []
    for corruption in most_wrong(item, _SHOWN):
        name, severity = corruption
        stand = item.by_corruption[name][severity]
        words = f'{name} {severity}, {stand.worst_picture}: {100 * stand.worst_wrong:.1f} % wrong'
        drawn = _DRAWN[type(subject)](subject, stand.worst_picture, corruption)
        pictures.append(picture(drawn, words))
    return pictures


def _masks(subject: SegmentationSubject, name: str, corruption: Spoil) -> Frame:
    frame, truth, found = subject.look(name, corruption)
    entry = Worst(name=name, frame=frame, truth=truth, found=found, wrong=0.0)
    return masks_beside_truth(entry, subject.labelled.classes)


def _boxes(subject: DetectionSubject, name: str, corruption: Spoil) -> Frame:
    frame, results = subject.look(name, corruption)
    decided = [item for item in results if item['score'] >= DECIDED_FROM]
    found = detections_of(decided)
    return boxes_beside_truth(frame, found, subject.labelled, subject.image_id(name))


def _class(subject: ClassificationSubject, name: str, corruption: Spoil) -> Frame:
    frame, found = subject.look(name, corruption)
    entry = Wrong(
        name=name, frame=frame, truth=subject.truth(name), confidence=found.confidence,
        found=named(found.class_id, subject.model.class_names),
    )  # fmt: skip
    return wrong_tile(entry)


_DRAWN: dict[type[Subject], Callable[[Any, str, Spoil], Frame]] = {
    SegmentationSubject: _masks,
    DetectionSubject: _boxes,
    ClassificationSubject: _class,
}
