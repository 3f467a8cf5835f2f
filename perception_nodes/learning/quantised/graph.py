"""The nodes of an ONNX graph, read once."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import onnx
from onnx import helper

from perception_nodes.learning.quantised.operators import OPERATORS

_KNOWN = {*OPERATORS, 'QuantizeLinear', 'DequantizeLinear', 'Resize'}


@dataclass(frozen=True, eq=False)
class Node:
    """
    An ONNX node.

    :param last_uses: values that nothing needs after it.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    output: str
    attributes: dict[str, Any]
    last_uses: tuple[str, ...] = ()


def read_nodes(graph: onnx.GraphProto, stored: Collection[str]) -> list[Node]:
    """
    Return the nodes of a graph.

    :param stored: names of its tensors.
    :raises ValueError: for an operator that is not trained here.
    """
    last: dict[str, int] = {}
    for index, node in enumerate(graph.node):
        if node.op_type not in _KNOWN:
            raise ValueError(f'{node.op_type} is not trained in int8; known are {sorted(_KNOWN)}')
        last |= {name: index for name in node.input if name not in stored}
    kept = {item.name for item in graph.output}
    uses: dict[int, list[str]] = {}
    for name, index in last.items():
        if name not in kept:
            uses.setdefault(index, []).append(name)
    return [
        Node(
            node.name, node.op_type, tuple(node.input), node.output[0],
            {item.name: helper.get_attribute_value(item) for item in node.attribute},
            tuple(uses.get(index, ())),
        )
        for index, node in enumerate(graph.node)
    ]  # fmt: skip
