"""Whether confidence is honest: bins of similar confidence, and the mean gap to what is right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True)
class ReliabilityBin:
    """
    Decisions of similar confidence: pixels or boxes.

    :param confidence: their mean confidence, 0..1; NaN without any.
    :param accuracy: share of them that is right, 0..1; NaN without any.
    :param count: how many there are.
    """

    confidence: float
    accuracy: float
    count: int


def reliability_of(
    confidence: np.ndarray, right: np.ndarray, bins: int = 15
) -> tuple[ReliabilityBin, ...]:
    """
    Return decisions in bins of equal width, rising.

    :param confidence: (N,) in 0..1.
    :param right: (N,) bool.
    """
    index = np.minimum((np.asarray(confidence) * bins).astype(int), bins - 1)
    counts = np.bincount(index, minlength=bins)
    with np.errstate(invalid='ignore'):
        means = [
            np.bincount(index, np.asarray(values, np.float64), minlength=bins) / counts
            for values in (confidence, right)
        ]
    return tuple(
        ReliabilityBin(confidence=float(mean), accuracy=float(share), count=int(count))
        for mean, share, count in zip(*means, counts, strict=True)
    )


def calibration_error(bins: Sequence[ReliabilityBin]) -> float:
    """Return the expected calibration error (Naeini et al. 2015), NaN without decisions."""
    total = sum(item.count for item in bins)
    if not total:
        return float('nan')
    gaps = [abs(item.accuracy - item.confidence) * item.count for item in bins if item.count]
    return float(sum(gaps) / total)
