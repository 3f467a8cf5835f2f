"""The two commands on drawn shapes, and the figures on real signs."""

import json
import re
import shutil

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from benchmarks.few_shot import GradientColorEmbedder, find_crops, measure
from perception_nodes.cli.main import build_app
from perception_nodes.fewshot.bank_file import load_bank
from perception_nodes.structures import ColorOrder, Frame
from perception_nodes.visualization import VideoWriter

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
    out = tmp_path / 'out'
    shown = call('classify', *asked, '--bank', bank, '--rejected-share', 0, '--out', out)
    assert 'bar' in shown.output
    record = json.loads((out / 'report.json').read_text())
    assert record['answers'] == document['answers']
    assert '--rejected-share 0' in record['command']
    page = (out / 'report.html').read_text()
    assert page.count('data:image/jpeg') == 3
    assert '6.png: unknown' in page


def test_classes_are_listed_renewed_and_removed(pictures, tmp_path):
    bank = tmp_path / 'bank.npz'
    call('enroll', 'disc', pictures / 'disc', '--bank', bank)
    call('enroll', 'bar', pictures / 'bar', '--bank', bank)
    call('enroll', 'disc', pictures / 'disc' / '0.png', '--bank', bank)
    assert (load_bank(bank).labels == load_bank(bank).class_names.index('disc')).sum() == 1
    assert 'bar' in call('enroll', '--list', '--bank', bank).output
    record = json.loads((tmp_path / 'bank.npz.json').read_text())
    assert [(item['name'], item['pictures']) for item in record['classes']] == [
        ('bar', 7), ('disc', 1),
    ]  # fmt: skip
    assert record['threshold'] == pytest.approx(load_bank(bank).threshold, abs=1e-3)
    page = (tmp_path / 'bank.npz.html').read_text()
    assert 'Taught now: disc' in page
    assert page.count('data:image/jpeg') == 1
    assert call('enroll', '--remove', 'bar', '--bank', bank).exit_code == 0
    assert 'Taught now' not in (tmp_path / 'bank.npz.html').read_text()
    assert load_bank(bank).class_names == ('disc',)


def test_twins_of_a_track_do_not_set_the_threshold(pictures, tmp_path):
    bank, folder = tmp_path / 'bank.npz', tmp_path / 'twins'
    folder.mkdir()
    for seed in range(4):
        for twin in range(2):
            shutil.copy(pictures / 'disc' / f'{seed}.png', folder / f'{seed:03d}_{twin}.png')
    call('enroll', 'bar', pictures / 'bar', '--bank', bank)
    call('enroll', 'disc', folder, '--bank', bank)
    alone = load_bank(bank)
    result = call('enroll', 'disc', folder, '--bank', bank, '--track', r'^(\d+)_')
    assert result.exit_code == 0, (result.output, result.exception)
    together = load_bank(bank)
    own = together.labels == together.class_names.index('disc')
    assert together.groups[own].tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert together.threshold < alone.threshold - 0.05
    found = re.search(r'disc\W+(\d+)\W+(\d+)', result.output)
    assert found is not None
    assert found.groups() == ('8', '4')


def test_frames_of_a_video_are_of_one_track(pictures, tmp_path):
    with VideoWriter(tmp_path / 'disc.webm', 10) as video:
        for seed in range(3):
            video.write(Frame(pixels=draw('disc', seed), color_order=ColorOrder.BGR))
    bank = tmp_path / 'bank.npz'
    result = call('enroll', 'disc', tmp_path / 'disc.webm', '--bank', bank)
    assert load_bank(bank).groups.tolist() == [0, 0, 0]
    assert 'nothing will be unknown' in ' '.join(result.output.split())
    call('enroll', 'disc', tmp_path / 'disc.webm', pictures / 'disc' / '5.png', '--bank', bank)
    assert load_bank(bank).groups.tolist() == [0, 0, 0, 1]


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


def test_a_track_that_no_name_has_is_refused(pictures, tmp_path):
    words = ('enroll', 'disc', pictures / 'disc', '--bank', tmp_path / 'bank.npz')
    result = call(*words, '--track', r'sign(\d+)')
    assert "finds no group in '0.png'" in str(result.exception)
    assert not (tmp_path / 'bank.npz').exists()


@pytest.mark.data
def test_signs_are_known_from_three_tracks(shared_data):
    result, figures = measure(find_crops(shared_data / 'gtsrb_crops'), GradientColorEmbedder())
    assert figures['queries'] == 256
    assert result.accuracy >= 0.9
    assert result.auroc >= 0.9
