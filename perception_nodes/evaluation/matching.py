"""Which detection stands for which true thing, and the counts that follow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from perception_nodes.structures import Detections

DEFAULT_IOU = 0.5


@dataclass(frozen=True, eq=False, kw_only=True)
class Matches:
    """
    The pairing of one picture's detections with its true boxes.

    :param pairs: (P, 2) int64 index of the detection and of the true box.
    :param iou: (P,) float32 overlap of each pair.
    :param extra: (E,) int64 detections without a true box: false positives.
    :param missed: (M,) int64 true boxes without a detection: false negatives.
    """

    pairs: np.ndarray
    iou: np.ndarray
    extra: np.ndarray
    missed: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Counts:
    """
    Hits and misses over any number of pictures.

    :param hits: detections with a true box.
    :param extra: detections without one.
    :param missed: true boxes without a detection.
    """

    hits: int = 0
    extra: int = 0
    missed: int = 0

    def __add__(self, other: Counts) -> Counts:
        """Return the counts of both."""
        return Counts(
            hits=self.hits + other.hits,
            extra=self.extra + other.extra,
            missed=self.missed + other.missed,
        )

    @property
    def precision(self) -> float:
        """Part of the detections that are right, NaN without detections."""
        return _ratio(self.hits, self.hits + self.extra)

    @property
    def recall(self) -> float:
        """Part of the true boxes that were found, NaN without true boxes."""
        return _ratio(self.hits, self.hits + self.missed)


def box_iou(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """
    Return the overlap of every pair of boxes.

    :param first: (N, 4) left, top, right, bottom.
    :param second: (M, 4) likewise.
    :returns: (N, M) float64 intersection over union in 0..1; 0 where both areas are 0.
    """
    a, b = np.asarray(first, np.float64)[:, None], np.asarray(second, np.float64)[None]
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    shared = sides.clip(0).prod(axis=-1)
    areas = [(box[..., 2:] - box[..., :2]).prod(axis=-1) for box in (a, b)]
    union = areas[0] + areas[1] - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def match_boxes(
    detections: Detections,
    truth_xyxy: np.ndarray,
    truth_class_ids: np.ndarray,
    *,
    iou_threshold: float = DEFAULT_IOU,
    class_agnostic: bool = False,
) -> Matches:
    """
    Give each detection, surest first, the free true box it overlaps most.

    :param detections: in any order.
    :param truth_xyxy: (M, 4) true boxes in the same pixels.
    :param truth_class_ids: (M,) integer in the detector's class numbers; −1 for a class it does
        not know.
    :param iou_threshold: smallest overlap of a pair.
    :param class_agnostic: let classes differ within a pair.
    """
    overlap = box_iou(detections.xyxy, np.asarray(truth_xyxy).reshape(-1, 4))
    if not class_agnostic:
        classes = np.asarray(truth_class_ids).reshape(-1)
        overlap = np.where(detections.class_ids[:, None] == classes[None], overlap, -1.0)
    is_free = np.ones(overlap.shape[1], dtype=bool)
    pairs = []
    for index in np.argsort(-detections.scores, kind='stable') if is_free.size else ():
        candidates = np.where(is_free, overlap[index], -1.0)
        best = int(candidates.argmax())
        if candidates[best] >= iou_threshold:
            is_free[best] = False
            pairs.append((int(index), best))
    paired = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return Matches(
        pairs=paired,
        iou=overlap[paired[:, 0], paired[:, 1]].astype(np.float32),
        extra=np.setdiff1d(np.arange(len(detections)), paired[:, 0]),
        missed=np.flatnonzero(is_free),
    )


def count_by_class(
    pictures: Iterable[tuple[Detections, np.ndarray, np.ndarray]],
    class_names: Sequence[str],
    *,
    iou_threshold: float = DEFAULT_IOU,
) -> dict[str, Counts]:
    """
    Count hits and misses per class.

    :param pictures: (detections, true boxes (M, 4), true class numbers (M,)) of each picture.
    :param class_names: names by class number.
    :returns: counts of every class, also of those that never occur.
    """
    counts = {name: Counts() for name in class_names}
    for detections, xyxy, class_ids in pictures:
        found = match_boxes(detections, xyxy, class_ids, iou_threshold=iou_threshold)
        for number, name in enumerate(class_names):
            counts[name] += Counts(
                hits=int((detections.class_ids[found.pairs[:, 0]] == number).sum()),
                extra=int((detections.class_ids[found.extra] == number).sum()),
                missed=int((np.asarray(class_ids)[found.missed] == number).sum()),
            )
    return counts


def total(counts: Mapping[str, Counts]) -> Counts:
    """Return the sum over all classes."""
    return sum(counts.values(), Counts())


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else float('nan')
