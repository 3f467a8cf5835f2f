"""Which form of a model to take: score against time."""

from __future__ import annotations

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
    """

    name: str
    score: float
    latency_ms: float
    network_ms: float
    size_mb: float


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
    fastest = min(good, key=lambda one: one.latency_ms)
    if target_ms is None:
        return fastest
    fast = [one for one in good if one.latency_ms <= target_ms]
    if not fast:
        raise NoCandidate(
            f'target_latency: no form reaches {target_ms:g} ms within a loss of {max_loss:g}; the '
            f'fastest that does is "{fastest.name}" with {fastest.latency_ms:.1f} ms. Allow more '
            'time or loss, use more threads, or train a smaller network'
        )
    return max(fast, key=lambda one: one.score)


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
