"""Averaged weights and the pace of learning."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from perception_nodes.learning.recipe import ScheduleRecipe


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


def parameter_groups(model: nn.Module, schedule: ScheduleRecipe) -> list[dict[str, Any]]:
    """
    Return trunk and new layers apart, each with and without weight decay, and its peak ``lr``.

    :param model: the parameters of its ``trunk`` are slower.
    """
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        slower = schedule.trunk_rate_factor if name.startswith('trunk.') else 1.0
        decay = schedule.weight_decay if parameter.ndim > 1 else 0.0
        groups.setdefault((schedule.learning_rate * slower, decay), []).append(parameter)
    return [
        {'params': parameters, 'lr': rate, 'weight_decay': decay}
        for (rate, decay), parameters in groups.items()
    ]


class PacedAdamW(torch.optim.AdamW):
    """
    AdamW whose rates follow a common factor.

    :param model: what is optimised; see :func:`parameter_groups`.
    :param schedule: rates, decay of weights and of the mean gradient.
    """

    def __init__(self, model: nn.Module, schedule: ScheduleRecipe) -> None:
        groups = parameter_groups(model, schedule)
        super().__init__(groups, betas=(schedule.momentum, 0.999))
        self._peak_rates = [group['lr'] for group in groups]

    def pace(self, factor: float) -> None:
        """Set every rate to its peak times the factor; see :func:`rate_factor`."""
        for group, peak in zip(self.param_groups, self._peak_rates, strict=True):
            group['lr'] = peak * factor
