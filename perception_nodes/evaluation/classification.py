"""
How good a classifier is: one confusion matrix of the set, and calibration of the confidence.

Calibration: M. P. Naeini et al., "Obtaining Well Calibrated Probabilities Using Bayesian Binning"
(2015), with equally wide bins of the most probable class.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perception_nodes.evaluation.metrics import Figures
from perception_nodes.evaluation.reliability import (
    ReliabilityBin,
    calibration_error,
    reliability_of,
)
from perception_nodes.structures import Classification

BINS = 15
FEW = 5
"""Of so many classes or fewer the right one is always among the first five."""


@dataclass(frozen=True, kw_only=True)
class NamedFigures:
    """
    Figures of one class, 0..1; NaN where there is nothing to divide by.

    :param recall: share of its pictures that were called so.
    :param precision: share of the pictures called so that are.
    :param pictures: labelled pictures of the class.
    """

    recall: float
    precision: float
    pictures: int


@dataclass(frozen=True, kw_only=True)
class ClassificationMetrics(Figures):
    """
    The figures of a labelled set; no class named counts as wrong.

    :param top1: share of the pictures whose class is named.
    :param top5: share whose class is among the five most probable; NaN for five classes or fewer.
    :param mean_recall: mean over the classes that have pictures.
    :param calibration_error: expected calibration error (15 bins) of the most probable class.
    :param named: share of the pictures for which a class is named.
    :param top1_of_named: share of those that is right; NaN without any.
    :param by_class: figures by name.
    :param reliability: the bins of the calibration error, rising.
    :param confusion: (C, C + 1) pictures: rows are labels, columns what was named, the last one
        nothing or a class that the labels do not have.
    :param pictures: number of pictures.
    """

    top1: float
    top5: float
    mean_recall: float
    calibration_error: float
    named: float
    top1_of_named: float
    by_class: dict[str, NamedFigures]
    reliability: tuple[ReliabilityBin, ...]
    confusion: list[list[int]]
    pictures: int


class ClassificationMeter:
    """
    Adds up pictures one by one.

    :param classes: of the labels, in the order of their numbers.
    :param numbers: of each class of the model, see
        :func:`~perception_nodes.evaluation.class_numbers.label_numbers`; None: the same classes.
    """

    def __init__(
        self, classes: Sequence[str], numbers: Sequence[int | None] | None = None
    ) -> None:
        self._classes = tuple(classes)
        self._numbers = list(range(len(classes))) if numbers is None else list(numbers)
        self._confusion = np.zeros((len(classes), len(classes) + 1), np.int64)
        self._among_five = 0
        self._confidence: list[float] = []
        self._right: list[bool] = []

    def add(self, truth: int, found: Classification) -> bool:
        """
        Count one picture; return whether its class was named.

        :param truth: number of the class in the labels.
        :param found: in the numbers of the model.
        """
        ranked = [self._numbers[class_id] for class_id in found.class_ids[:FEW].tolist()]
        column = None if found.class_id is None else ranked[0]
        self._confusion[truth, len(self._classes) if column is None else column] += 1
        self._among_five += truth in ranked
        if ranked:
            self._confidence.append(found.confidence)
            self._right.append(ranked[0] == truth)
        return column == truth

    def metrics(self) -> ClassificationMetrics:
        """Return the figures of everything added so far."""
        square = self._confusion[:, :-1]
        right, labelled, called = np.diag(square), self._confusion.sum(1), square.sum(0)
        recall, precision = _ratio(right, labelled), _ratio(right, called)
        total, named = labelled.sum(), labelled.sum() - self._unnamed()
        bins = reliability_of(np.array(self._confidence), np.array(self._right), BINS)
        known = recall[labelled > 0]
        return ClassificationMetrics(
            top1=float(_ratio(right.sum(), total)),
            top5=(
                float(_ratio(self._among_five, total))
                if len(self._classes) > FEW
                else float('nan')
            ),
            mean_recall=float(known.mean()) if len(known) else float('nan'),
            calibration_error=calibration_error(bins),
            named=float(_ratio(named, total)),
            top1_of_named=float(_ratio(right.sum(), named)),
            by_class={
                name: NamedFigures(
                    recall=float(recall[i]),
                    precision=float(precision[i]),
                    pictures=int(labelled[i]),
                )
                for i, name in enumerate(self._classes)
            },
            reliability=bins,
            confusion=self._confusion.tolist(),
            pictures=int(total),
        )

    def _unnamed(self) -> int:
        return int(self._confusion[:, -1].sum())


def _ratio(part: np.ndarray | float, whole: np.ndarray | float) -> np.ndarray:
    """Return part / whole, NaN where the whole is 0."""
    part, whole = np.asarray(part, np.float64), np.asarray(whole, np.float64)
    return np.divide(part, whole, out=np.full(whole.shape, np.nan), where=whole > 0)
