"""A real network small enough to know what it must say: it finds red and blue cells."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from perception_nodes.inference.bundle import ModelBundle, placeholder_weights, write_bundle
from perception_nodes.inference.bundle_spec import (
    Calibration,
    DecoderSpec,
    InputSpec,
    ModelSpec,
    Provenance,
)
from perception_nodes.structures import Frame

CELL_PX, INPUT_WH = 8, (64, 32)


def write_network(path: Path, bias: float = 0.0) -> None:
    """
    Write an ONNX network with FastestDet's output whose boxes are its cells.

    Objectness is the mean of red plus blue in the cell, the classes are red and blue, each box
    is its cell; ``bias`` is added to the objectness.
    """
    onnx = pytest.importorskip('onnx')
    weights = np.zeros((7, 3, CELL_PX, CELL_PX), np.float32)  # objectness, x, y, w, h, red, blue
    share = 1.0 / CELL_PX**2
    for output, channel in ((0, 0), (0, 2), (5, 0), (6, 2)):
        weights[output, channel] = share
    half = np.arctanh(0.5)
    sides = [CELL_PX / side for side in INPUT_WH]
    offsets = [bias, half, half, *(np.log(s / (1 - s)) for s in sides), 0.0, 0.0]
    graph = onnx.helper.make_graph(
        [
            onnx.helper.make_node(
                'Conv', ['image', 'w', 'b'], ['cells'], strides=[CELL_PX, CELL_PX]
            )
        ],
        'cells',
        [onnx.helper.make_tensor_value_info('image', 1, [1, 3, INPUT_WH[1], INPUT_WH[0]])],
        [onnx.helper.make_tensor_value_info('cells', 1, [1, 7, 4, 8])],
        [
            onnx.numpy_helper.from_array(weights, 'w'),
            onnx.numpy_helper.from_array(np.array(offsets, np.float32), 'b'),
        ],
    )
    opset = [onnx.helper.make_opsetid('', 13)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opset, ir_version=8), path)


@pytest.fixture
def make_bundle(tmp_path):
    """Return a function that writes the bundle of the network, with changes to its spec."""

    def make(bias: float = 0.0, name: str = 'cells', **changes: object) -> ModelBundle:
        weights = tmp_path / f'{name}.onnx'
        write_network(weights, bias)
        spec = ModelSpec(
            name=name,
            task='detection',
            weights=placeholder_weights('model.onnx'),
            input=InputSpec(size_wh=INPUT_WH, resize='letterbox', pad_value=0, scale=1 / 255),
            decoder=DecoderSpec(name='fastestdet'),
            classes=('red', 'blue'),
            provenance=Provenance(source='test', licence='Apache-2.0'),
            calibration=Calibration(score_threshold=0.3),
        )
        return write_bundle(tmp_path / name, replace(spec, **changes), weights)

    return make


@pytest.fixture
def picture():
    """Return a frame of 128x64 with a red cell at (16, 16) and a dim blue one at (96, 32)."""
    pixels = np.zeros((64, 128, 3), np.uint8)
    pixels[16:32, 16:32] = (255, 0, 0)
    pixels[32:48, 96:112] = (0, 0, 128)
    return Frame(pixels=pixels)
