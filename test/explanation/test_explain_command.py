"""``perception explain`` on the bundled models."""

import json

import cv2
import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from perception_nodes.cli.explain import explain_command

APP = typer.Typer()
APP.command()(explain_command)


@pytest.fixture
def lane(tmp_path):
    """Return a picture of a grey lane between yellow tapes on a green floor."""
    pixels = np.full((240, 320, 3), (60, 110, 70), np.uint8)
    pixels[:60] = (200, 190, 180)
    for colour, half in (((40, 200, 230), 150), ((90, 90, 90), 125)):
        corners = np.array([(160 - half, 239), (155, 60), (165, 60), (160 + half, 239)])
        cv2.fillPoly(pixels, [corners], colour)
    path = tmp_path / 'lane.png'
    cv2.imwrite(str(path), pixels)
    return path


def call(*words, exit_code=0):
    result = CliRunner().invoke(APP, [str(word) for word in words])
    assert result.exit_code == exit_code, (result.output, result.exception)
    return result


def test_segmenter_is_explained_with_page_figures_and_overlays(lane, project_root, tmp_path):
    model = project_root / 'resource' / 'models' / 'simulator_segmenter'
    out = tmp_path / 'out'
    call(lane, '--model', model, '--out', out, '--masks', 10, '--most', 1, '--threads', 1)
    record = json.loads((out / 'explanations.json').read_text())
    (entry,) = record['explained']
    assert entry['picture'] == 'lane.png'
    assert {'deletion, area', 'insertion, area', 'deletion, random map, area'} <= set(entry)
    assert cv2.imread(str(out / 'lane_000.jpg')).shape == (240, 320, 3)
    page = (out / 'report.html').read_text()
    assert page.count('<svg') == 1
    assert 'better than a random map' in page


def test_detector_is_explained_by_gradients_with_figures(project_root, tmp_path):
    pytest.importorskip('captum', reason="pip install 'perception_suite[explanation]'")
    model = project_root / 'resource' / 'models' / 'simulator_detector'
    words = [model / 'golden' / 'frame.png', '--model', model, '--method', 'grad_cam']
    words += ['--layer', 'trunk.parts.4', '--most', 1, '--threads', 1, '--device', 'cpu']
    call(*words, '--out', tmp_path / 'out')
    record = json.loads((tmp_path / 'out' / 'explanations.json').read_text())
    assert record['settings']['layer'] == 'trunk.parts.4'
    (entry,) = record['explained']
    assert entry['deletion, area'] < entry['deletion, random map, area']
    assert entry['insertion, area'] > entry['deletion, area']


def test_picture_in_which_nothing_is_found_is_named(project_root, tmp_path):
    grey = tmp_path / 'grey.png'
    cv2.imwrite(str(grey), np.full((48, 64, 3), 128, np.uint8))
    model = project_root / 'resource' / 'models' / 'simulator_detector'
    result = call(grey, '--model', model, '--out', tmp_path / 'out', '--masks', 10)
    assert 'nothing is found there' in ' '.join(result.output.split())
    assert json.loads((tmp_path / 'out' / 'explanations.json').read_text())['explained'] == []
