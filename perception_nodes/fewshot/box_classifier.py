"""The second stage behind a detector: which taught class each of its boxes shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from perception_nodes.fewshot.bank_file import load_bank
from perception_nodes.fewshot.embedding import open_embedder
from perception_nodes.fewshot.prototypes import PrototypeBank
from perception_nodes.fewshot.views import embed_views
from perception_nodes.structures import ColorOrder, Detections, Frame, check_settings, setting


@dataclass(frozen=True, kw_only=True)
class BoxClassifierConfig:
    """Which boxes are looked at a second time."""

    classifier_bank: str = setting(
        '', 'Bank of taught classes (perception enroll) that names boxes again; empty: none'
    )
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


@dataclass(frozen=True, eq=False, kw_only=True)
class NamedBoxes:
    """
    Boxes and what the bank says of them.

    :param boxes: those that were looked at, highest score of the detector first.
    :param names: taught class of each, or ``unknown``.
    :param typicality: (N,) float32 in 0..1, see :meth:`PrototypeBank.typicality`.
    """

    boxes: Detections
    names: tuple[str, ...]
    typicality: np.ndarray


class BoxClassifier:
    """
    Cuts out boxes and asks a bank.

    :param bank: of taught classes.
    :param class_names: of the detector.
    :param config: which boxes.
    :raises ValueError: for an empty bank, an embedder that is not there, or a class that the
        detector does not have.
    """

    def __init__(
        self, bank: PrototypeBank, class_names: Sequence[str], config: BoxClassifierConfig
    ) -> None:
        if not bank.class_names:
            raise ValueError(
                f'classifier_bank: {config.classifier_bank} knows no class; cure: perception '
                'enroll NAME IMAGES --bank FILE'
            )
        strange = sorted(set(config.classified_classes) - set(class_names))
        if strange:
            raise ValueError(
                f'classified_classes: the detector has no {", ".join(strange)}; its classes: '
                f'{", ".join(class_names)}'
            )
        self._bank, self._config = bank, config
        self._embedder = open_embedder(bank.embedder_name, bank.embedder_settings)
        wanted = config.classified_classes or class_names
        self._wanted = np.array([name in wanted for name in class_names], bool)

    @classmethod
    def open(cls, config: BoxClassifierConfig, class_names: Sequence[str]) -> BoxClassifier | None:
        """
        Return the classifier of the bank that the settings name; None where they name none.

        :raises ValueError: for a file that is no bank, and as the class does.
        """
        if not config.classifier_bank:
            return None
        path = Path(config.classifier_bank.removeprefix('file://')).expanduser()
        return cls(load_bank(path), class_names, config)

    @property
    def class_names(self) -> tuple[str, ...]:
        """The taught classes."""
        return self._bank.class_names

    def __call__(self, frame: Frame, detections: Detections) -> NamedBoxes:
        """
        Return what the boxes of a picture show.

        :param detections: in pixels of the frame, within it.
        """
        boxes, crops = self._cut(frame, detections.sorted_by_score())
        if not crops:
            return NamedBoxes(boxes=boxes, names=(), typicality=np.zeros(0, np.float32))
        answers = self._bank.classify(embed_views(self._embedder, crops))
        scores = np.array([answer.score for answer in answers])
        return NamedBoxes(
            boxes=boxes,
            names=tuple(answer.name for answer in answers),
            typicality=self._bank.typicality(scores),
        )

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
