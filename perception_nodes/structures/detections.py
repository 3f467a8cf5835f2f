"""The hub value type of detection: boxes, scores and classes of one picture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Detections:
    """
    Boxes found in one picture, in source-image pixels.

    Pixel coordinates follow the continuous convention: the top left corner of the top left
    pixel is (0, 0) and its centre is (0.5, 0.5).

    :param xyxy: (N, 4) float32, left, top, right, bottom in pixels, finite, left ≤ right and
        top ≤ bottom.
    :param scores: (N,) float32 in 0..1.
    :param class_ids: (N,) int64, index into the model's class names, ≥ 0.
    """

    xyxy: np.ndarray
    scores: np.ndarray
    class_ids: np.ndarray

    def __post_init__(self) -> None:
        """Bring the arrays to their dtypes and refuse values outside the contract."""
        xyxy = np.asarray(self.xyxy, dtype=np.float32)
        scores = np.asarray(self.scores, dtype=np.float32)
        class_ids = np.asarray(self.class_ids, dtype=np.int64)
        count = len(scores)
        if xyxy.shape != (count, 4) or scores.ndim != 1 or class_ids.shape != (count,):
            raise ValueError(
                'Detections need xyxy (N, 4), scores (N,), class_ids (N,), got '
                f'{xyxy.shape}, {scores.shape}, {class_ids.shape}'
            )
        if not (np.isfinite(xyxy).all() and (xyxy[:, :2] <= xyxy[:, 2:]).all()):
            raise ValueError('Detections.xyxy must be finite with left ≤ right, top ≤ bottom')
        if not ((scores >= 0).all() and (scores <= 1).all()):
            raise ValueError('Detections.scores must lie in 0..1')
        if (class_ids < 0).any():
            raise ValueError('Detections.class_ids must not be negative')
        object.__setattr__(self, 'xyxy', xyxy)
        object.__setattr__(self, 'scores', scores)
        object.__setattr__(self, 'class_ids', class_ids)

    @classmethod
    def empty(cls) -> Detections:
        """Return the value that says: looked, and found nothing."""
        return cls(np.zeros((0, 4)), np.zeros(0), np.zeros(0))

    def __len__(self) -> int:
        """Return the number of boxes."""
        return len(self.scores)

    def __iter__(self) -> Iterator[tuple[np.ndarray, float, int]]:
        """Yield (xyxy, score, class id) box by box."""
        for box, score, class_id in zip(self.xyxy, self.scores, self.class_ids, strict=True):
            yield box, float(score), int(class_id)

    def __getitem__(self, index: np.ndarray | slice) -> Detections:
        """Return the selected boxes; ``index`` is a mask, an index array or a slice."""
        return Detections(self.xyxy[index], self.scores[index], self.class_ids[index])

    def shifted(self, offset_xy: tuple[int, int]) -> Detections:
        """Return the boxes moved by x, y pixels, as from a region to its whole picture."""
        shift = np.array(offset_xy * 2, dtype=np.float32)
        return Detections(self.xyxy + shift, self.scores, self.class_ids)

    def sorted_by_score(self) -> Detections:
        """Return the boxes with the highest score first; equal scores keep their order."""
        return self[np.argsort(-self.scores, kind='stable')]
