"""Quantised bundles: same answers within what 8 bits can say, and honest about what they are."""

import numpy as np
import onnx
import pytest

from perception_nodes.cli.opened_model import open_model
from perception_nodes.compression.bundles import int8_forms
from perception_nodes.compression.int8 import Int8Writer
from perception_nodes.compression.scoring import open_labelled
from perception_nodes.evaluation.ground_truth import read_picture
from perception_nodes.inference.bundle import read_bundle
from perception_nodes.inference.bundle_sections import Calibration, Metric, Provenance
from perception_nodes.structures import ColorOrder, Frame


def opened(bundle):
    return open_model(bundle, device='cpu')


def quantised(bundle, labelled, folder):
    frames = [read_picture(path) for path in sorted((labelled / 'images').iterdir())]
    return int8_forms(
        bundle, frames, folder, opened, lambda items, _: items, shown='6 drawn pictures'
    )


def test_quantised_network_says_the_same_and_where_it_comes_from(bundle, labelled, tmp_path):
    forms = quantised(bundle, labelled, tmp_path)
    found = forms['int8']
    kinds = {node.op_type for node in onnx.load(found.file('model.onnx')).graph.node}
    assert {'QuantizeLinear', 'DequantizeLinear'} <= kinds
    before, after = opened(bundle), opened(found)
    pixels = np.zeros((32, 64, 3), np.uint8)
    pixels[:, 32:, 0] = 230
    frame = Frame(pixels=pixels, color_order=ColorOrder.RGB)
    first, second = before(frame), after(frame)
    assert np.array_equal(first.class_ids, second.class_ids)
    assert np.median(np.abs(first.certainty.astype(int) - second.certainty)) <= 6
    spec = read_bundle(found.path).spec
    assert spec.name == f'{bundle.name}_int8'
    assert bundle.spec.weights.sha256 in spec.provenance.initialisation
    assert not spec.metrics, 'figures of the original would be claimed for another network'


def test_figures_of_the_original_are_not_said_of_the_quantised_network(
    write_mask_bundle, labelled, tmp_path
):
    measured = write_mask_bundle(
        tmp_path / 'measured', metrics=(Metric(name='mIoU', value=0.9, data='pictures'),),
        features={'mean': [1.0]}, calibration=Calibration(temperature=1.5),
        provenance=Provenance(details={'validation_mIoU': 0.9, 'minutes': 80.0}),
    )  # fmt: skip
    spec = read_bundle(quantised(measured, labelled, tmp_path)['int8'].path).spec
    assert (spec.metrics, spec.features) == ((), None)
    assert spec.provenance.details == {
        'made_of': {'name': 'colours', 'weights_sha256': measured.spec.weights.sha256},
        'quantised': 'int8, static', 'kept_float': [], 'ranges_of': '6 drawn pictures',
        'calibration': 'of colours, not fitted to this network',
    }  # fmt: skip
    assert spec.calibration.temperature == 1.5


def test_quantised_network_is_not_quantised_again(bundle, labelled, tmp_path):
    once = quantised(bundle, labelled, tmp_path)['int8']
    with pytest.raises(ValueError, match='int8 already; take the float32 bundle'):
        quantised(once, labelled, tmp_path / 'again')


def wide_network(path):
    """Write two convolutions in a row, the first with one channel 1000 times as wide."""
    make, info = onnx.helper.make_node, onnx.helper.make_tensor_value_info
    rng = np.random.default_rng(1)
    weights = {
        'tame': rng.normal(size=(8, 3, 1, 1)), 'wide': rng.normal(size=(8, 8, 1, 1)),
        'last': rng.normal(size=(4, 8, 1, 1)),
    }  # fmt: skip
    weights['wide'][0] *= 1000
    weights['last'][:, 0] /= 1000
    nodes, here = [], 'image'
    for name in weights:
        nodes.append(make('Conv', [here, name], [f'{name}_out'], name=name))
        here = f'{name}_out'
    stored = [
        onnx.numpy_helper.from_array(value.astype(np.float32), name)
        for name, value in weights.items()
    ]
    graph = onnx.helper.make_graph(
        nodes, 'wide', [info('image', 1, [1, 3, 16, 16])], [info(here, 1, [1, 4, 16, 16])], stored
    )
    opset = [onnx.helper.make_opsetid('', 17)]
    onnx.save(onnx.helper.make_model(graph, ir_version=8, opset_imports=opset), str(path))
    return path


def test_convolution_that_quantises_badly_is_found_and_can_stay(tmp_path):
    rng = np.random.default_rng(2)
    batches = [rng.normal(size=(1, 3, 16, 16)).astype(np.float32) for _ in range(6)]
    with Int8Writer(wide_network(tmp_path / 'wide.onnx'), batches) as writer:
        assert writer.convolutions == ('tame', 'wide', 'last')
        gains = writer.gains(lambda items, _: items)
        assert next(iter(gains)) == 'last', 'it reads the tensor whose one channel is wide'
        assert gains['last'] > 0.1 > gains['tame']


def test_without_pictures_nothing_is_written(bundle):
    with pytest.raises(ValueError, match='not one picture'):
        Int8Writer(bundle.file(bundle.spec.weights.file), [])


def test_task_without_a_score_is_refused_by_name():
    with pytest.raises(ValueError, match=r'task path .* segmentation, detection, classification'):
        open_labelled('path', 'paths:anywhere')
