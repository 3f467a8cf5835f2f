"""Who names crops: a bank of taught classes, or a trained classifier."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from perception_nodes.classification import ClassificationConfig, Classifier
from perception_nodes.fewshot.bank_file import load_bank
from perception_nodes.fewshot.embedding import open_embedder
from perception_nodes.fewshot.prototypes import UNKNOWN, PrototypeBank
from perception_nodes.fewshot.views import embed_views
from perception_nodes.structures import ColorOrder, Frame


class Namer(Protocol):
    """Says what crops show."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes that it knows, at least one."""

    def __call__(self, crops: Sequence[np.ndarray]) -> tuple[tuple[str, ...], np.ndarray]:
        """
        Return the class of each crop, or ``unknown``, and (N,) float32 scores in 0..1.

        :param crops: (h, w, 3) uint8 RGB each, at least one.
        """


class BankNamer:
    """
    Asks a bank of taught classes; the score is :meth:`PrototypeBank.typicality`.

    :raises ValueError: an embedder that is not there.
    """

    def __init__(self, bank: PrototypeBank) -> None:
        self._bank = bank
        self._embedder = open_embedder(bank.embedder_name, bank.embedder_settings)

    @classmethod
    def open(cls, place: str) -> BankNamer:
        """
        Return the namer of a bank's file.

        :raises ValueError: it is no bank, or knows no class.
        """
        bank = load_bank(Path(place.removeprefix('file://')).expanduser())
        if not bank.class_names:
            raise ValueError(
                f'classifier_bank: {place} knows no class; cure: perception enroll NAME IMAGES '
                '--bank FILE'
            )
        return cls(bank)

    @property
    def class_names(self) -> tuple[str, ...]:
        """The taught classes."""
        return self._bank.class_names

    def __call__(self, crops: Sequence[np.ndarray]) -> tuple[tuple[str, ...], np.ndarray]:
        """Return what the bank says."""
        answers = self._bank.classify(embed_views(self._embedder, crops))
        scores = np.array([answer.score for answer in answers])
        return tuple(answer.name for answer in answers), self._bank.typicality(scores)


class ModelNamer:
    """
    Asks a trained classifier; the score is the calibrated probability of the best class.

    :param classifier: opened, used by one thread.
    :param min_confidence: probability below which a crop is unknown, 0..1.
    """

    def __init__(self, classifier: Classifier, min_confidence: float) -> None:
        self._classifier = classifier
        self._config = ClassificationConfig(min_confidence=min_confidence)

    @classmethod
    def open(cls, model: str, min_confidence: float) -> ModelNamer:
        """
        Return the namer of a classification bundle, on one CPU thread beside the detector.

        :raises ValueError: no such bundle, or one of another task.
        """
        return cls(Classifier.load(model, device='cpu', threads=1), min_confidence)

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes of the bundle."""
        return tuple(self._classifier.class_names)

    def __call__(self, crops: Sequence[np.ndarray]) -> tuple[tuple[str, ...], np.ndarray]:
        """Return what the classifier says."""
        found = [
            self._classifier(Frame(pixels=crop, color_order=ColorOrder.RGB), self._config)
            for crop in crops
        ]
        names = [
            UNKNOWN if item.class_id is None else self.class_names[item.class_id] for item in found
        ]
        return tuple(names), np.array([item.confidence for item in found], np.float32)
