"""
The ONNX operators of the networks trained here, in torch.

``Resize`` is not among them: its sizes are those of the exported picture.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch.nn import functional

Operator = Callable[[Mapping[str, Any], Any], torch.Tensor]


def equal_padding(kind: str, attributes: Mapping[str, Any]) -> tuple[int, int]:
    """Return rows and columns that are added on either side, or raise ValueError."""
    pads = attributes.get('pads', [0, 0, 0, 0])
    if list(pads[:2]) != list(pads[2:]):
        raise ValueError(f'{kind} with pads {pads}: only equal padding on both sides is trained')
    return pads[0], pads[1]


def convolved(attributes: Mapping[str, Any], values: Any) -> torch.Tensor:
    """
    Return a 2-D convolution.

    :raises ValueError: padding that differs between the sides.
    """
    image, weight, *bias = values
    padding = equal_padding('Conv', attributes)
    return functional.conv2d(
        image, weight, bias[0] if bias else None,
        stride=tuple(attributes.get('strides', (1, 1))), padding=padding,
        dilation=tuple(attributes.get('dilations', (1, 1))), groups=attributes.get('group', 1),
    )  # fmt: skip


def sliced(_: Mapping[str, Any], values: Any) -> torch.Tensor:
    """Return a slice; axes and steps may be left out."""
    data, starts, ends, *rest = values
    starts, ends = starts.tolist(), ends.tolist()
    axes = rest[0].tolist() if rest and rest[0] is not None else range(len(starts))
    steps = rest[1].tolist() if len(rest) > 1 else [1] * len(starts)
    where = [slice(None)] * data.ndim
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        where[axis] = slice(start, end, step)
    found: torch.Tensor = data[tuple(where)]
    return found


def reshaped(_: Mapping[str, Any], values: Any) -> torch.Tensor:
    """Return the data in another shape, 0 keeping a side."""
    data, shape = values
    sides = [data.shape[i] if side == 0 else side for i, side in enumerate(shape.tolist())]
    found: torch.Tensor = data.reshape(sides)
    return found


def clipped(_: Mapping[str, Any], values: Any) -> torch.Tensor:
    """Return the data within limits, each of which may be left out."""
    data, low, high = (*values, None, None)[:3]
    return torch.clamp(
        data, None if low is None else float(low), None if high is None else float(high)
    )


def averaged(attributes: Mapping[str, Any], values: Any) -> torch.Tensor:
    """Return the mean over axes."""
    data = values[0]
    axes = values[1].tolist() if len(values) > 1 else attributes['axes']
    found: torch.Tensor = data.mean(tuple(axes), keepdim=bool(attributes.get('keepdims', 1)))
    return found


def hard_sigmoid(attributes: Mapping[str, Any], values: Any) -> torch.Tensor:
    """Return a line between 0 and 1."""
    found: torch.Tensor = attributes.get('alpha', 0.2) * values[0] + attributes.get('beta', 0.5)
    return found.clamp(0, 1)


def pooled(attributes: Mapping[str, Any], values: Any) -> torch.Tensor:
    """
    Return the largest values of windows.

    :raises ValueError: padding that differs between the sides.
    """
    padding = equal_padding('MaxPool', attributes)
    return functional.max_pool2d(
        values[0], tuple(attributes['kernel_shape']),
        stride=tuple(attributes.get('strides', (1, 1))), padding=padding,
        ceil_mode=bool(attributes.get('ceil_mode', 0)),
    )  # fmt: skip


OPERATORS: dict[str, Operator] = {
    'Add': lambda _, values: values[0] + values[1],
    'Clip': clipped,
    'Concat': lambda attributes, values: torch.cat(tuple(values), attributes['axis']),
    'Conv': convolved,
    'Exp': lambda _, values: values[0].exp(),
    'GlobalAveragePool': lambda _, values: values[0].mean((2, 3), keepdim=True),
    'HardSigmoid': hard_sigmoid,
    'HardSwish': lambda _, values: functional.hardswish(values[0]),
    'Identity': lambda _, values: values[0],
    'MaxPool': pooled,
    'Mul': lambda _, values: values[0] * values[1],
    'ReduceMean': averaged,
    'Relu': lambda _, values: functional.relu(values[0]),
    'Reshape': reshaped,
    'Shape': lambda _, values: torch.tensor(values[0].shape),
    'Sigmoid': lambda _, values: values[0].sigmoid(),
    'Slice': sliced,
    'Transpose': lambda attributes, values: values[0].permute(*attributes['perm']),
}
