"""Give a network the numbers of channels that another of the same plan has."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

Shape = tuple[int, ...]
Sized = nn.Conv2d | nn.Linear | nn.BatchNorm2d


def sized_like(model: nn.Module, shapes: Mapping[str, Shape]) -> nn.Module:
    """
    Change the widths of layers and batch norms in place, and return the model.

    Changed weights are 0: they are about to be loaded. A convolution that worked on each channel
    alone still does.

    :param shapes: of ``weight`` tensors by their name in the model; others are not looked at.
    """
    for name, module in model.named_modules():
        shape = shapes.get(f'{name}.weight')
        if shape is not None and isinstance(module, Sized):
            resize(module, shape)
    return model


def resize(module: Sized, shape: Shape) -> None:
    """
    Give one layer other numbers of channels, in place; what changes is 0.

    :param shape: of its weight.
    """
    if tuple(module.weight.shape) == tuple(shape):
        return
    if isinstance(module, nn.Conv2d):
        _resize_convolution(module, shape)
    elif isinstance(module, nn.Linear):
        _resize_linear(module, shape)
    else:
        _resize_norm(module, shape[0])


def shapes_of(state: Mapping[str, torch.Tensor]) -> dict[str, Shape]:
    """Return the shapes of the tensors of a state by name."""
    return {name: tuple(tensor.shape) for name, tensor in state.items()}


def _resize_convolution(module: nn.Conv2d, shape: Shape) -> None:
    outputs, inputs_of_group = shape[:2]
    module.groups = outputs if module.groups > 1 else 1
    module.in_channels, module.out_channels = inputs_of_group * module.groups, outputs
    _replace(module, 'weight', shape)
    if module.bias is not None:
        _replace(module, 'bias', (outputs,))


def _resize_linear(module: nn.Linear, shape: Shape) -> None:
    module.out_features, module.in_features = shape
    _replace(module, 'weight', shape)
    if module.bias is not None:
        _replace(module, 'bias', shape[:1])


def _resize_norm(module: nn.BatchNorm2d, width: int) -> None:
    module.num_features = width
    for name in ('weight', 'bias'):
        _replace(module, name, (width,))
    for buffer in ('running_mean', 'running_var'):
        module.register_buffer(buffer, getattr(module, buffer).new_ones(width))


def _replace(module: nn.Module, name: str, shape: Shape) -> None:
    """Put a tensor of another shape in the place of a parameter."""
    old: nn.Parameter = getattr(module, name)
    setattr(module, name, nn.Parameter(old.new_zeros(shape), requires_grad=old.requires_grad))
