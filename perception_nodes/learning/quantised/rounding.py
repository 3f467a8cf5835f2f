"""
Rounding to 8 bits in float32, as the int8 kernels round, with gradients.

The rounding itself passes gradients on unchanged, and none where a value is beyond the range
(straight-through estimator, Bengio et al. 2013); ranges get theirs from the error of the
rounding (LSQ, Esser et al. 2020).
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

LEVELS = 255
WEIGHT_LEVELS = 127
_BIAS_LEVELS = 2**30  # half of what int32 holds: sums of products come on top


class _LearntRounding(torch.autograd.Function):
    """Rounding of a tensor whose step is ``scale * exp(stretch)``."""

    @staticmethod
    def forward(
        ctx: Any, values: torch.Tensor, stretch: torch.Tensor, scale: torch.Tensor,
        zero_point: torch.Tensor,
    ) -> torch.Tensor:  # fmt: skip
        step = scale * stretch.exp()
        rounded = torch.fake_quantize_per_tensor_affine(values, step, zero_point, 0, LEVELS)
        low, high = (-zero_point - 0.5) * step, (LEVELS - zero_point + 0.5) * step
        inside = (values >= low) & (values <= high)
        ctx.save_for_backward(values, rounded, inside)
        return rounded

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        values, rounded, inside = ctx.saved_tensors
        passed = gradients[0] * inside
        # d rounded / d log step = rounded − value inside the range, the limit itself beyond.
        of_step = torch.sum(gradients[0] * rounded) - torch.sum(passed * values)
        return passed, of_step / math.sqrt(LEVELS * values.numel()), None, None


class ActivationRounding(nn.Module):
    """
    uint8 with one scale and zero point for the whole tensor.

    :param scale: first step between two levels.
    :param zero_point: level of 0, 0..255; it stays.
    :param rate_factor: how much faster the logarithm of the step learns than a weight; 0: the
        step stays.
    """

    scale: torch.Tensor
    zero_point: torch.Tensor

    def __init__(self, scale: float, zero_point: int, rate_factor: float) -> None:
        super().__init__()
        self.register_buffer('scale', torch.tensor(scale, dtype=torch.float32))
        # As float: averaging whole numbers would cut them off (114 becomes 113).
        self.register_buffer('zero_point', torch.tensor(zero_point, dtype=torch.float32))
        self.rate_factor = rate_factor
        self.stretch = nn.Parameter(torch.zeros(()), requires_grad=rate_factor > 0)

    @property
    def step(self) -> torch.Tensor:
        """Return the present step, without gradient."""
        return (self.scale * (self.rate_factor * self.stretch.detach()).exp()).detach()

    @property
    def zero_level(self) -> torch.Tensor:
        """Return the zero point, int32."""
        return self.zero_point.round().to(torch.int32)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Return the values that the levels stand for, float32."""
        zero_point = self.zero_level
        if not self.rate_factor:
            return torch.fake_quantize_per_tensor_affine(values, self.scale, zero_point, 0, LEVELS)
        stretch = self.rate_factor * self.stretch
        found: torch.Tensor = _LearntRounding.apply(values, stretch, self.scale, zero_point)
        return found


def weight_steps(
    weight: torch.Tensor, bias: torch.Tensor | None, input_step: torch.Tensor
) -> torch.Tensor:
    """
    Return (C,) the steps of int8 weights, without gradient.

    :param weight: (C, …) of a convolution.
    :param bias: (C,), stored as int32 in steps of ``input_step`` times the weight's; a channel of
        tiny weights gets steps with which its bias fits.
    :param input_step: of the convolution's input.
    """
    largest = weight.detach().flatten(1).abs().amax(1)
    steps = torch.where(largest > 0, largest / WEIGHT_LEVELS, torch.ones_like(largest))
    if bias is None:
        return steps
    return torch.maximum(steps, bias.detach().abs() / (input_step * _BIAS_LEVELS))


def rounded_weight(weight: torch.Tensor, steps: torch.Tensor) -> torch.Tensor:
    """Return the weight that int8 holds, with gradients as if it were not rounded."""
    zeros = torch.zeros(len(steps), dtype=torch.int32, device=steps.device)
    return torch.fake_quantize_per_channel_affine(
        weight, steps, zeros, 0, -WEIGHT_LEVELS, WEIGHT_LEVELS
    )


def rounded_bias(bias: torch.Tensor, steps: torch.Tensor) -> torch.Tensor:
    """
    Return the bias that int32 holds, with gradients as if it were not rounded.

    :param steps: (C,) of the weight times the input's; where both are wide, a part of a level of
        the output.
    """
    levels = (bias.detach().double() / steps.double()).round()
    return bias + ((levels * steps.double()).to(bias.dtype) - bias.detach())
