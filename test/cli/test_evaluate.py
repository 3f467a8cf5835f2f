"""``perception evaluate``: table, files written, refusals."""

import json

import pytest
from typer.testing import CliRunner

from perception_nodes.cli.evaluate import app
from perception_nodes.inference.bundle import write_bundle
from perception_nodes.inference.catalogue import load_catalogue


def call(*words):
    return CliRunner().invoke(app, ['detection', *(str(word) for word in words)])


@pytest.fixture
def labels(tmp_path):
    """Return a label file of one picture with one person, and perfect results for it."""
    content = {
        'images': [{'id': 3, 'file_name': 'a.png', 'width': 100, 'height': 100}],
        'annotations': [{'id': 1, 'image_id': 3, 'category_id': 5, 'bbox': [10, 10, 50, 50]}],
        'categories': [{'id': 5, 'name': 'person'}],
    }
    results = [{'image_id': 3, 'category_id': 5, 'bbox': [10, 10, 50, 50], 'score': 0.9}]
    (tmp_path / 'labels.json').write_text(json.dumps(content))
    (tmp_path / 'found.json').write_text(json.dumps(results))
    return tmp_path / 'labels.json', tmp_path / 'found.json'


def test_results_file_is_measured_without_a_model(labels, tmp_path):
    truth, found = labels
    out = tmp_path / 'out'
    result = call('--data', f'coco:{truth}', '--results', found, '--out', out)
    assert result.exit_code == 0, result.exception
    assert 'person' in result.output
    assert '1.000' in result.output
    metrics = json.loads((out / 'metrics.json').read_text())
    assert metrics['mean_ap'] == 1.0
    assert metrics['results'] == str(found)
    assert metrics['calibration_error'] == pytest.approx(0.1)
    assert metrics['referral']['accuracy'][0] == 1.0
    assert 'share referred to a human' in (out / 'report.html').read_text()


@pytest.mark.parametrize(
    ('words', 'reason'),
    [
        ((), 'give either --model or --results'),
        (('--model', 'x', '--results', 'y'), 'give either --model or --results'),
        (('--model', '/absent/model'), 'no such'),
    ],
)
def test_impossible_call_is_refused_with_the_reason(labels, words, reason):
    result = call('--data', f'coco:{labels[0]}', *words)
    assert isinstance(result.exception, ValueError)
    assert reason in str(result.exception)


def test_unknown_kind_of_data_names_the_known_ones():
    result = call('--data', 'kitti:folder', '--model', 'x')
    assert 'coco, voc, yolo, penn_fudan' in str(result.exception)


@pytest.mark.data
def test_model_is_measured_on_pedestrians(shared_data, tmp_path):
    weights = shared_data / 'models' / 'yolox_nano.onnx'
    spec = load_catalogue()['yolox_nano_sample'].spec
    model = write_bundle(tmp_path / 'model', spec, weights).path
    data, out = f'penn_fudan:{shared_data / "pennfudan"}', tmp_path / 'out'
    result = call('--data', data, '--model', model, '--out', out, '--device', 'cpu')
    assert result.exit_code == 0, result.exception
    metrics = json.loads((out / 'metrics.json').read_text())
    assert metrics['by_class']['person']['ap50'] == pytest.approx(0.958, abs=0.01)
    assert metrics['model'] == 'yolox_nano_sample'
    assert metrics['latency_ms']['p50'] > 0
    assert metrics['referral']['area'] < metrics['referral']['area_by_chance']
    assert 'false or missed' in (out / 'report.html').read_text()
    results = json.loads((out / 'results.json').read_text())
    again = call('--data', data, '--results', out / 'results.json', '--out', tmp_path / 'again')
    assert again.exit_code == 0
    assert len(results) == metrics['detections']
    same = json.loads((tmp_path / 'again' / 'metrics.json').read_text())
    assert same['mean_ap'] == metrics['mean_ap']


@pytest.mark.data
def test_rename_must_name_what_exists(shared_data, tmp_path):
    weights = shared_data / 'models' / 'FastestDet.onnx'
    model = write_bundle(tmp_path / 'm', load_catalogue()['fastestdet'].spec, weights).path
    data = f'penn_fudan:{shared_data / "pennfudan"}'
    wrong = call('--data', data, '--model', model, '--rename', 'human=person')
    assert "cannot rename 'human'" in str(wrong.exception)
    malformed = call('--data', data, '--model', model, '--rename', 'human')
    assert 'CLASS=LABEL' in str(malformed.exception)
