"""``perception robustness`` of detectors and classifiers: labels stay true, figures are right."""

import json
import shutil

import cv2
import numpy as np
import onnx
import pytest
import typer
from onnx import TensorProto, helper
from typer.testing import CliRunner

from perception_nodes.cli.robustness import robustness
from perception_nodes.inference.bundle import placeholder_weights, read_bundle, write_bundle
from perception_nodes.inference.bundle_spec import DecoderSpec, InputSpec, ModelSpec
from perception_nodes.robustness import CORRUPTIONS
from perception_nodes.robustness.subject import by_name

APP = typer.Typer()
APP.command()(robustness)


def call(out, *words, exit_code=0):
    words = [*words, '--out', out, '--device', 'cpu', '--threads', 1]
    result = CliRunner().invoke(APP, [str(word) for word in words])
    assert result.exit_code == exit_code, (result.output, result.exception)
    return result


def record_in(out):
    return json.loads((out / 'metrics.json').read_text())


@pytest.fixture(scope='module')
def detector(project_root):
    return project_root / 'resource' / 'models' / 'simulator_detector'


@pytest.fixture(scope='module')
def boxes(detector, tmp_path_factory):
    """Return a set whose labels are what the detector says, and a picture with nothing in it."""
    folder = tmp_path_factory.mktemp('boxes')
    shutil.copy(detector / 'golden' / 'frame.png', folder / 'busy.png')
    cv2.imwrite(str(folder / 'empty.png'), np.full((480, 640, 3), 128, np.uint8))
    names = read_bundle(detector).classes
    sure = [
        item
        for item in json.loads((detector / 'golden' / 'expected.json').read_text())
        if item['score'] > 0.5
    ]
    content = {
        'images': [
            {'id': number, 'file_name': name, 'width': 640, 'height': 480}
            for number, name in enumerate(('busy.png', 'empty.png'))
        ],
        'annotations': [
            {
                'id': number,
                'image_id': 0,
                'category_id': names.index(item['class']),
                'bbox': [*item['xyxy'][:2], *np.subtract(item['xyxy'][2:], item['xyxy'][:2])],
            }
            for number, item in enumerate(sure, 1)
        ],
        'categories': [{'id': number, 'name': name} for number, name in enumerate(names)],
    }
    (folder / 'annotations.json').write_text(json.dumps(content))
    return folder


@pytest.fixture(scope='module')
def classifier(tmp_path_factory):
    """Return a bundle that tells which channel is brightest."""
    folder = tmp_path_factory.mktemp('classifier')
    graph = helper.make_graph(
        [
            helper.make_node('GlobalAveragePool', ['picture'], ['pooled']),
            helper.make_node('Mul', ['pooled', 'factor'], ['means']),
        ],
        'means',
        [helper.make_tensor_value_info('picture', TensorProto.FLOAT, [1, 3, 8, 8])],
        [helper.make_tensor_value_info('means', TensorProto.FLOAT, [1, 3, 1, 1])],
        [onnx.numpy_helper.from_array(np.array([10.0], np.float32), 'factor')],
    )
    opset = [helper.make_opsetid('', 13)]
    onnx.save(helper.make_model(graph, ir_version=8, opset_imports=opset), folder / 'means.onnx')
    spec = ModelSpec(
        name='colours',
        task='classification',
        weights=placeholder_weights('model.onnx'),
        input=InputSpec(size_wh=(8, 8), resize='stretch', scale=1 / 255),
        decoder=DecoderSpec(name='class_logits'),
        classes=('red', 'green', 'blue'),
    )
    return write_bundle(folder / 'colours', spec, folder / 'means.onnx').path


@pytest.fixture(scope='module')
def folders(tmp_path_factory):
    """Return pictures of red and blue; those of a class share their file names with the other."""
    folder = tmp_path_factory.mktemp('folders')
    for name, channel in (('red', 2), ('blue', 0)):
        (folder / name).mkdir()
        for number in range(2):
            pixels = np.full((24, 24, 3), 40, np.uint8)
            pixels[..., channel] = 48
            cv2.imwrite(str(folder / name / f'{number}.png'), pixels)
    return folder


def test_a_detector_finds_less_out_of_focus_and_the_warp_is_left_out(detector, boxes, tmp_path):
    pytest.importorskip('faster_coco_eval')
    words = ['--model', detector, '--data', f'coco:{boxes}/annotations.json']
    call(tmp_path, *words, '--corruption', 'defocus_blur', '--severity', 1, '--severity', 5)
    record = record_in(tmp_path)
    assert record['task'] == 'detection'
    assert 'elastic' in record['left_out']
    (found,) = record['models']
    assert found['metric'] == 'ap50'
    assert found['clean']['ap50'] == pytest.approx(1.0)
    assert found['clean']['worst_wrong'] == 0
    assert found['clean']['latency_ms'] > 0
    blur = found['by_corruption']['defocus_blur']
    assert blur['5']['ap50'] < blur['1']['ap50'] - 0.2
    assert blur['5']['worst_picture'] == 'busy.png'
    assert blur['5']['worst_wrong'] > 0.3
    assert found['ap50'] == pytest.approx((blur['1']['ap50'] + blur['5']['ap50']) / 2, abs=1e-5)
    page = (tmp_path / 'report.html').read_text()
    assert 'AP50' in page
    assert 'Left out: elastic' in page
    result = call(tmp_path, *words, '--corruption', 'elastic', exit_code=1)
    assert 'how tight' in str(result.exception)


def test_a_blind_detector_has_no_calibration_and_no_score(detector, boxes, tmp_path):
    pytest.importorskip('faster_coco_eval')
    content = json.loads((boxes / 'annotations.json').read_text())
    grey = np.full((480, 640, 3), 128, np.uint8)
    for item in content['images']:
        cv2.imwrite(str(tmp_path / item['file_name']), grey)
    (tmp_path / 'annotations.json').write_text(json.dumps(content))
    words = ['--model', detector, '--data', f'coco:{tmp_path}/annotations.json']
    call(tmp_path / 'out', *words, '--corruption', 'none')
    (found,) = record_in(tmp_path / 'out')['models']
    assert found['clean']['ap50'] == pytest.approx(0.0, abs=0.01)
    assert found['clean']['calibration_error'] is None
    assert found['clean']['worst_wrong'] == 1.0, 'all is missed'


def test_a_classifier_takes_red_behind_ice_for_blue(classifier, folders, tmp_path):
    words = ['--model', classifier, '--data', f'folder:{folders}']
    words += ['--corruption', 'frost', '--corruption', 'elastic']
    call(tmp_path, *words, '--severity', 5)
    record = record_in(tmp_path)
    (found,) = record['models']
    assert (record['task'], found['metric'], record['left_out']) == ('classification', 'top1', {})
    assert found['clean']['top1'] == 1.0
    assert found['clean']['worst_wrong'] == 0
    by_corruption = {name: each['5'] for name, each in found['by_corruption'].items()}
    assert by_corruption['elastic']['top1'] == 1.0, 'the class of a picture moves along'
    ice = by_corruption['frost']
    assert ice['top1'] == 0.5
    assert ice['worst_picture'] in ('red/0.png', 'red/1.png')
    assert 0.34 < ice['worst_wrong'] < 1
    assert ice['calibration_error'] > 0
    assert 'top 1' in (tmp_path / 'report.html').read_text()


def test_classes_of_other_names_are_renamed(classifier, folders, tmp_path):
    other = shutil.copytree(folders, tmp_path / 'folders')
    (other / 'blue').rename(other / 'azure')
    words = ['--model', classifier, '--data', f'folder:{other}', '--corruption', 'none']
    call(tmp_path, *words)
    assert record_in(tmp_path)['models'][0]['clean']['top1'] == 0.5
    call(tmp_path, *words, '--rename', 'blue=azure')
    assert record_in(tmp_path)['models'][0]['clean']['top1'] == 1.0


def test_models_of_two_tasks_and_attacks_on_detectors_are_refused(
    detector, classifier, boxes, folders, tmp_path
):
    data = ['--data', f'folder:{folders}']
    result = call(tmp_path, *data, '--model', detector, '--model', classifier, exit_code=1)
    assert 'detection, classification cannot be compared' in str(result.exception)
    words = ['--model', classifier, *data, '--attacks', 'fgsm']
    assert 'segmenters alone' in str(call(tmp_path, *words, exit_code=1).exception)
    words = ['--model', classifier, *data, '--images', boxes]
    assert 'brings its own pictures' in str(call(tmp_path, *words, exit_code=1).exception)


def test_every_corruption_is_measured_of_a_classifier(classifier, folders, tmp_path):
    call(tmp_path, '--model', classifier, '--data', f'folder:{folders}', '--severity', 1)
    assert set(record_in(tmp_path)['models'][0]['by_corruption']) == set(CORRUPTIONS)


def test_pictures_of_one_name_are_told_apart():
    assert by_name('aba', (1, 2, 3)) == {'a': 1, 'b': 2, 'a (2)': 3}
