"""A bundle whose network does almost nothing, so that what remains is the node."""

from __future__ import annotations

from pathlib import Path

import onnx
from onnx import TensorProto, helper

from perception_nodes.inference.bundle import placeholder_weights, write_bundle
from perception_nodes.inference.bundle_spec import DecoderSpec, InputSpec, ModelSpec, Provenance

_CANDIDATES = 100
_SIDE_PX = 64


def write_null_network(path: Path) -> None:
    """
    Write an ONNX network: image (1, 3, 64, 64) → (1, 100, 6) of zeros.

    The output has the layout of a decoded YOLO head with one class and a score of 0.
    """
    shape = helper.make_tensor('shape', TensorProto.INT64, [3], [1, _CANDIDATES, 6])
    nodes = [
        helper.make_node('ReduceMax', ['image'], ['peak'], keepdims=0),
        helper.make_node('Sub', ['peak', 'peak'], ['zero']),
        helper.make_node('Expand', ['zero', 'shape'], ['output']),
    ]
    size = ['image', TensorProto.FLOAT, [1, 3, _SIDE_PX, _SIDE_PX]]
    graph = helper.make_graph(
        nodes,
        'null',
        [helper.make_tensor_value_info(*size)],
        [helper.make_tensor_value_info('output', TensorProto.FLOAT, [1, _CANDIDATES, 6])],
        [shape],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)]), path)


def write_null_bundle(folder: Path) -> Path:
    """Write the network as a bundle and return the bundle's folder."""
    network = folder / 'null.onnx'
    write_null_network(network)
    spec = ModelSpec(
        name='null',
        task='detection',
        weights=placeholder_weights('null.onnx'),
        input=InputSpec(size_wh=(_SIDE_PX, _SIDE_PX), color_order='rgb', resize='stretch'),
        decoder=DecoderSpec(name='yolo', options={'layout': 'objectness'}),
        classes=('nothing',),
        provenance=Provenance(source='benchmarks/null_model.py', licence='Apache-2.0'),
    )
    return write_bundle(folder / 'null', spec, network).path
