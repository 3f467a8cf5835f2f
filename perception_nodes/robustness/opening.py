"""Models and labelled sets of every task as what robustness is measured on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from perception_nodes.evaluation.datasets import open_dataset
from perception_nodes.evaluation.ground_truth import GroundTruth
from perception_nodes.evaluation.masked_sets import MaskedSet, open_masked_set
from perception_nodes.evaluation.picture_folders import PictureFolders, open_picture_folders
from perception_nodes.inference.frame_model import FrameModel
from perception_nodes.robustness.classification import ClassificationSubject
from perception_nodes.robustness.detection import DetectionSubject
from perception_nodes.robustness.segmentation import SegmentationSubject
from perception_nodes.robustness.subject import Subject

Labelled = MaskedSet | PictureFolders | GroundTruth

SUBJECTS: dict[str, type[Any]] = {
    'segmentation': SegmentationSubject,
    'classification': ClassificationSubject,
    'detection': DetectionSubject,
}
"""By the task of the model."""


def open_labelled(task: str, address: str, images: Path | None = None) -> Labelled:
    """
    Read the labelled set that a task is measured on.

    :param images: folder of the pictures, for ``coco`` alone.
    :raises ValueError: for another task, or as the reader of the set does.
    """
    if task not in SUBJECTS:
        raise ValueError(
            f'robustness is measured of {", ".join(SUBJECTS)}; the model is for {task}'
        )
    if task == 'detection':
        return open_dataset(address, images)
    if images is not None:
        raise ValueError(f'images: a set for {task} brings its own pictures; leave out the folder')
    return open_masked_set(address) if task == 'segmentation' else open_picture_folders(address)


def subject_of(model: FrameModel, labelled: Labelled, renamed: Mapping[str, str]) -> Subject:
    """
    Return a model and its set.

    :param renamed: ``{class of the model: class of the labels}`` where names differ.
    """
    subject: Subject = SUBJECTS[model.task](model=model, labelled=labelled, renamed=renamed)
    return subject
