"""
What can be said about confidence without labels.

**Temperature.** Entropy steps raise confidence without having seen one label, so they get no
credit for it: the temperature rises until the mean confidence is what it was before them.

**Mirror.** A picture and its mirror image have the same classes, mirrored. Where the two answers
differ, at least one of them is wrong: half of the pixels that differ is a lower bound of the mean
error of the two. A confidence that claims fewer errors is too high for certain; one that claims
more may still be.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

import torch

from perception_nodes.learning.adaptation.norms import OpenNetwork

_HOTTEST = 20.0
_HALVINGS = 24


@dataclass(frozen=True, kw_only=True)
class ConfidenceCheck:
    """
    Claimed and certain errors on unlabelled pictures.

    :param temperature: of the adapted bundle.
    :param claimed_error: 1 − mean confidence, 0..1.
    :param least_error: lower bound of the error by mirrored pictures, 0..1.
    """

    temperature: float
    claimed_error: float
    least_error: float

    @property
    def is_too_sure(self) -> bool:
        """Whether fewer errors are claimed than there are for certain."""
        return self.claimed_error < self.least_error

    def to_dict(self) -> dict[str, float | bool]:
        """Return plain values, rounded."""
        figures = {name: round(value, 4) for name, value in asdict(self).items()}
        return {**figures, 'is_too_sure': self.is_too_sure}


def temperature_for(
    logits: torch.Tensor, confidence: float, *, lowest: float, highest: float = _HOTTEST
) -> float:
    """
    Return the temperature at which the mean confidence falls to a value, at least the lowest.

    :param logits: (N, C) of some places.
    :param confidence: mean probability of the likeliest class, 0..1.
    """
    if _confidence(logits, lowest) <= confidence:
        return lowest
    low, high = lowest, highest
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _confidence(logits, middle) > confidence else (low, middle)
    return high


@torch.inference_mode()
def check_confidence(
    opened: OpenNetwork, batches: Iterable[torch.Tensor], temperature: float
) -> ConfidenceCheck:
    """Return claimed and certain errors on (B, 3, H, W) normalised pictures."""
    sure, differ, total = 0.0, 0, 0
    for batch in batches:
        logits = opened.logits(batch).float()
        mirrored = opened.logits(batch.flip(3)).float().flip(3)
        sure += float((logits / temperature).softmax(1).amax(1).double().sum())
        differ += int((logits.argmax(1) != mirrored.argmax(1)).sum())
        total += logits[:, 0].numel()
    return ConfidenceCheck(
        temperature=temperature, claimed_error=1 - sure / total, least_error=differ / total / 2
    )


@torch.inference_mode()
def some_logits(
    opened: OpenNetwork, batches: Iterable[torch.Tensor], step: int = 8
) -> torch.Tensor:
    """Return (N, C) float32 logits of every ``step``-th row and column, on the CPU."""
    planes = [opened.logits(batch)[..., ::step, ::step].float().cpu() for batch in batches]
    return torch.cat([plane.movedim(1, -1).flatten(0, 2) for plane in planes])


def _confidence(logits: torch.Tensor, temperature: float) -> float:
    return float((logits / temperature).softmax(1).amax(1).mean())
