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
        self._keys: dict[str, str] = {}
        self._tensors: dict[str, str] = {}
        self._stored: dict[str, str] = {}
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
        return [node.name for node in self._nodes if node.kind == 'Conv' and self._is_float(node)]

    def _is_float(self, conv: Node) -> bool:
        return self._stored[conv.inputs[1]] == conv.inputs[1]

    def write(self, path: Path) -> Path:
        """Write the int8 file with the present weights and ranges."""
        values: dict[str, np.ndarray] = {}
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
            key = self._keys.setdefault(node.inputs[1], str(len(self._keys)))
            if key not in self.roundings:
                scale, zero = (stored[name].item() for name in node.inputs[1:3])
                self.roundings[key] = ActivationRounding(scale, zero, rate_factor)
        elif node.kind == 'DequantizeLinear':
            self._add_levels(node, stored)
        elif node.kind == 'Conv':
            self._uses.setdefault(node.inputs[1], []).append(node)
            for name, kind in zip(node.inputs[1:], ('weight', 'bias'), strict=False):
                if name not in self._tensors:
                    self._add_tensor(node, name, kind, {**weights, **stored})
        else:
            found = {name for name in node.inputs if name in stored}
            self._constants |= {name: torch.from_numpy(np.array(stored[name])) for name in found}

    def _add_levels(self, node: Node, stored: dict[str, np.ndarray]) -> None:
        """Register what a DequantizeLinear node makes numbers of."""
        levels = stored.get(node.inputs[0])
        if levels is None:
            self._steps_of[node.output] = node.inputs[1]
        elif levels.dtype == np.uint8:
            scale, zero = (stored[name].item() for name in node.inputs[1:3])
            self._constants[node.output] = torch.tensor((levels.astype(np.float32) - zero) * scale)
        else:
            self._stored[node.output] = node.inputs[0].removesuffix(_STORED)

    def _add_tensor(self, conv: Node, name: str, kind: str, values: dict[str, np.ndarray]) -> None:
        """Make weight or bias of a convolution a parameter."""
        origin = self._stored.setdefault(name, name)
        # Names that the exporter counts through differ from one export to the next.
        counted = origin.startswith('onnx::')
        parameter = f'{conv.name.strip("/").replace("/", ".")}.{kind}' if counted else origin
        self._tensors[name] = parameter
        value = torch.from_numpy(np.array(values[_original(origin, values)], np.float32))
        _register(self, parameter, nn.Parameter(value))

    def _run(self, image: torch.Tensor) -> tuple[torch.Tensor, ...]:
        values = {self._input: image}
        size_hw = (int(image.shape[2]), int(image.shape[3]))
        for node in self._nodes:
            if node.kind == 'QuantizeLinear':
                values[node.output] = self._rounding(node.inputs[1])(values[node.inputs[0]])
            elif node.kind == 'DequantizeLinear':
                if node.inputs[0] in values:  # no stored tensor
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
        given: list[torch.Tensor] = [
            self.get_parameter(self._tensors[name]) for name in conv.inputs[1:]
        ]
        if self._is_float(conv):
            return given
        steps = self._steps(conv)
        bias_steps = steps * self._input_step(conv)
        biases = [rounded_bias(bias, bias_steps) for bias in given[1:]]
        return [rounded_weight(given[0], steps), *biases]

    def _steps(self, conv: Node) -> torch.Tensor:
        """Return the steps of a weight, with which the biases of all its uses fit."""
        weight = self.get_parameter(self._tensors[conv.inputs[1]])
        found = []
        for use in self._uses[conv.inputs[1]]:
            bias = self.get_parameter(self._tensors[use.inputs[2]]) if use.inputs[2:] else None
            found.append(weight_steps(weight, bias, self._input_step(use)))
        return torch.stack(found).amax(0)

    def _input_step(self, conv: Node) -> torch.Tensor:
        return self._rounding(self._steps_of[conv.inputs[0]]).step

    def _rounding(self, scale: str) -> ActivationRounding:
        found = self.roundings[self._keys[scale]]
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
            rounding = self._rounding(node.inputs[1])
            return {
                node.inputs[1]: rounding.step.cpu().numpy(),
                node.inputs[2]: rounding.zero_level.cpu().numpy(),
            }
        if node.kind != 'Conv':
            return {}
        given = [self._stored[name] for name in node.inputs[1:]]
        tensors = [
            self.get_parameter(self._tensors[name]).detach().cpu() for name in node.inputs[1:]
        ]
        if self._is_float(node):
            return {name: tensor.numpy() for name, tensor in zip(given, tensors, strict=True)}
        steps = self._steps(node).cpu()
        levels = (tensors[0] / steps.view(-1, 1, 1, 1)).round()
        name = given[0]
        values = {f'{name}{_STORED}': levels.numpy(), f'{name}_scale': steps.numpy()}
        if tensors[1:]:
            name = given[1]
            steps = steps * self._input_step(node).cpu()
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


def _register(root: nn.Module, name: str, value: nn.Parameter) -> None:
    """Give a module a parameter under a name with dots."""
    *path, leaf = name.split('.')
    for part in path:
        if part not in root._modules:
            root.add_module(part, nn.Module())
        root = root.get_submodule(part)
    root.register_parameter(leaf, value)
