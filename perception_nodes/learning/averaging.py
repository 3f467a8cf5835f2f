"""Averaged weights and the pace of learning."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel


def averaged(model: nn.Module, decay: float) -> AveragedModel:
    """
    Return the exponential moving average of a model's weights and buffers.

    The first steps count more than the decay says, so that the start is forgotten quickly.
    """

    def blend(
        mean: torch.Tensor, current: torch.Tensor, count: torch.Tensor | int
    ) -> torch.Tensor:
        keep = min(decay, (1 + int(count)) / (10 + int(count)))
        return keep * mean + (1 - keep) * current

    return AveragedModel(model, avg_fn=blend, use_buffers=True)


def rate_factor(step: int, warmup_steps: int, progress: float) -> float:
    """
    Return the factor on the peak rate: linear warm-up, then half a cosine down to 2 %.

    :param step: steps done, from 0.
    :param warmup_steps: length of the warm-up.
    :param progress: part of the run that is over, 0..1.
    """
    warm = min(1.0, (step + 1) / (warmup_steps + 1))
    return warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(max(progress, 0.0), 1.0))))
