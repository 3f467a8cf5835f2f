"""Which form of a model to take: score against time."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from perception_nodes.inference.frame_model import FrameModel
from perception_nodes.structures import Frame

_WARM_UP = 2


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """
    A form of the model with its figures.

    :param name: of the form; the first of a list is the model as it was.
    :param score: higher is better.
    :param latency_ms: median from frame to result.
    :param network_ms: median of the network's part of it.
    :param size_mb: of the weights.
    :raises ValueError: the score is no number.
    """

    name: str
    score: float
    latency_ms: float
    network_ms: float
    size_mb: float

    def __post_init__(self) -> None:
        """Refuse a score that compares with nothing."""
        if not math.isfinite(self.score):
            raise ValueError(f'score of "{self.name}": {self.score} is no number')


class NoCandidate(ValueError):
    """No form of the model is good and fast enough."""


def pareto(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return those to which no other is both at least as good and at least as fast."""
    return [
        one
        for one in candidates
        if not any(
            other.score >= one.score
            and other.latency_ms <= one.latency_ms
            and (other.score, other.latency_ms) != (one.score, one.latency_ms)
            for other in candidates
        )
    ]


def chosen(
    candidates: Sequence[Candidate], *, max_loss: float, target_ms: float | None = None
) -> Candidate:
    """
    Return the best that is fast enough, or without a target the fastest that is good enough.

    :param candidates: the first is the model as it was.
    :param max_loss: of the score.
    :param target_ms: latency to reach.
    :raises NoCandidate: saying what comes nearest.
    """
    good = [one for one in candidates if one.score >= candidates[0].score - max_loss]
    if target_ms is None:
        return min(good, key=lambda one: one.latency_ms)
    fast = [one for one in good if one.latency_ms <= target_ms]
    if not fast:
        raise NoCandidate(_nearest(candidates, good, max_loss, target_ms))
    return max(fast, key=lambda one: (one.score, -one.latency_ms))


def _nearest(
    candidates: Sequence[Candidate], good: Sequence[Candidate], max_loss: float, target_ms: float
) -> str:
    """Return which forms come nearest to a target that none reaches, and what to relax."""
    fastest = min(good, key=lambda one: one.latency_ms)
    time_ms = math.ceil(fastest.latency_ms * 10) / 10
    words = [
        f'no form takes at most {target_ms:g} ms and loses at most {max_loss:g}; the fastest '
        f'within that loss is "{fastest.name}" with {fastest.latency_ms:.1f} ms '
        f'(--target-latency {time_ms:g})'
    ]
    fast = [one for one in candidates if one.latency_ms <= target_ms]
    if fast:
        best = max(fast, key=lambda one: one.score)
        loss = math.ceil((candidates[0].score - best.score) * 1e4) / 1e4
        words.append(
            f'the best within that time is "{best.name}", which loses {loss:g} '
            f'(--max-loss {loss:g})'
        )
    words.append('or use more threads, or train a smaller network and give it as --candidate')
    return '; '.join(words)


def latencies_ms(
    models: Mapping[str, FrameModel], frames: Sequence[Frame], rounds: int
) -> dict[str, tuple[float, float]]:
    """
    Return the median times of each model: from frame to result, and of the network alone.

    They take turns on every frame, so that other work on the machine slows all alike.
    """
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in models}
    for turn in range(rounds + _WARM_UP):
        frame = frames[turn % len(frames)]
        for name, model in models.items():
            model(frame)
            if turn >= _WARM_UP:
                times[name].append((model.times.total_s, model.times.infer_s))
    medians = {name: np.median(values, axis=0) * 1e3 for name, values in times.items()}
    return {name: (float(total), float(network)) for name, (total, network) in medians.items()}
