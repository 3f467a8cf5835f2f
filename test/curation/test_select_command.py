"""``perception select`` on pictures of two kinds."""

import csv
import json

import cv2
import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from perception_nodes.cli.select import select_command

APP = typer.Typer()
APP.command()(select_command)


@pytest.fixture
def pictures(tmp_path):
    """Return a folder of five nearly equal pictures and one that is unlike them."""
    folder = tmp_path / 'pictures'
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(5):
        pixels = np.full((96, 128, 3), 120, np.uint8)
        pixels[40:, 30:60] = (30, 30, 200)
        pixels += rng.integers(0, 4, pixels.shape, dtype=np.uint8)
        cv2.imwrite(str(folder / f'alike_{number}.png'), pixels)
    pixels = np.full((96, 128, 3), 40, np.uint8)
    pixels[:, ::8] = (200, 250, 20)
    cv2.imwrite(str(folder / 'other.png'), pixels)
    return folder


def call(*words):
    return CliRunner().invoke(APP, [str(word) for word in words])


def test_two_pictures_of_two_kinds_are_chosen_with_page_list_and_copies(pictures, tmp_path):
    out = tmp_path / 'out'
    done = call(pictures, '--count', 2, '--strategy', 'diversity', '--out', out)
    assert done.exit_code == 0, (done.output, done.exception)
    rows = list(csv.DictReader((out / 'selected.csv').open()))
    assert sorted(row['picture'].rpartition('/')[2][:5] for row in rows) == ['alike', 'other']
    assert float(rows[1]['unlike']) > 0.1
    assert len(list((out / 'pictures').iterdir())) == 2
    assert 'doubt 0.00' in (out / 'report.html').read_text()
    record = json.loads((out / 'report.json').read_text())
    assert [item['path'] for item in record['pictures']] == [row['picture'] for row in rows]
    assert (record['strategy'], record['looked_at']) == ('diversity', 6)
    assert record['command'].startswith(f'perception select {pictures} --count 2')


def test_labelled_pictures_are_not_asked_for_again(pictures, tmp_path):
    known = pictures / 'other.png'
    out = tmp_path / 'out'
    done = call(
        pictures, '-n', 1, '--strategy', 'diversity', '--labelled', known, '--out', out,
        '--no-copy',
    )  # fmt: skip
    assert done.exit_code == 0, (done.output, done.exception)
    (row,) = csv.DictReader((out / 'selected.csv').open())
    assert 'alike' in row['picture']
    assert not (out / 'pictures').exists()


def test_model_that_doubts_is_asked(pictures, project_root, tmp_path):
    model = project_root / 'resource' / 'models' / 'simulator_detector'
    done = call(pictures, '-n', 2, '--model', model, '--threads', 1, '--out', tmp_path / 'out')
    assert done.exit_code == 0, (done.output, done.exception)
    rows = list(csv.DictReader((tmp_path / 'out' / 'selected.csv').open()))
    assert len(rows) == 2


@pytest.mark.parametrize(
    ('words', 'cure'),
    [(('--strategy', 'luck'), 'both, uncertainty'), ((), '--model, or take diversity')],
)
def test_bad_wishes_are_refused_with_the_cure(pictures, words, cure):
    done = call(pictures, '-n', 1, *words)
    assert done.exit_code != 0
    assert cure in str(done.exception)
