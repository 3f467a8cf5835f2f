"""Score filters and box formats that all decoders share."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from perception_nodes.structures import Detections

MAX_COORDINATE_PX = 1e6
"""Box edges are clipped here, far outside any picture, so that areas stay finite."""

_SCORE_ROUNDING = 1e-3  # half precision may push a probability this far above 1


class Candidates(NamedTuple):
    """
    Boxes that were not sorted out yet.

    xyxy (N, 4) float in network pixels, scores (N,) float, class_ids (N,) integer; all values
    may be NaN or infinite.
    """

    xyxy: np.ndarray
    scores: np.ndarray
    class_ids: np.ndarray


class Picked(NamedTuple):
    """Rows (M,) of the score matrix that pass, with class (M,) and score (M,) of each."""

    rows: np.ndarray
    class_ids: np.ndarray
    scores: np.ndarray


def above(scores: np.ndarray, threshold: float) -> np.ndarray:
    """Return a mask of what is not below the threshold; NaN counts, to be seen later."""
    return ~(scores < threshold)


def pick_classes(scores: np.ndarray, threshold: float, *, multi_label: bool) -> Picked:
    """
    Choose boxes and classes by score.

    :param scores: (N, C) any monotone score; the threshold must be in the same terms.
    :param threshold: scores below are left out.
    :param multi_label: a box may appear once for each class above the threshold, else only with
        its best class.
    """
    if multi_label:
        rows, class_ids = np.nonzero(above(scores, threshold))
        return Picked(rows, class_ids, scores[rows, class_ids])
    rows = np.flatnonzero(above(scores.max(axis=1), threshold))
    class_ids = scores[rows].argmax(axis=1)
    return Picked(rows, class_ids, scores[rows, class_ids])


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """Return 1 / (1 + exp(−x)) in float32; NaN for infinite input, which no network means."""
    values = np.asarray(logits, dtype=np.float32)
    return np.where(np.isfinite(values), 1.0 / (1.0 + np.exp(-values)), np.nan)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return the softmax over the last axis in float32."""
    values = np.asarray(logits, dtype=np.float32)
    exponentials = np.exp(values - values.max(axis=-1, keepdims=True, initial=-np.inf))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def logit(probability: float) -> float:
    """Return the x for which sigmoid(x) is the probability; ±infinity at the ends."""
    if probability <= 0.0:
        return -math.inf
    return math.inf if probability >= 1.0 else math.log(probability / (1.0 - probability))


def cxcywh_to_xyxy(cxcywh: np.ndarray) -> np.ndarray:
    """Turn (N, 4) centre and size into (N, 4) left, top, right, bottom, float32."""
    boxes = np.asarray(cxcywh, dtype=np.float32)
    half = boxes[:, 2:] / 2
    return np.concatenate([boxes[:, :2] - half, boxes[:, :2] + half], axis=1)


def clean(found: Candidates, class_count: int) -> tuple[Detections, int]:
    """Return the boxes that keep the contract of ``Detections``, and how many did not."""
    xyxy = np.asarray(found.xyxy, dtype=np.float32).reshape(-1, 4)
    scores = np.asarray(found.scores, dtype=np.float32)
    class_ids = np.asarray(found.class_ids)
    good = (
        np.isfinite(xyxy).all(axis=1)
        & (xyxy[:, 0] <= xyxy[:, 2])
        & (xyxy[:, 1] <= xyxy[:, 3])
        & (scores >= 0)
        & (scores <= 1 + _SCORE_ROUNDING)
        & (class_ids >= 0)
        & (class_ids < class_count)
    )
    boxes = xyxy[good].clip(-MAX_COORDINATE_PX, MAX_COORDINATE_PX)
    kept = Detections(boxes, scores[good].clip(0, 1), class_ids[good])
    return kept, int(len(good) - good.sum())
