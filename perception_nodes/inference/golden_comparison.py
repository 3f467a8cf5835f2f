"""Where expected and actual boxes disagree, in words and by kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from perception_nodes.structures import Detections


class DifferenceKind(str, Enum):
    """In which way an expected and an actual box differ."""

    MISSING = 'missing'
    EXTRA = 'extra'
    SHIFTED = 'shifted'
    SCORE = 'score'
    CLASS = 'class'


@dataclass(frozen=True, kw_only=True)
class ExpectedBox:
    """
    One box of ``expected.json``.

    :param xyxy: left, top, right, bottom in pixels of the golden frame.
    :param score: 0..1.
    :param label: class name.
    """

    xyxy: tuple[float, ...]
    score: float
    label: str

    def to_dict(self) -> dict[str, Any]:
        """Return the entry as ``expected.json`` holds it."""
        return {'xyxy': list(self.xyxy), 'score': self.score, 'class': self.label}


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One disagreement, in words."""

    kind: DifferenceKind
    text: str


def find_differences(
    expected: Sequence[ExpectedBox],
    actual: Detections,
    classes: Sequence[str],
    limits: tuple[float, float, float],
) -> list[Difference]:
    """
    Return the disagreements; boxes are matched greedily, highest expected score first.

    :param limits: overlap that a match must reach, allowed distance of scores, and the score up
        to which boxes may come and go.
    """
    min_iou, max_score_difference, sure_score = limits
    labels = [classes[i] if i < len(classes) else f'class {i}' for i in actual.class_ids]
    overlap = _iou(np.array([box.xyxy for box in expected]).reshape(-1, 4), actual.xyxy)
    free = np.ones(len(actual), bool)
    found, unmatched = [], []
    for row in sorted(range(len(expected)), key=lambda i: -expected[i].score):
        box = expected[row]
        fits = free & (overlap[row] >= min_iou) & (np.array(labels, object) == box.label)
        if not fits.any():
            unmatched.append(row)
            continue
        column = int(np.argmax(np.where(fits, overlap[row], -1)))
        free[column] = False
        distance = float(actual.scores[column]) - box.score
        if abs(distance) > max_score_difference:
            text = f'{_named(box)}: score is {actual.scores[column]:.2f} ({distance:+.2f})'
            found.append(Difference(kind=DifferenceKind.SCORE, text=text))
    for row in unmatched:
        if expected[row].score > sure_score:
            found.append(
                _explain_missing(expected[row], overlap[row], free, labels, actual, min_iou)
            )
    for column in np.flatnonzero(free & (actual.scores > sure_score)).tolist():
        xyxy = _rounded(actual.xyxy[column])
        text = f'not expected: {labels[column]} {actual.scores[column]:.2f} at {xyxy}'
        found.append(Difference(kind=DifferenceKind.EXTRA, text=text))
    return found


def _explain_missing(
    box: ExpectedBox,
    overlap: np.ndarray,
    free: np.ndarray,
    labels: Sequence[str],
    actual: Detections,
    min_iou: float,
) -> Difference:
    """Return why no box answers an expected one; takes the nearest free box for it."""
    candidates = np.where(free, overlap, 0.0)
    if not len(candidates) or candidates.max() <= 0:
        text = f'{_named(box)}: nothing is found there'
        return Difference(kind=DifferenceKind.MISSING, text=text)
    column = int(np.argmax(candidates))
    free[column] = False
    iou, xyxy = candidates[column], _rounded(actual.xyxy[column])
    if iou >= min_iou:
        text = f'{_named(box)}: is called {labels[column]} (IoU {iou:.2f})'
        return Difference(kind=DifferenceKind.CLASS, text=text)
    text = f'{_named(box)}: nearest is {labels[column]} at {xyxy} (IoU {iou:.2f} < {min_iou:.2f})'
    return Difference(kind=DifferenceKind.SHIFTED, text=text)


def _named(box: ExpectedBox) -> str:
    return f'{box.label} {box.score:.2f} at {_rounded(box.xyxy)}'


def _rounded(xyxy: Sequence[float] | np.ndarray) -> list[int]:
    return [round(float(side)) for side in xyxy]


def _iou(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return (N, M) intersection over union of (N, 4) and (M, 4) boxes; 0 for empty ones."""
    first, second = first[:, None].astype(np.float64), second[None].astype(np.float64)
    sides = np.minimum(first[..., 2:], second[..., 2:]) - np.maximum(
        first[..., :2], second[..., :2]
    )
    shared = np.clip(sides, 0, None).prod(axis=-1)
    areas = [(boxes[..., 2:] - boxes[..., :2]).prod(axis=-1) for boxes in (first, second)]
    union = areas[0] + areas[1] - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
