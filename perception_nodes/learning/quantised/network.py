"""
An int8 ONNX file as a network of torch that can be trained, and written back.

The graph that ONNX Runtime's quantiser wrote is run node by node: what it rounds is rounded here,
at the same places, and what it keeps in float32 is not. So the written file has the same nodes,
which run in the same kernels, and differs in numbers alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import ModelProto, numpy_helper
from torch import nn
from torch.nn import functional

from perception_nodes.learning.quantised.graph import Node, read_nodes
from perception_nodes.learning.quantised.operators import OPERATORS
from perception_nodes.learning.quantised.rounding import (
    ActivationRounding,
    rounded_bias,
    rounded_weight,
    weight_steps,
)

_STORED = '_quantized'  # how the quantiser marks a stored tensor


class QuantisedNetwork(nn.Module):
    """
    The network of an int8 file, rounding in float32.

    Parameters have the names of the float file, so that those of the trunk begin with ``trunk.``.

    :param quantised: with QuantizeLinear and DequantizeLinear nodes, as
        :class:`~perception_nodes.compression.int8.Int8Writer` writes it, input (batch, C, H, W).
    :param weights: of the float32 file, by name.
    :param rate_factor: how much faster ranges learn than weights; 0: they stay.
    :raises ValueError: for an operator that is not trained here.
    """

    def __init__(
        self, quantised: ModelProto, weights: dict[str, np.ndarray], rate_factor: float
    ) -> None:
        super().__init__()
        self._template = quantised
        graph = quantised.graph
        self._input, self._outputs = graph.input[0].name, [item.name for item in graph.output]
        stored = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
        self._nodes = read_nodes(graph, stored)
        self.roundings = nn.ModuleDict()
        self._tensors: dict[str, str] = {}
        self._constants: dict[str, torch.Tensor] = {}
        self._steps_of: dict[str, str] = {}
        self._uses: dict[str, list[Node]] = {}
        for node in self._nodes:
            self._add(node, stored, weights, rate_factor)
        shape = [side.dim_value for side in graph.input[0].type.tensor_type.shape.dim]
        self._size_hw = (int(shape[2]), int(shape[3]))
        self._sizes: dict[str, tuple[tuple[int, int], tuple[int, int]]] = {}
        with torch.no_grad():
            self.eval()(torch.zeros(1, *shape[1:]))

    def forward(self, image: torch.Tensor) -> torch.Tensor | tuple[torch.Tensor, ...]:
        """
        Return what the file returns, always in float32.

        :param image: (B, C, H, W) float32, of the exported size or with sides whose strides fit.
        """
        with torch.autocast(image.device.type, enabled=False):
            found = self._run(image.float())
        return found[0] if len(found) == 1 else found

    @property
    def kept_float(self) -> list[str]:
        """Convolutions that the file does not round."""
        names = [(node.name, node.inputs[1]) for node in self._nodes if node.kind == 'Conv']
        return [name for name, weight in names if weight == self._tensors[weight]]

    def write(self, path: Path) -> Path:
        """Write the int8 file with the present weights and ranges."""
        values = {}
        for node in self._nodes:
            values |= self._stored_values(node)
        written = ModelProto()
        written.CopyFrom(self._template)
        for item in written.graph.initializer:
            if item.name in values:
                old = numpy_helper.to_array(item)
                new = values[item.name].astype(old.dtype).reshape(old.shape)
                item.CopyFrom(numpy_helper.from_array(new, item.name))
        path.parent.mkdir(parents=True, exist_ok=True)
        onnx.save(written, str(path))
        return path

    def _add(
        self, node: Node, stored: dict[str, np.ndarray], weights: dict[str, np.ndarray],
        rate_factor: float,
    ) -> None:  # fmt: skip
        """Register what a node holds."""
        if node.kind == 'QuantizeLinear':
            key = _key(node.inputs[1])
            if key not in self.roundings:
                scale, zero = (stored[name].item() for name in node.inputs[1:3])
                self.roundings[key] = ActivationRounding(scale, zero, rate_factor)
            return
        if node.kind == 'DequantizeLinear':
            self._add_levels(node, stored, weights)
            return
        if node.kind == 'Conv':
            self._uses.setdefault(node.inputs[1], []).append(node)
        for place, name in enumerate(node.inputs):
            if name in stored and name not in self._tensors and name not in self._constants:
                value = torch.from_numpy(np.array(stored[name]))
                if node.kind == 'Conv' and place:
                    self._tensors[name] = name
                    _register(self, name, nn.Parameter(value))
                else:
                    self._constants[name] = value

    def _add_levels(
        self, node: Node, stored: dict[str, np.ndarray], weights: dict[str, np.ndarray]
    ) -> None:
        """Register what a DequantizeLinear node makes numbers of."""
        levels = stored.get(node.inputs[0])
        if levels is None:
            self._steps_of[node.output] = _key(node.inputs[1])
        elif levels.dtype == np.uint8:
            scale, zero = (stored[name].item() for name in node.inputs[1:3])
            self._constants[node.output] = torch.tensor((levels.astype(np.float32) - zero) * scale)
        else:
            name = node.inputs[0].removesuffix(_STORED)
            self._tensors[node.output] = name
            value = torch.from_numpy(np.array(weights[_original(name, weights)], np.float32))
            _register(self, name, nn.Parameter(value))

    def _run(self, image: torch.Tensor) -> tuple[torch.Tensor, ...]:
        values = {self._input: image}
        size_hw = (int(image.shape[2]), int(image.shape[3]))
        for node in self._nodes:
            if node.kind == 'QuantizeLinear':
                values[node.output] = self.roundings[_key(node.inputs[1])](values[node.inputs[0]])
            elif node.kind == 'DequantizeLinear':
                if node.inputs[0] in values:
                    values[node.output] = values[node.inputs[0]]
            elif node.kind == 'Resize':
                values[node.output] = self._resized(node, values, size_hw)
            else:
                given = [self._value(name, values) for name in node.inputs]
                if node.kind == 'Conv':
                    given[1:] = self._weights(node)
                values[node.output] = OPERATORS[node.kind](node.attributes, given)
            for name in node.last_uses:
                values.pop(name, None)
        return tuple(values[name] for name in self._outputs)

    def _value(self, name: str, values: dict[str, torch.Tensor]) -> torch.Tensor | None:
        if name in self._tensors:
            return self.get_parameter(self._tensors[name])
        if name in self._constants:
            return self._constants[name]
        return values[name] if name else None

    def _weights(self, conv: Node) -> list[torch.Tensor]:
        """Return weight and bias of a convolution, rounded if the file rounds them."""
        given = [self.get_parameter(self._tensors[name]) for name in conv.inputs[1:]]
        if conv.inputs[1] == self._tensors[conv.inputs[1]]:
            return given
        steps = self._steps(conv)
        bias_steps = steps * self._rounding(conv.inputs[0]).step
        biases = [rounded_bias(bias, bias_steps) for bias in given[1:]]
        return [rounded_weight(given[0], steps), *biases]

    def _steps(self, conv: Node) -> torch.Tensor:
        """Return the steps of a weight, with which the biases of all its uses fit."""
        weight = self.get_parameter(self._tensors[conv.inputs[1]])
        found = []
        for use in self._uses[conv.inputs[1]]:
            bias = self.get_parameter(self._tensors[use.inputs[2]]) if use.inputs[2:] else None
            found.append(weight_steps(weight, bias, self._rounding(use.inputs[0]).step))
        return torch.stack(found).amax(0)

    def _rounding(self, name: str) -> ActivationRounding:
        found = self.roundings[self._steps_of[name]]
        assert isinstance(found, ActivationRounding)
        return found

    def _resized(
        self, node: Node, values: dict[str, torch.Tensor], size_hw: tuple[int, int]
    ) -> torch.Tensor:
        """Return features enlarged as in the file; other pictures, by the same whole factor."""
        data = values[node.inputs[0]]
        if node.output not in self._sizes:
            rows, columns = self._exported_size(node, values)
            factors = round(rows / data.shape[2]), round(columns / data.shape[3])
            self._sizes[node.output] = (rows, columns), factors
        exported, factors = self._sizes[node.output]
        if size_hw != self._size_hw:
            exported = data.shape[2] * factors[0], data.shape[3] * factors[1]
        mode = node.attributes.get('mode', b'nearest').decode()
        if mode == 'nearest':
            return functional.interpolate(data, size=exported, mode='nearest')
        return functional.interpolate(data, size=exported, mode='bilinear', align_corners=False)

    def _exported_size(self, node: Node, values: dict[str, torch.Tensor]) -> tuple[int, int]:
        """Return what a Resize node enlarges to, told as a size or as a factor."""
        data, told = values[node.inputs[0]], self._value(node.inputs[-1], values)
        assert told is not None
        if len(node.inputs) > 3:
            return int(told[2]), int(told[3])
        return round(data.shape[2] * float(told[2])), round(data.shape[3] * float(told[3]))

    def _stored_values(self, node: Node) -> dict[str, np.ndarray]:
        """Return what the file stores for a node, by name."""
        if node.kind == 'QuantizeLinear':
            rounding = self.roundings[_key(node.inputs[1])]
            assert isinstance(rounding, ActivationRounding)
            return {
                node.inputs[1]: rounding.step.cpu().numpy(),
                node.inputs[2]: rounding.zero_point.cpu().numpy(),
            }
        if node.kind != 'Conv':
            return {}
        given = [self._tensors[name] for name in node.inputs[1:]]
        tensors = [self.get_parameter(name).detach().cpu() for name in given]
        if node.inputs[1] == given[0]:
            return {name: tensor.numpy() for name, tensor in zip(given, tensors, strict=True)}
        steps = self._steps(node).cpu()
        levels = (tensors[0] / steps.view(-1, 1, 1, 1)).round()
        name = given[0]
        values = {f'{name}{_STORED}': levels.numpy(), f'{name}_scale': steps.numpy()}
        if tensors[1:]:
            name = given[1]
            steps = steps * self._rounding(node.inputs[0]).step.cpu()
            levels = (tensors[1].double() / steps.double()).round()
            values |= {f'{name}{_STORED}': levels.numpy(), f'{name}{_STORED}_scale': steps.numpy()}
        return values


def _original(name: str, weights: Mapping[str, np.ndarray]) -> str:
    """
    Return the name in the float file.

    A bias that is used with several inputs has a copy for each, with a number behind.
    """
    ends = range(len(name), len(name.rstrip('0123456789')) - 1, -1)
    return next(name[:end] for end in ends if name[:end] in weights)


def _key(name: str) -> str:
    """Return the name of a scale as the name of a module."""
    return name.removesuffix('_scale').replace('.', '_')


def _register(root: nn.Module, name: str, value: nn.Parameter) -> None:
    """Give a module a parameter under a name with dots."""
    *path, leaf = name.split('.')
    for part in path:
        if part not in root._modules:
            root.add_module(part, nn.Module())
        root = root.get_submodule(part)
    root.register_parameter(leaf, value)
