"""
How good masks are: one confusion matrix of the whole set, and calibration of the confidence.

mIoU is the mean over classes of TP / (TP + FP + FN), counted over all pictures together, as
Cityscapes and PASCAL VOC do. Calibration: M. P. Naeini et al., "Obtaining Well Calibrated
Probabilities Using Bayesian Binning" (2015), with equally wide bins of the top class.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from perception_nodes.evaluation.class_numbers import label_numbers
from perception_nodes.evaluation.metrics import Figures
from perception_nodes.evaluation.reliability import ReliabilityBin, calibration_error
from perception_nodes.structures import UNLABELLED, SegmentationMask

BINS = 15
_LEVELS = 256  # of a confidence byte


@dataclass(frozen=True, kw_only=True)
class ClassFigures:
    """
    Figures of one class, 0..1; NaN where there is nothing to divide by.

    :param iou: intersection over union.
    :param precision: share of what was called so that is so.
    :param recall: share of what is so that was called so.
    :param pixels: labelled pixels of the class.
    """

    iou: float
    precision: float
    recall: float
    pixels: int


@dataclass(frozen=True, kw_only=True)
class SegmentationMetrics(Figures):
    """
    The figures of a labelled set.

    :param mean_iou: mean over the classes that are labelled or found.
    :param pixel_accuracy: share of the labelled pixels that is right.
    :param mean_accuracy: mean recall of the classes.
    :param calibration_error: expected calibration error (15 bins), NaN without confidence.
    :param by_class: figures by name.
    :param reliability: the bins of the calibration error, rising.
    :param confusion: (C, C + 1) pixels: rows are labels, columns what was found, the last one
        unlabelled or a class that the labels do not have.
    :param pictures: number of pictures.
    :param pixels: labelled pixels.
    """

    mean_iou: float
    pixel_accuracy: float
    mean_accuracy: float
    calibration_error: float
    by_class: dict[str, ClassFigures]
    reliability: tuple[ReliabilityBin, ...]
    confusion: list[list[int]]
    pictures: int
    pixels: int


class SegmentationMeter:
    """
    Adds up pictures one by one.

    :param classes: of the labels, in the order of their numbers.
    """

    def __init__(self, classes: Sequence[str]) -> None:
        self._classes = tuple(classes)
        size = len(self._classes)
        self._confusion = np.zeros((size, size + 1), np.int64)
        self._seen = np.zeros(_LEVELS, np.int64)
        self._right = np.zeros(_LEVELS, np.int64)
        self._pictures = 0

    def add(self, truth: np.ndarray, found: SegmentationMask) -> None:
        """
        Count one picture.

        :param truth: (H, W) uint8 class numbers, 255 counts neither way.
        :param found: in the numbers of the labels; see :func:`number_table`.
        :raises ValueError: when the sizes differ.
        """
        if truth.shape != found.class_ids.shape:
            raise ValueError(f'labels are {truth.shape}, the mask is {found.class_ids.shape}')
        size = len(self._classes)
        counts = truth != UNLABELLED
        labels = truth[counts].astype(np.int64)
        guesses = np.minimum(found.class_ids[counts], size).astype(np.int64)
        pairs = np.bincount(labels * (size + 1) + guesses, minlength=size * (size + 1))
        self._confusion += pairs.reshape(size, size + 1)
        self._pictures += 1
        if found.confidence is not None:
            named = guesses < size  # nothing is claimed about unlabelled pixels
            bytes_ = found.confidence[counts][named]
            self._seen += np.bincount(bytes_, minlength=_LEVELS)
            right = labels[named] == guesses[named]
            self._right += np.bincount(bytes_[right], minlength=_LEVELS)

    def metrics(self) -> SegmentationMetrics:
        """Return the figures of everything added so far."""
        square = self._confusion[:, :-1]
        right, labelled = np.diag(square), self._confusion.sum(axis=1)
        called = square.sum(axis=0)
        iou = _ratio(right, labelled + called - right)
        recall, precision = _ratio(right, labelled), _ratio(right, called)
        bins = self._reliability()
        return SegmentationMetrics(
            mean_iou=_mean(iou),
            pixel_accuracy=float(_ratio(right.sum(), labelled.sum())),
            mean_accuracy=_mean(recall),
            calibration_error=calibration_error(bins),
            by_class={
                name: ClassFigures(
                    iou=float(iou[i]),
                    precision=float(precision[i]),
                    recall=float(recall[i]),
                    pixels=int(labelled[i]),
                )
                for i, name in enumerate(self._classes)
            },
            reliability=bins,
            confusion=self._confusion.tolist(),
            pictures=self._pictures,
            pixels=int(labelled.sum()),
        )

    def _reliability(self) -> tuple[ReliabilityBin, ...]:
        """Return the bins; a confidence on an edge belongs to the bin below."""
        levels = np.arange(_LEVELS)
        bin_of = np.maximum(-(-levels * BINS // (_LEVELS - 1)) - 1, 0)
        bins = []
        for index in range(BINS):
            inside = bin_of == index
            seen = self._seen[inside]
            claimed = float(seen @ levels[inside]) / (_LEVELS - 1)
            bins.append(
                ReliabilityBin(
                    confidence=float(_ratio(claimed, seen.sum())),
                    accuracy=float(_ratio(self._right[inside].sum(), seen.sum())),
                    count=int(seen.sum()),
                )
            )
        return tuple(bins)


def number_table(
    found: Sequence[str], labels: Sequence[str], renamed: Mapping[str, str] | None = None
) -> np.ndarray:
    """
    Return the (256,) uint8 number in the labels of every number in a mask, by class name.

    Classes that the labels do not have become unlabelled: where they are found, the label was
    missed.

    :param found: class names of the masks.
    :param labels: class names of the labels.
    :param renamed: ``{class of the model: class of the labels}`` where names differ.
    :raises ValueError: when no class has a label, or a renamed one does not exist.
    """
    table = np.full(_LEVELS, UNLABELLED, np.uint8)
    for number, label in enumerate(label_numbers(found, labels, renamed)):
        if label is not None:
            table[number] = label
    return table


def wrong_share(truth: np.ndarray, class_ids: np.ndarray) -> float:
    """
    Return the share of the labelled pixels that is wrong, 0 where nothing is labelled.

    :param truth: (H, W) uint8 class numbers, 255 counts neither way.
    :param class_ids: (H, W) uint8 what was found, in the numbers of the labels.
    """
    counts = truth != UNLABELLED
    return float((class_ids[counts] != truth[counts]).mean()) if counts.any() else 0.0


def _ratio(part: np.ndarray | float, whole: np.ndarray | float) -> np.ndarray:
    """Return part / whole, NaN where the whole is 0."""
    part, whole = np.asarray(part, np.float64), np.asarray(whole, np.float64)
    return np.divide(part, whole, out=np.full(whole.shape, np.nan), where=whole > 0)


def _mean(values: np.ndarray) -> float:
    """Return the mean of the values that are there, NaN when there are none."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float('nan')
