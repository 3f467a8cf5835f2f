"""What a model gains when it passes its least sure decisions on to a human."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_STEPS = 20
"""Shares of the curve, from nothing referred to the last twentieth kept."""


@dataclass(frozen=True, kw_only=True)
class ReferralCurve:
    """
    Accuracy of what is kept over the share that is referred (risk and coverage, El-Yaniv 2010).

    :param referred: shares of the decisions that a human looks at, rising from 0.
    :param accuracy: share of the others that is right, 0..1; NaN without decisions.
    :param area: mean share that is wrong over all coverages (AURC), 0 is best.
    :param area_by_chance: the same when those to refer are drawn by chance.
    :param decisions: how many there are.
    """

    referred: tuple[float, ...]
    accuracy: tuple[float, ...]
    area: float
    area_by_chance: float
    decisions: int

    def share_for(self, accuracy: float) -> float:
        """Return the smallest share to refer for an accuracy, NaN where none is enough."""
        enough = [
            share
            for share, found in zip(self.referred, self.accuracy, strict=True)
            if found >= accuracy
        ]
        return enough[0] if enough else float('nan')


def referral_curve(confidence: np.ndarray, right: np.ndarray) -> ReferralCurve:
    """
    Return the curve; equally sure decisions count with their mean, in whatever order they come.

    :param confidence: (N,) in any unit, the least sure are referred first.
    :param right: (N,) bool.
    """
    shares = tuple(step / _STEPS for step in range(_STEPS))
    count = len(confidence)
    if not count:
        nan = float('nan')
        return ReferralCurve(
            referred=shares, accuracy=(nan,) * _STEPS, area=nan, area_by_chance=nan, decisions=0
        )
    _, group = np.unique(-np.asarray(confidence), return_inverse=True)
    sizes = np.bincount(group)
    mean_right = np.bincount(group, np.asarray(right, np.float64)) / sizes
    accuracy = np.cumsum(np.repeat(mean_right, sizes)) / np.arange(1, count + 1)
    kept = [max(1, round(count * (1 - share))) for share in shares]
    return ReferralCurve(
        referred=shares,
        accuracy=tuple(float(accuracy[number - 1]) for number in kept),
        area=float(1 - accuracy.mean()),
        area_by_chance=float(1 - accuracy[-1]),
        decisions=count,
    )
