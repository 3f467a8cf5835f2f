"""``perception segment`` and ``perception evaluate segmentation``: files, tables, refusals."""

import json

import cv2
import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from perception_nodes.cli.evaluate import app as evaluate
from perception_nodes.cli.segment import segment
from perception_nodes.imaging.index_png import read_index_png, write_index_png

SEGMENT = typer.Typer()
SEGMENT.command()(segment)
CLASSES = ['floor', 'red', 'blue']


def call(app, *words, exit_code=0):
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == exit_code, (result.output, result.exception)
    return result


@pytest.fixture(scope='module')
def model(write_mask_bundle, tmp_path_factory):
    return write_mask_bundle(tmp_path_factory.mktemp('model')).path


@pytest.fixture
def labelled(tmp_path):
    """Return a set of two pictures: the left half red, and red that is labelled blue."""
    folder = tmp_path / 'set'
    for name, label in (('right', 1), ('wrong', 2)):
        pixels, mask = np.zeros((32, 64, 3), np.uint8), np.zeros((32, 64), np.uint8)
        pixels[:, :32], mask[:, :32] = (0, 0, 255), label
        mask[:, 60:] = 255
        (folder / 'images').mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / 'images' / f'{name}.png'), pixels)
        write_index_png(folder / 'masks' / f'{name}.png', mask)
    (folder / 'dataset.json').write_text(json.dumps({'semantic_classes': CLASSES}))
    return folder


def test_masks_are_numbers_with_names_and_a_picture_of_them(labelled, model, tmp_path):
    out = tmp_path / 'out'
    source = labelled / 'images' / 'right.png'
    call(SEGMENT, source, '--model', model, '--out', out, '--confidence', '--device', 'cpu')
    mask = read_index_png(out / 'masks' / 'right.png')
    assert mask.names == tuple(CLASSES)
    assert (mask.class_ids[:, :28] == 1).all()
    assert (mask.class_ids[:, 36:] == 0).all()
    assert read_index_png(out / 'confidence' / 'right.png').class_ids.min() > 255 // 3
    assert cv2.imread(str(out / 'overlays' / 'right.jpg')).shape == (32, 64, 3)


def test_classes_are_renamed_and_doubtful_pixels_left_out(labelled, model, tmp_path):
    out = tmp_path / 'out'
    words = ('--class-map', 'red=floor', '--class-map', 'blue=wall', '--min-confidence', '0.995')
    call(SEGMENT, labelled / 'images', '--model', model, '--out', out, '--no-overlays', *words)
    mask = read_index_png(out / 'masks' / 'right.png')
    assert mask.names == ('floor', 'wall')
    assert set(np.unique(mask.class_ids)) == {0, 255}
    assert not (out / 'overlays').exists()


def test_pictures_of_one_name_do_not_overwrite_each_other(labelled, model, tmp_path):
    other = tmp_path / 'more'
    other.mkdir()
    cv2.imwrite(str(other / 'right.png'), np.zeros((32, 64, 3), np.uint8))
    sources = (labelled / 'images' / 'right.png', other / 'right.png')
    call(SEGMENT, *sources, '--model', model, '--out', tmp_path / 'out', '--no-overlays')
    assert {path.name for path in (tmp_path / 'out' / 'masks').iterdir()} == {
        'right.png',
        'right_2.png',
    }


def test_unreadable_picture_is_skipped_named_and_seen_in_the_exit_code(labelled, model, tmp_path):
    (labelled / 'images' / 'broken.png').write_bytes(b'broken')
    words = ('--model', model, '--out', tmp_path / 'out')
    result = call(SEGMENT, labelled / 'images', *words, exit_code=1)
    assert 'broken.png' in result.output.replace('\n', '')
    assert len(list((tmp_path / 'out' / 'masks').iterdir())) == 2


@pytest.mark.parametrize(
    ('words', 'reason'),
    [
        (('--class-map', 'red'), 'class=name'),
        (('--class-map', 'green=floor'), 'green'),
    ],
)
def test_impossible_class_map_is_refused(labelled, model, words, reason):
    result = CliRunner().invoke(SEGMENT, [str(labelled / 'images'), '--model', str(model), *words])
    assert isinstance(result.exception, ValueError)
    assert reason in str(result.exception)


def test_figures_come_from_one_matrix_and_the_worst_picture_first(labelled, model, tmp_path):
    out = tmp_path / 'out'
    data = f'masks:{labelled}'
    result = call(
        evaluate, 'segmentation', '--data', data, '--model', model, '--out', out, '--device', 'cpu'
    )
    metrics = json.loads((out / 'metrics.json').read_text())
    assert metrics['confusion'] == [[2 * 28 * 32, 0, 0, 0], [0, 32 * 32, 0, 0], [0, 32 * 32, 0, 0]]
    assert [metrics['by_class'][name]['iou'] for name in CLASSES] == [1.0, 0.5, 0.0]
    assert metrics['mean_iou'] == 0.5
    assert metrics['data'] == data
    assert metrics['latency_ms']['p95'] >= metrics['latency_ms']['p50'] > 0
    assert '0.500' in result.output
    page = (out / 'report.html').read_text()
    assert page.index('wrong.png: 53.3 % wrong') < page.index('right.png: 0.0 % wrong')
    assert '<svg' in page


def test_other_names_are_matched_by_rename(labelled, model, tmp_path):
    (labelled / 'dataset.json').write_text(
        json.dumps({'semantic_classes': ['ground', 'red', 'blue']})
    )
    words = ('--data', f'masks:{labelled}', '--model', model, '--out', tmp_path / 'out')
    call(evaluate, 'segmentation', *words, '--rename', 'floor=ground')
    metrics = json.loads((tmp_path / 'out' / 'metrics.json').read_text())
    assert metrics['by_class']['ground']['iou'] == 1.0
    result = CliRunner().invoke(
        evaluate, ['segmentation', *map(str, words), '--rename', 'floor:ground']
    )
    assert 'CLASS=LABEL' in str(result.exception)
