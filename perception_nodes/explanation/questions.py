"""What is asked of a model about a changed picture: how much of a decision is left of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from perception_nodes.classification import Classifier
from perception_nodes.detection import DetectionConfig, Detector
from perception_nodes.evaluation.matching import box_iou
from perception_nodes.inference.bundle import ModelBundle
from perception_nodes.inference.frame_model import FrameModel
from perception_nodes.segmentation import SegmentationConfig, Segmenter
from perception_nodes.structures import (
    UNLABELLED,
    Classification,
    Detections,
    Frame,
    SegmentationMask,
)

FAINTEST_SCORE = 0.02
"""Boxes of a veiled picture count from this score on: a fading box still tells something."""
SMALLEST_REGION = 0.005
"""Part of the picture below which the region of a class is no subject."""


class Question(Protocol):
    """K decisions about one picture, asked again about pictures that were changed."""

    @property
    def names(self) -> tuple[str, ...]:
        """What each decision was, for people."""
        ...

    def __call__(self, frame: Frame) -> np.ndarray:
        """
        Return how much of each decision is left.

        :param frame: of the size of the picture that was decided about.
        :returns: (K,) float64, 0 nothing … 1 all.
        """
        ...


class BoxQuestion:
    """
    Whether a detector still finds boxes: D-RISE, Petsiuk et al., CVPR 2021, equation 2.

    What is left of a box is the largest overlap (IoU) times score among the found ones of its
    class.

    :param detector: of the boxes.
    :param targets: what it found in the unchanged picture.
    """

    def __init__(self, detector: Detector, targets: Detections) -> None:
        self._detector, self.targets = detector, targets
        self._config = DetectionConfig(score_threshold=FAINTEST_SCORE)

    @property
    def names(self) -> tuple[str, ...]:
        """Class and score of each box."""
        classes = self._detector.class_names
        return tuple(f'{classes[number]} {score:.2f}' for _, score, number in self.targets)

    @property
    def bundle(self) -> ModelBundle:
        """What is asked."""
        return self._detector.bundle

    def __call__(self, frame: Frame) -> np.ndarray:
        """Return what is left of each box."""
        found = self._detector(frame, self._config)
        if not len(found):
            return np.zeros(len(self.targets))
        left = box_iou(self.targets.xyxy, found.xyxy) * found.scores
        same = self.targets.class_ids[:, None] == found.class_ids
        kept: np.ndarray = np.where(same, left, 0.0).max(axis=1)
        return kept


class RegionQuestion:
    """
    Whether a segmenter still gives regions their classes.

    What is left of a region is the mean confidence of its class over its pixels, 0 where another
    class has won.

    :param segmenter: of the mask.
    :param mask: what it said about the unchanged picture.
    :param classes: class numbers; the region of each are its pixels in the mask.
    """

    def __init__(
        self, segmenter: Segmenter, mask: SegmentationMask, classes: Sequence[int]
    ) -> None:
        self._segmenter, self.classes = segmenter, tuple(classes)
        self.regions = [mask.class_ids == number for number in classes]
        self._config = SegmentationConfig(min_confidence=0.0)

    @property
    def names(self) -> tuple[str, ...]:
        """Class of each region."""
        return tuple(self._segmenter.class_names[number] for number in self.classes)

    @property
    def bundle(self) -> ModelBundle:
        """What is asked."""
        return self._segmenter.bundle

    def __call__(self, frame: Frame) -> np.ndarray:
        """Return what is left of each region."""
        mask = self._segmenter(frame, self._config)
        sure = np.full(mask.class_ids.shape, 255) if mask.confidence is None else mask.confidence
        left = [
            np.where(mask.class_ids[region] == number, sure[region], 0).mean() / 255
            for number, region in zip(self.classes, self.regions, strict=True)
        ]
        return np.array(left)


class ClassQuestion:
    """
    Whether a classifier still gives a picture its classes: RISE, Petsiuk et al., BMVC 2018.

    What is left of a class is its calibrated probability.

    :param classifier: of the picture.
    :param found: what it said about the unchanged picture.
    :param most: of the most probable classes that are asked about.
    """

    def __init__(self, classifier: Classifier, found: Classification, most: int) -> None:
        self._classifier = classifier
        self.classes = tuple(found.class_ids[:most].tolist())
        self._shares = tuple(found.probabilities[:most].tolist())

    @property
    def names(self) -> tuple[str, ...]:
        """Class and probability of each."""
        names = self._classifier.class_names
        pairs = zip(self.classes, self._shares, strict=True)
        return tuple(f'{names[number]} {share:.2f}' for number, share in pairs)

    @property
    def bundle(self) -> ModelBundle:
        """What is asked."""
        return self._classifier.bundle

    def __call__(self, frame: Frame) -> np.ndarray:
        """Return what is left of each class."""
        found = self._classifier(frame)
        return np.array([found.probability_of(number) for number in self.classes])


def questions_about(model: FrameModel[Any, Any], frame: Frame, most: int) -> Question | None:
    """
    Return the question about what a model says of a picture; None where it says nothing.

    :param most: boxes with the highest scores, largest regions, or most probable classes, that
        are asked about.
    :raises ValueError: for a model of another task.
    """
    if isinstance(model, Detector):
        boxes = model(frame)[:most]
        return BoxQuestion(model, boxes) if len(boxes) else None
    if isinstance(model, Segmenter):
        mask = model(frame)
        counts = np.bincount(mask.class_ids.ravel(), minlength=256)[:UNLABELLED]
        large = np.argsort(-counts, kind='stable')[:most]
        chosen = [int(k) for k in large if counts[k] >= SMALLEST_REGION * mask.class_ids.size]
        return RegionQuestion(model, mask, chosen) if chosen else None
    if isinstance(model, Classifier):
        classes = model(frame)
        return ClassQuestion(model, classes, most) if len(classes) else None
    raise ValueError(
        f'{model.bundle.name}: task {model.task} has no explanation; take a bundle for detection, '
        'segmentation or classification'
    )
