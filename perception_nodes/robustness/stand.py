"""How a model stands on pictures of one kind, and on all of the suite, whatever its task."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

METRIC_WORDS = {'mean_iou': 'mean IoU', 'ap50': 'AP50', 'top1': 'top 1'}
"""What the score of a task is called on pages, by its name in files."""


@dataclass(frozen=True, kw_only=True)
class Stand:
    """
    How a model stands on pictures of one kind.

    :param score: what the task is judged by, 0..1; see :data:`METRIC_WORDS`.
    :param calibration_error: expected, 0..1: how far confidence is from being right; NaN where
        nothing was decided.
    :param latency_ms: median from frame to result.
    :param worst_picture: name of the picture that is most wrong.
    :param worst_wrong: how wrong it is, 0..1.
    """

    score: float
    calibration_error: float
    latency_ms: float
    worst_picture: str
    worst_wrong: float

    @classmethod
    def of(
        cls,
        score: float,
        calibration_error: float,
        seconds: Sequence[float],
        wrong: Mapping[str, float],
    ) -> Stand:
        """
        Return the stand on some pictures, at least one.

        :param seconds: from frame to result, of each picture.
        :param wrong: how wrong each picture is, 0..1, by its name; of equals the first counts.
        """
        worst = max(wrong, key=lambda name: wrong[name])
        return cls(
            score=score, calibration_error=calibration_error,
            latency_ms=float(np.median(seconds) * 1e3),
            worst_picture=worst, worst_wrong=wrong[worst],
        )  # fmt: skip

    def to_dict(self, metric: str) -> dict[str, Any]:
        """Return plain values, the score under the name of its metric."""
        values = asdict(self)
        return {metric: values.pop('score'), **values}


@dataclass(frozen=True, eq=False, kw_only=True)
class Robustness:
    """
    A model on clean pictures and on every corruption.

    :param model: its name.
    :param metric: of the scores, a key of :data:`METRIC_WORDS`.
    :param by_corruption: name, then severity 1 to 5.
    """

    model: str
    metric: str
    clean: Stand
    by_corruption: Mapping[str, Mapping[int, Stand]]

    def mean_of(self, name: str, figure: str = 'score') -> float:
        """Return a figure of :class:`Stand` under a corruption, its mean over the severities."""
        return _mean([getattr(stand, figure) for stand in self.by_corruption[name].values()])

    @property
    def score(self) -> float:
        """Mean score over the suite, every corruption with equal weight."""
        return _mean([self.mean_of(name) for name in self.by_corruption])

    @property
    def ratio(self) -> float:
        """Part of the clean score that is left over the suite."""
        return self.score / self.clean.score if self.clean.score else float('nan')

    @property
    def calibration_error(self) -> float:
        """Mean expected calibration error over the suite."""
        return _mean([self.mean_of(name, 'calibration_error') for name in self.by_corruption])

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, with the headline figures where anything was corrupted."""
        headlines = {
            self.metric: self.score, 'ratio': self.ratio,
            'calibration_error': self.calibration_error,
        }  # fmt: skip
        return {
            'model': self.model, 'metric': self.metric,
            **(headlines if self.by_corruption else {}),
            'clean': self.clean.to_dict(self.metric),
            'by_corruption': {
                name: {str(level): stand.to_dict(self.metric) for level, stand in each.items()}
                for name, each in self.by_corruption.items()
            },
        }  # fmt: skip


def most_wrong(item: Robustness, number: int) -> Sequence[tuple[str, int]]:
    """Return corruptions whose worst picture is most wrong, each with its middle severity."""
    middle = [
        (name, sorted(each)[(len(each) - 1) // 2]) for name, each in item.by_corruption.items()
    ]
    middle.sort(key=lambda pair: -item.by_corruption[pair[0]][pair[1]].worst_wrong)
    return middle[:number]


def hardest(item: Robustness) -> Sequence[str]:
    """Return the corruptions, the one that costs most first."""
    return sorted(item.by_corruption, key=item.mean_of)


def _mean(values: Sequence[float]) -> float:
    """Return the mean of the numbers among the values, NaN of none."""
    known = [value for value in values if not math.isnan(value)]
    return float(np.mean(known)) if known else float('nan')
