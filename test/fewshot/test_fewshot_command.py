"""The two commands on drawn shapes, and the figures on real signs."""

import json

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from benchmarks.few_shot import GradientColorEmbedder, find_crops, measure
from perception_nodes.cli.main import build_app
from perception_nodes.fewshot.bank_file import load_bank

COLORS = {'disc': (0, 0, 200), 'bar': (200, 80, 0), 'ring': (0, 160, 0)}


def draw(shape, seed):
    rng = np.random.default_rng(seed)
    pixels = rng.normal(110, 12, (64, 64, 3)).clip(0, 255).astype(np.uint8)
    x, y = (32 + rng.integers(-3, 4, 2)).tolist()
    if shape == 'bar':
        cv2.rectangle(pixels, (x - 22, y - 7), (x + 22, y + 7), COLORS[shape], -1)
    else:
        cv2.circle(pixels, (x, y), 20, COLORS[shape], -1 if shape == 'disc' else 5)
    return pixels


@pytest.fixture(scope='module')
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp('shapes')
    for shape in COLORS:
        (folder / shape).mkdir()
        for seed in range(7):
            cv2.imwrite(str(folder / shape / f'{seed}.png'), draw(shape, seed))
    return folder


def call(command, *words):
    return CliRunner().invoke(build_app(command), [command, *map(str, words)])


def test_shapes_are_enrolled_told_apart_and_rejected(pictures, tmp_path):
    bank = tmp_path / 'bank.npz'
    for shape in ('disc', 'bar'):
        supports = [pictures / shape / f'{seed}.png' for seed in range(5)]
        result = call('enroll', shape, *supports, '--bank', bank)
        assert result.exit_code == 0, (result.output, result.exception)
    asked = [pictures / shape / '6.png' for shape in COLORS]
    result = call('classify', *asked, '--bank', bank, '--json', '--rejected-share', 0)
    assert result.exit_code == 0, (result.output, result.exception)
    document = json.loads(result.stdout)
    assert [row['nearest'] for row in document['answers'][:2]] == ['disc', 'bar']
    assert document['answers'][2]['name'] == 'unknown'
    assert document['answers'][2]['score'] < document['threshold']
    assert 'bar' in call('classify', asked[1], '--bank', bank).output


def test_classes_are_listed_renewed_and_removed(pictures, tmp_path):
    bank = tmp_path / 'bank.npz'
    call('enroll', 'disc', pictures / 'disc', '--bank', bank)
    call('enroll', 'bar', pictures / 'bar', '--bank', bank)
    call('enroll', 'disc', pictures / 'disc' / '0.png', '--bank', bank)
    assert (load_bank(bank).labels == load_bank(bank).class_names.index('disc')).sum() == 1
    assert 'bar' in call('enroll', '--list', '--bank', bank).output
    assert call('enroll', '--remove', 'bar', '--bank', bank).exit_code == 0
    assert load_bank(bank).class_names == ('disc',)


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        ((), 'nothing to do'),
        (('cup',), 'no pictures of "cup"'),
        (('--list',), 'there is no file'),
    ],
)
def test_calls_that_cannot_work_say_why(words, message, tmp_path):
    result = call('enroll', *words, '--bank', tmp_path / 'bank.npz')
    assert result.exit_code != 0
    assert message in str(result.exception)


@pytest.mark.data
def test_signs_are_known_from_three_tracks(shared_data):
    result, figures = measure(find_crops(shared_data / 'gtsrb_crops'), GradientColorEmbedder())
    assert figures['queries'] == 256
    assert result.accuracy >= 0.9
    assert result.auroc >= 0.9
