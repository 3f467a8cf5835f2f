"""Small networks, bundles around them, and the shared detectors as bundles."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from perception_nodes.inference.bundle import ModelBundle, placeholder_weights, write_bundle
from perception_nodes.inference.bundle_spec import (
    DecoderSpec,
    InputSpec,
    ModelSpec,
)
from perception_nodes.inference.class_lists import load_class_list

WriteModel = Callable[..., Path]


def _mean_network(side: 'int | str', *, extra_nodes: list[onnx.NodeProto]) -> onnx.ModelProto:
    """Return a network whose output is the mean of every channel, times a stored factor."""
    picture = helper.make_tensor_value_info('picture', TensorProto.FLOAT, [1, 3, side, side])
    output = helper.make_tensor_value_info('means', TensorProto.FLOAT, [1, 3, 1, 1])
    factor = numpy_helper.from_array(np.array([2.0], np.float32), 'factor')
    nodes = [
        helper.make_node('GlobalAveragePool', ['picture'], ['pooled']),
        helper.make_node('Mul', ['pooled', 'factor'], ['means']),
        *extra_nodes,
    ]
    graph = helper.make_graph(nodes, 'means', [picture], [output], [factor])
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid('', 13)])


@pytest.fixture
def write_model(tmp_path: Path) -> WriteModel:
    """Return a function that writes a network and returns its path."""

    def write(
        side: 'int | str' = 8,
        *,
        name: str = 'means.onnx',
        extra_nodes: 'list[onnx.NodeProto] | None' = None,
        change: 'Callable[[onnx.ModelProto], None] | None' = None,
    ) -> Path:
        model = _mean_network(side, extra_nodes=extra_nodes or [])
        if change is not None:
            change(model)
        path = tmp_path / name
        path.write_bytes(model.SerializeToString())
        return path

    return write


@pytest.fixture
def make_spec() -> Callable[..., ModelSpec]:
    """Return a function that makes a valid specification, with fields replaced."""

    def make(**changes: object) -> ModelSpec:
        values: dict = {
            'name': 'small',
            'task': 'detection',
            'weights': placeholder_weights('model.onnx'),
            'input': InputSpec(size_wh=(8, 8), resize='stretch'),
            'decoder': DecoderSpec(name='yolox'),
            'classes': ('cat', 'dog'),
        }
        return ModelSpec(**{**values, **changes})

    return make


@pytest.fixture
def small_bundle(tmp_path: Path, write_model: WriteModel, make_spec: Callable) -> ModelBundle:
    """Return a bundle around the small network."""
    return write_bundle(tmp_path / 'small', make_spec(), write_model())


@pytest.fixture
def yolox_bundle(shared_data: Path, tmp_path: Path) -> ModelBundle:
    """Return the shared YOLOX-Nano as a bundle without golden frame."""
    spec = ModelSpec(
        name='yolox_nano',
        task='detection',
        weights=placeholder_weights('model.onnx'),
        input=InputSpec(size_wh=(416, 416), color_order='bgr', resize='letterbox_top_left'),
        decoder=DecoderSpec(name='yolox', options={'strides': [8, 16, 32]}),
        classes=load_class_list('coco80'),
    )
    return write_bundle(tmp_path / 'yolox', spec, shared_data / 'models' / 'yolox_nano.onnx')
