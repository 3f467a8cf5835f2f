"""Where a network is trained, and in which arithmetic."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from perception_nodes.inference.backends.pytorch.devices import missing_gpu_reason

DEVICES = 'auto, cpu, cuda, cuda:N'
PRECISIONS = ('auto', 'fp32', 'bf16')
_CPU = torch.device('cpu')


@dataclass(frozen=True, kw_only=True)
class Compute:
    """
    A device and its arithmetic.

    :param device: that holds weights and batches.
    :param mixed: convolutions and products in bfloat16; weights and losses stay in float32.
    """

    device: torch.device = _CPU
    mixed: bool = False

    def __str__(self) -> str:
        """Return words for people."""
        gpu = self.device.type == 'cuda'
        place = torch.cuda.get_device_name(self.device) if gpu else 'CPU'
        return f'{place}, {self.precision}'

    @property
    def precision(self) -> str:
        """Return the arithmetic as it is asked for."""
        return 'bf16' if self.mixed else 'fp32'

    @classmethod
    def choose(cls, device: str = 'auto', precision: str = 'auto') -> Compute:
        """
        Return what was asked for; ``auto`` takes a GPU, and bfloat16 where a GPU has it.

        :raises ValueError: naming what is allowed, or why the GPU cannot be used.
        """
        match = re.fullmatch(r'(auto|cpu|cuda)(?::(\d{1,3}))?', device)
        if match is None or (match[2] and match[1] != 'cuda'):
            raise ValueError(f'device: {device!r} is not one of {DEVICES}')
        if precision not in PRECISIONS:
            raise ValueError(f'precision: {precision!r} is not one of {", ".join(PRECISIONS)}')
        index = int(match[2] or 0)
        missing = None if match[1] == 'cpu' else missing_gpu_reason(index)
        if match[1] == 'cuda' and missing is not None:
            raise ValueError(f'device: {device!r} cannot be used: {missing}; or take cpu')
        if match[1] == 'cpu' or missing is not None:
            return cls(mixed=precision == 'bf16')
        chosen = torch.device('cuda', index)
        return cls(
            device=chosen,
            mixed=precision == 'bf16' or (precision == 'auto' and torch.cuda.is_bf16_supported()),
        )

    def running(self, model: nn.Module) -> nn.Module:
        """Return the model as it is to be called in training; the weights are the same."""
        return _InBfloat16(model, self.device.type) if self.mixed else model


class _InBfloat16(nn.Module):
    """A network whose inside runs in mixed precision and whose outputs are float32."""

    def __init__(self, model: nn.Module, device_type: str) -> None:
        super().__init__()
        self.model = model
        self.device_type = device_type

    def forward(self, *inputs: torch.Tensor) -> Any:
        with torch.autocast(self.device_type, torch.bfloat16):
            outputs = self.model(*inputs)
        if isinstance(outputs, torch.Tensor):
            return outputs.float()
        return tuple(output.float() for output in outputs)


def placed(value: Any, device: torch.device) -> Any:
    """Return a batch (tensors in dataclasses, lists and tuples) on a device."""
    if isinstance(value, torch.Tensor):
        return value.to(device, non_blocking=True)
    if isinstance(value, list | tuple):
        return type(value)(placed(item, device) for item in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        parts = {item.name: getattr(value, item.name) for item in dataclasses.fields(value)}
        return dataclasses.replace(value, **{k: placed(v, device) for k, v in parts.items()})
    return value


def device_of(model: nn.Module) -> torch.device:
    """Return where the weights of a model are."""
    return next(model.parameters()).device
