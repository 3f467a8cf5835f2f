"""
Less entropy of the answers, by factors and offsets of the norms alone.

Wang et al., "Tent: Fully Test-Time Adaptation by Entropy Minimization" (ICLR 2021): a few steps
with the statistics of each batch. Being sure is not being right, so every few steps the
:class:`~perception_nodes.learning.adaptation.watch.Watch` looks, and the steps end where it
objects, with what was there before.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import nn

from perception_nodes.learning.adaptation.config import AdaptationConfig
from perception_nodes.learning.adaptation.norms import OpenNetwork
from perception_nodes.learning.adaptation.pictures import PictureBatches
from perception_nodes.learning.adaptation.watch import Watch

Tell = Callable[[int, float], object]


@dataclass(frozen=True, kw_only=True)
class EntropySteps:
    """
    How the steps went.

    :param taken: steps whose result is kept.
    :param entropy: of every step's batch before it, 0..1 of the largest possible.
    :param stopped_by: what the watch objected to, empty when all steps were taken.
    """

    taken: int
    entropy: list[float] = field(default_factory=list)
    stopped_by: str = ''


def entropy_of(logits: torch.Tensor) -> torch.Tensor:
    """
    Return the mean entropy of the softmax as a part of the largest possible, 0..1.

    :param logits: (B, C, h, w).
    """
    logs = logits.log_softmax(1)
    return -(logs.exp() * logs).sum(1).mean() / math.log(max(logits.shape[1], 2))


def lower_entropy(
    opened: OpenNetwork,
    pictures: PictureBatches,
    config: AdaptationConfig,
    watch: Watch,
    *,
    temperature: float = 1.0,
    tell: Tell = lambda step, entropy: None,
) -> EntropySteps:
    """
    Take the steps; the statistics of the norms must be taken anew afterwards.

    :param opened: its norms mix in the source's statistics by their ``share``.
    :param tell: gets the number of each step and its entropy.
    """
    weights = [weight for norm in opened.norms.values() for weight in (norm.gain, norm.shift)]
    optimiser = torch.optim.Adam(weights, lr=config.learning_rate)
    kept, taken, entropies, fault = _copies(weights), 0, [], ''
    batches = itertools.islice(pictures.epochs(config.step_batch), config.steps)
    opened.by_batch(True)
    _learn(weights, True)
    for step, batch in enumerate(batches, 1):
        loss = entropy_of(opened.logits(batch).float() / temperature)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        entropies.append(float(loss.detach()))
        tell(step, entropies[-1])
        if step % config.watch_every == 0 or step == config.steps:
            fault = watch.fault(watch.look(opened))
            if fault:
                break
            kept, taken = _copies(weights), step
    _learn(weights, False)
    with torch.no_grad():
        for weight, value in zip(weights, kept, strict=True):
            weight.copy_(value)
    opened.by_batch(False)
    return EntropySteps(
        taken=taken, entropy=[round(value, 5) for value in entropies], stopped_by=fault
    )


def _copies(weights: list[nn.Parameter]) -> list[torch.Tensor]:
    return [weight.detach().clone() for weight in weights]


def _learn(weights: list[nn.Parameter], wanted: bool) -> None:
    for weight in weights:
        weight.requires_grad_(wanted)
        weight.grad = None
