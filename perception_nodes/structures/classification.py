"""What a network says a picture shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_ROUNDING = 1e-3


@dataclass(frozen=True, eq=False, kw_only=True)
class Classification:
    """
    Classes of a picture by falling probability, and whether one of them is named.

    :param class_ids: (K,) int64, each once; none where the network gave no numbers.
    :param probabilities: (K,) float32 in 0..1, not rising, at most 1 in all.
    :param min_confidence: below it no class is named, 0..1.
    """

    class_ids: np.ndarray
    probabilities: np.ndarray
    min_confidence: float = 0.0

    def __post_init__(self) -> None:
        """Bring the values to their types and refuse what is outside the contract."""
        class_ids = np.array(self.class_ids, np.int64)
        probabilities = np.array(self.probabilities, np.float32)
        if class_ids.ndim != 1 or class_ids.shape != probabilities.shape:
            raise ValueError(
                'Classification needs class_ids (K,) and probabilities (K,), got '
                f'{class_ids.shape}, {probabilities.shape}'
            )
        if len(np.unique(class_ids)) != len(class_ids) or class_ids.min(initial=0) < 0:
            raise ValueError(f'Classification.class_ids must be distinct, ≥ 0, got {class_ids}')
        # Written so that NaN fails.
        inside = (probabilities >= 0).all() and probabilities.sum() <= 1 + _ROUNDING
        if not inside or (np.diff(probabilities) > 0).any():
            raise ValueError(
                'Classification.probabilities must lie in 0..1, fall, and sum to at most 1, got '
                f'{probabilities}'
            )
        if not 0.0 <= self.min_confidence <= 1.0:
            raise ValueError(f'Classification.min_confidence {self.min_confidence} is not in 0..1')
        for name, array in (('class_ids', class_ids), ('probabilities', probabilities)):
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    @classmethod
    def of(cls, probabilities: np.ndarray, min_confidence: float = 0.0) -> Classification:
        """
        Return what probabilities in the order of the classes say.

        :param probabilities: (C,); of equals the lower number comes first.
        """
        order = np.argsort(-np.asarray(probabilities), kind='stable')
        return cls(
            class_ids=order,
            probabilities=np.asarray(probabilities)[order],
            min_confidence=min_confidence,
        )

    @classmethod
    def unknown(cls, min_confidence: float = 0.0) -> Classification:
        """Return the answer of a network that gave no numbers."""
        return cls(class_ids=np.zeros(0), probabilities=np.zeros(0), min_confidence=min_confidence)

    def __len__(self) -> int:
        """Return the number of classes."""
        return len(self.class_ids)

    @property
    def confidence(self) -> float:
        """Probability of the most probable class, 0 without any."""
        return float(self.probabilities[0]) if len(self) else 0.0

    @property
    def class_id(self) -> int | None:
        """The class that is named; None where the most probable one is not probable enough."""
        sure = len(self) and self.confidence >= self.min_confidence
        return int(self.class_ids[0]) if sure else None

    def probability_of(self, class_id: int) -> float:
        """Return the probability of a class, 0 for one that is not there."""
        return float(self.probabilities[self.class_ids == class_id].sum())
