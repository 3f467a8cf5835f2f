"""Boxes of a detector, cut out and named once more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perception_nodes.second_stage.namers import BankNamer, ModelNamer, Namer
from perception_nodes.structures import ColorOrder, Detections, Frame, check_settings, setting


@dataclass(frozen=True, kw_only=True)
class BoxClassifierConfig:
    """Which boxes are looked at a second time."""

    classifier_bank: str = setting(
        '', 'Bank of taught classes (perception enroll) that names boxes again; empty: none'
    )
    classifier_model: str = setting(
        '', 'Classification bundle that names boxes again, instead of a bank; empty: none'
    )
    classifier_min_confidence: float = setting(
        0.5, 'Probability below which classifier_model calls a box unknown, 0..1',
        minimum=0.0, maximum=1.0,
    )  # fmt: skip
    classified_classes: tuple[str, ...] = setting(
        (), 'Classes of the detector whose boxes are looked at again; empty: all'
    )
    classifier_max_boxes: int = setting(
        8, 'Boxes of a picture that are looked at again, highest score first',
        minimum=1, maximum=1000,
    )  # fmt: skip
    classifier_min_side_px: int = setting(
        16, 'Boxes with a shorter side are not looked at again, pixels', minimum=4, maximum=10_000
    )

    def __post_init__(self) -> None:
        """Check every value."""
        object.__setattr__(self, 'classified_classes', tuple(self.classified_classes))
        check_settings(self)
        if self.classifier_bank and self.classifier_model:
            raise ValueError(
                f'classifier_bank: {self.classifier_bank} and classifier_model: '
                f'{self.classifier_model} both name boxes; leave one empty'
            )


@dataclass(frozen=True, eq=False, kw_only=True)
class NamedBoxes:
    """
    Boxes and what the second stage says of them.

    :param boxes: those that were looked at, highest score of the detector first.
    :param names: class of each, or ``unknown``.
    :param scores: (N,) float32 in 0..1: typicality or probability, see ``namers``.
    """

    boxes: Detections
    names: tuple[str, ...]
    scores: np.ndarray


class BoxClassifier:
    """
    Cuts out boxes and asks what they show.

    :param namer: who is asked.
    :param class_names: of the detector.
    :param config: which boxes.
    :raises ValueError: for a class that the detector does not have.
    """

    def __init__(
        self, namer: Namer, class_names: Sequence[str], config: BoxClassifierConfig
    ) -> None:
        strange = sorted(set(config.classified_classes) - set(class_names))
        if strange:
            raise ValueError(
                f'classified_classes: the detector has no {", ".join(strange)}; its classes: '
                f'{", ".join(class_names)}'
            )
        self._namer, self._config = namer, config
        wanted = config.classified_classes or class_names
        self._wanted = np.array([name in wanted for name in class_names], bool)

    @classmethod
    def open(cls, config: BoxClassifierConfig, class_names: Sequence[str]) -> BoxClassifier | None:
        """
        Return the second stage that the settings name; None where they name none.

        :raises ValueError: for a file that is no bank or bundle, and as the class does.
        """
        if config.classifier_model:
            model = ModelNamer.open(config.classifier_model, config.classifier_min_confidence)
            return cls(model, class_names, config)
        if config.classifier_bank:
            return cls(BankNamer.open(config.classifier_bank), class_names, config)
        return None

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes that boxes are named by."""
        return self._namer.class_names

    def __call__(self, frame: Frame, detections: Detections) -> NamedBoxes:
        """
        Return what the boxes of a picture show.

        :param detections: in pixels of the frame, within it.
        """
        boxes, crops = self._cut(frame, detections.sorted_by_score())
        if not crops:
            return NamedBoxes(boxes=boxes, names=(), scores=np.zeros(0, np.float32))
        names, scores = self._namer(crops)
        return NamedBoxes(boxes=boxes, names=names, scores=scores)

    def _cut(self, frame: Frame, detections: Detections) -> tuple[Detections, list[np.ndarray]]:
        """Return the boxes that are looked at, and their (h, w, 3) uint8 RGB crops."""
        width, height = frame.size_wh
        corners = np.rint(detections.xyxy).astype(int).clip(0, (width, height, width, height))
        sides = corners[:, 2:] - corners[:, :2]
        seen = self._wanted[detections.class_ids]
        seen &= sides.min(axis=1, initial=10**9) >= self._config.classifier_min_side_px
        chosen = np.flatnonzero(seen)[: self._config.classifier_max_boxes]
        rgb = frame.in_order(ColorOrder.RGB)
        crops = [
            np.ascontiguousarray(rgb[top:bottom, left:right])
            for left, top, right, bottom in corners[chosen]
        ]
        return detections[chosen], crops
