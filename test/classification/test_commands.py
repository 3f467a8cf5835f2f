"""``perception evaluate classification`` and ``perception classify --model``."""

import json
import re

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from perception_nodes.cli.main import build_app

COLOURS = {'red': (220, 40, 40), 'green': (30, 200, 60), 'blue': (30, 60, 220)}


@pytest.fixture
def painted(tmp_path):
    """Return a folder of colours, four pictures each; one of the blue ones is in the red's."""
    folder, rng = tmp_path / 'painted', np.random.default_rng(1)
    for name, rgb in COLOURS.items():
        (folder / name).mkdir(parents=True)
        for number in range(4):
            pixels = np.array(rgb) + rng.integers(-10, 11, (12, 20, 3))
            path = folder / name / f'{name}{number}.png'
            cv2.imwrite(str(path), pixels.clip(0, 255).astype(np.uint8)[..., ::-1])
    (folder / 'blue' / 'blue3.png').rename(folder / 'red' / 'blue3.png')
    return folder


def call(command, *words):
    return CliRunner().invoke(build_app(command), [command, *map(str, words)])


def test_set_is_measured_and_its_errors_are_shown(painted, write_colour_bundle, tmp_path):
    model, out = write_colour_bundle().path, tmp_path / 'out'
    words = ['--data', f'folder:{painted}', '--model', model, '--out', out, '--device', 'cpu']
    result = call('evaluate', 'classification', *words)
    assert result.exit_code == 0, (result.output, result.exception)
    assert '0.917' in result.output
    metrics = json.loads((out / 'metrics.json').read_text())
    assert metrics['top1'] == pytest.approx(11 / 12, abs=1e-5)
    assert metrics['top5'] is None
    # Folders are in alphabetical order: blue, green, red.
    assert metrics['confusion'] == [[3, 0, 0, 0], [0, 4, 0, 0], [1, 0, 4, 0]]
    assert metrics['by_class']['red']['recall'] == pytest.approx(0.8)
    assert metrics['latency_ms']['p50'] > 0
    page = (out / 'report.html').read_text()
    assert page.count('<svg') == 2
    assert 'blue3.png: blue, is red' in page
    assert len(re.findall('data:image/jpeg', page)) == 1
    assert cv2.imread(str(out / 'worst.jpg')).shape == (200, 1200, 3)


def test_perfect_model_leaves_no_sheet(painted, write_colour_bundle, tmp_path):
    (painted / 'red' / 'blue3.png').unlink()
    out = tmp_path / 'out'
    words = ['--data', f'folder:{painted}', '--model', write_colour_bundle().path, '--out', out]
    result = call('evaluate', 'classification', *words, '--device', 'cpu')
    assert result.exit_code == 0, (result.output, result.exception)
    assert json.loads((out / 'metrics.json').read_text())['top1'] == 1
    assert 'No picture is wrong' in (out / 'report.html').read_text()
    assert not (out / 'worst.jpg').exists()


def test_unsure_pictures_are_not_named(painted, write_colour_bundle, tmp_path):
    grey = painted / 'green' / 'grey.png'
    cv2.imwrite(str(grey), np.full((12, 20, 3), 90, np.uint8))
    out, model = tmp_path / 'out', write_colour_bundle().path
    words = ['--data', f'folder:{painted}', '--model', model, '--out', out, '--device', 'cpu']
    result = call('evaluate', 'classification', *words, '--min-confidence', 0.5)
    assert result.exit_code == 0, (result.output, result.exception)
    metrics = json.loads((out / 'metrics.json').read_text())
    assert metrics['named'] == pytest.approx(12 / 13, abs=1e-5)
    assert metrics['top1_of_named'] == pytest.approx(11 / 12, abs=1e-5)
    assert metrics['confusion'][1] == [0, 4, 0, 1]


def test_classes_of_other_names_are_renamed(painted, write_colour_bundle, tmp_path):
    model = write_colour_bundle(classes=('red', 'green', 'azure')).path
    words = ['--data', f'folder:{painted}', '--model', model, '--out', tmp_path / 'out']
    result = call('evaluate', 'classification', *words, '--rename', 'azure=blue')
    assert result.exit_code == 0, (result.output, result.exception)
    found = json.loads((tmp_path / 'out' / 'metrics.json').read_text())
    assert found['top1'] == pytest.approx(11 / 12, abs=1e-5)


def test_pictures_are_classified_and_written_on(painted, write_colour_bundle, tmp_path):
    cv2.imwrite(str(tmp_path / 'grey.png'), np.full((12, 20, 3), 90, np.uint8))
    asked = [painted / 'blue' / 'blue0.png', tmp_path / 'grey.png']
    model = write_colour_bundle().path
    words = ['--model', model, '--min-confidence', 0.5, '--most', 2, '--device', 'cpu']
    result = call('classify', *asked, *words, '--json', '--overlays', tmp_path / 'drawn')
    assert result.exit_code == 0, (result.output, result.exception)
    answers = json.loads(result.stdout)['answers']
    assert [answer['name'] for answer in answers] == ['blue', 'unknown']
    assert [len(answer['classes']) for answer in answers] == [2, 2]
    assert answers[0]['confidence'] == answers[0]['classes']['blue'] > 0.9
    assert {path.name for path in (tmp_path / 'drawn').iterdir()} == {
        'blue0.jpg', 'grey.jpg',
    }  # fmt: skip
    assert 'blue' in call('classify', asked[0], *words).output
    call('classify', *asked, *words, '--out', tmp_path / 'out')
    record = json.loads((tmp_path / 'out' / 'report.json').read_text())
    assert [row['source'] for row in record['answers']] == [str(path) for path in asked]
    page = (tmp_path / 'out' / 'report.html').read_text()
    assert page.count('data:image/jpeg') == len(asked)
    assert f'{asked[0].name}: blue' in page


def test_either_a_model_or_a_bank_answers(painted, tmp_path):
    for words in ([], ['--model', 'x', '--bank', 'y']):
        result = call('classify', painted / 'red' / 'red0.png', *words)
        assert 'either --model' in str(result.exception)
