"""Quantised bundles: same answers within what 8 bits can say, and honest about what they are."""

import json

import cv2
import numpy as np
import onnx
import pytest
import typer
from typer.testing import CliRunner

from perception_nodes.cli.compress import compress
from perception_nodes.cli.opened_model import open_model
from perception_nodes.compression.bundles import int8_forms
from perception_nodes.compression.int8 import Int8Writer
from perception_nodes.compression.scoring import open_labelled
from perception_nodes.imaging.index_png import write_index_png
from perception_nodes.inference.bundle import read_bundle
from perception_nodes.structures import ColorOrder, Frame

CLASSES = ['floor', 'red', 'blue']


@pytest.fixture(scope='module')
def bundle(write_mask_bundle, tmp_path_factory):
    return write_mask_bundle(tmp_path_factory.mktemp('model'))


@pytest.fixture(scope='module')
def labelled(tmp_path_factory):
    """Return a set whose left half is red or blue."""
    folder = tmp_path_factory.mktemp('set')
    (folder / 'images').mkdir()
    for number in range(6):
        pixels, mask = np.full((32, 64, 3), 20, np.uint8), np.zeros((32, 64), np.uint8)
        pixels[:, :32, 0 if number % 2 else 2] = 200 + 10 * number
        mask[:, :32] = 2 if number % 2 else 1
        cv2.imwrite(str(folder / 'images' / f'{number}.png'), pixels)
        write_index_png(folder / 'masks' / f'{number}.png', mask)
    (folder / 'dataset.json').write_text(json.dumps({'semantic_classes': CLASSES}))
    return folder


def opened(bundle):
    return open_model(bundle, device='cpu')


def test_quantised_network_says_the_same_and_where_it_comes_from(bundle, labelled, tmp_path):
    pictures = sorted((labelled / 'images').iterdir())
    forms = int8_forms(bundle, pictures, tmp_path, opened, lambda items, _: items)
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


def test_command_measures_all_forms_and_writes_the_one_it_took(bundle, labelled, tmp_path):
    app = typer.Typer()
    app.command()(compress)
    address, out = f'masks:{labelled}', tmp_path / 'out'
    words = ['--model', str(bundle.path), '--data', address, '--val', address, '--out', str(out)]
    result = CliRunner().invoke(app, [*words, '--rounds', '2', '--pictures', '4'])
    assert result.exit_code == 0, (result.output, result.exception)
    record = json.loads((out / 'compress.json').read_text())
    scores = {item['name']: item['score'] for item in record['candidates']}
    assert set(scores) == {'fp32', 'int8'}
    assert scores['fp32'] > 0.98
    assert scores[record['chosen']] >= scores['fp32'] - 0.01
    taken = read_bundle(out / 'bundle')
    assert taken.name == bundle.name + ('' if record['chosen'] == 'fp32' else '_int8')
    assert record['chosen'] in (out / 'report.html').read_text()


def test_target_out_of_reach_ends_with_the_cure(bundle, labelled, tmp_path):
    app = typer.Typer()
    app.command()(compress)
    address = f'masks:{labelled}'
    words = ['--model', str(bundle.path), '--data', address, '--val', address]
    words += ['--out', str(tmp_path), '--rounds', '1', '--target-latency', '1e-6']
    result = CliRunner().invoke(app, words)
    assert result.exit_code != 0
    assert 'train a smaller network' in str(result.exception)
    assert not (tmp_path / 'bundle').exists()


def test_task_without_a_score_is_refused_by_name():
    with pytest.raises(ValueError, match=r'task path .* segmentation, detection, classification'):
        open_labelled('path', 'paths:anywhere')
