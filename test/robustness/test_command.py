"""``perception robustness``: ratios that are right, a run that goes on, refusals."""

import json

import cv2
import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from perception_nodes.cli.robustness import robustness
from perception_nodes.imaging.index_png import write_index_png

APP = typer.Typer()
APP.command()(robustness)
CLASSES = ['floor', 'red', 'blue']


def call(*words, exit_code=0):
    result = CliRunner().invoke(APP, [str(word) for word in words])
    assert result.exit_code == exit_code, (result.output, result.exception)
    return result


@pytest.fixture(scope='module')
def model(write_mask_bundle, tmp_path_factory):
    return write_mask_bundle(tmp_path_factory.mktemp('model')).path


@pytest.fixture(scope='module')
def labelled(tmp_path_factory):
    """Return a set whose left half is red; its pixels end at cells, so that clean is perfect."""
    folder = tmp_path_factory.mktemp('set')
    (folder / 'images').mkdir()
    for number in range(2):
        pixels, mask = np.full((32, 64, 3), 40, np.uint8), np.zeros((32, 64), np.uint8)
        pixels[:, :32, 2], mask[:, :32] = 220, 1
        mask[:, 28:36] = 255  # the border, where the network's cells are interpolated
        cv2.imwrite(str(folder / 'images' / f'{number}.png'), pixels)
        write_index_png(folder / 'masks' / f'{number}.png', mask)
    (folder / 'dataset.json').write_text(json.dumps({'semantic_classes': CLASSES}))
    return folder


def test_brightness_blinds_a_network_of_colours_and_jpeg_does_not(model, labelled, tmp_path):
    words = ['--data', f'masks:{labelled}', '--model', model, '--out', tmp_path]
    words += ['--corruption', 'brightness', '--corruption', 'jpeg', '--device', 'cpu']
    call(*words, '--severity', 1, '--severity', 5)
    (found,) = json.loads((tmp_path / 'metrics.json').read_text())['models']
    assert found['clean']['mean_iou'] == pytest.approx(1.0)
    bright, jpeg = (found['by_corruption'][name] for name in ('brightness', 'jpeg'))
    # With half of the scale added, dark floor is red and blue as well.
    assert bright['5']['mean_iou'] < 0.7 < bright['1']['mean_iou']
    assert jpeg['5']['mean_iou'] > 0.95
    means = [np.mean([stand['mean_iou'] for stand in each.values()]) for each in (bright, jpeg)]
    assert found['mean_iou'] == pytest.approx(np.mean(means))
    assert found['ratio'] == pytest.approx(np.mean(means) / found['clean']['mean_iou'])
    assert bright['5']['calibration_error'] > found['clean']['calibration_error'] + 0.1
    errors = [np.mean([s['calibration_error'] for s in each.values()]) for each in (bright, jpeg)]
    assert found['calibration_error'] == pytest.approx(np.mean(errors), abs=1e-6)
    assert bright['5']['worst_picture'] in ('0.png', '1.png')
    # Of the 56 columns that are labelled, the 28 of the dark floor.
    assert bright['5']['worst_wrong'] == pytest.approx(0.5)
    page = (tmp_path / 'report.html').read_text()
    assert 'brightness 1, 0.png' in page or 'brightness 1, 1.png' in page
    assert f'>{bright["5"]["mean_iou"]:.3f}<' in page, 'in the heat map'


@pytest.mark.parametrize('field', ['data_sha256', 'suite', 'weights_sha256'])
def test_models_are_compared_and_a_run_goes_on(model, labelled, tmp_path, field):
    words = ['--data', f'masks:{labelled}', '--out', tmp_path, '--device', 'cpu']
    words += ['--corruption', 'fog', '--severity', 2]
    call(*words, '--model', model)
    kept = tmp_path / 'stands_0.json'
    content = json.loads(kept.read_text())
    assert set(content['stands']) == {'clean', 'fog 2'}
    content['stands']['fog 2']['score'] = 0.125
    kept.write_text(json.dumps(content))
    call(*words, '--model', model, '--model', model)
    first, second = json.loads((tmp_path / 'metrics.json').read_text())['models']
    gain = second['mean_iou'] - 0.125
    assert f'against the first +0.000 and {gain:+.3f}' in (tmp_path / 'report.html').read_text()
    assert first['weights_sha256'] == content['identity']['weights_sha256']
    assert first['by_corruption']['fog']['2']['mean_iou'] == 0.125, 'known, not measured again'
    assert second['by_corruption']['fog']['2']['mean_iou'] != 0.125
    content['identity'][field] = 'another'
    kept.write_text(json.dumps(content))
    call(*words, '--model', model)
    (first,) = json.loads((tmp_path / 'metrics.json').read_text())['models']
    assert first['by_corruption']['fog']['2']['mean_iou'] != 0.125, 'of another set or suite'


@pytest.mark.parametrize(
    ('words', 'named'), [(['--corruption', 'smoke'], 'glass_blur'), (['--severity', 6], '1 to 5')]
)
def test_unknown_names_and_severities_are_refused(model, labelled, tmp_path, words, named):
    base = ['--data', f'masks:{labelled}', '--model', model, '--out', tmp_path]
    result = call(*base, *words, exit_code=1)
    assert named in str(result.exception)
