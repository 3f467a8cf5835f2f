"""A network whose classes are the colours: it tells which channel is brightest."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from perception_nodes.inference.bundle import ModelBundle, placeholder_weights, write_bundle
from perception_nodes.inference.bundle_spec import (
    Calibration,
    DecoderSpec,
    InputSpec,
    ModelSpec,
)
from perception_nodes.structures import Frame

CLASSES = ('red', 'green', 'blue')


@pytest.fixture
def colour_weights(tmp_path: Path) -> Path:
    """Return an ONNX file: ten times the mean of each channel."""
    picture = helper.make_tensor_value_info('picture', TensorProto.FLOAT, [1, 3, 8, 8])
    output = helper.make_tensor_value_info('means', TensorProto.FLOAT, [1, 3, 1, 1])
    factor = numpy_helper.from_array(np.array([10.0], np.float32), 'factor')
    nodes = [
        helper.make_node('GlobalAveragePool', ['picture'], ['pooled']),
        helper.make_node('Mul', ['pooled', 'factor'], ['means']),
    ]
    graph = helper.make_graph(nodes, 'means', [picture], [output], [factor])
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid('', 13)])
    path = tmp_path / 'colours.onnx'
    path.write_bytes(model.SerializeToString())
    return path


@pytest.fixture
def write_colour_bundle(colour_weights: Path, tmp_path: Path) -> Callable[..., ModelBundle]:
    """Return a function that writes the network as a bundle, with fields replaced."""

    def write(name: str = 'colours', *golden: object, **changes: object) -> ModelBundle:
        values: dict = {
            'name': name,
            'task': 'classification',
            'weights': placeholder_weights('model.onnx'),
            'input': InputSpec(size_wh=(8, 8), resize='stretch', scale=1 / 255),
            'decoder': DecoderSpec(name='class_logits'),
            'classes': CLASSES,
            'calibration': Calibration(temperature=2.0),
        }
        spec = ModelSpec(**{**values, **changes})
        return write_bundle(tmp_path / name, spec, colour_weights, *golden)

    return write


@pytest.fixture
def paint() -> Callable[..., Frame]:
    """Return a function that makes a frame of one RGB colour."""

    def make(*rgb: int) -> Frame:
        return Frame(pixels=np.full((16, 24, 3), rgb, np.uint8))

    return make
