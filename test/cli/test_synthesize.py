import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from perception_nodes.cli.data import app as data_app
from perception_nodes.cli.synthesize import parse_size, synthesize
from perception_nodes.evaluation.datasets import open_dataset
from perception_nodes.evaluation.masked_sets import open_masked_set
from perception_nodes.imaging.outlines import mask_of, tight_box
from perception_nodes.simulation.backend import RenderingUnavailableError, open_gl_context


@pytest.fixture(scope='module')
def run():
    try:
        open_gl_context(64, 64).free()
    except RenderingUnavailableError as error:
        pytest.skip(str(error))
    app = typer.Typer()
    app.command()(synthesize)
    return lambda *arguments: CliRunner().invoke(app, [str(item) for item in arguments])


def test_data_set_is_written_by_two_workers_and_continued(run, tmp_path):
    options = ('--size', '160x120', '--seed', 4)
    first = run(tmp_path, '--scenes', 11, '--workers', 2, *options)
    assert first.exit_code == 0, first.output
    assert 'partly occluded' in first.output
    images = json.loads((tmp_path / 'annotations.json').read_text())['images']
    assert [image['id'] for image in images] == list(range(11))
    before = (tmp_path / 'images/000010.jpg').stat().st_mtime_ns
    again = run(tmp_path, '--scenes', 12, '--workers', 1, *options)
    assert again.exit_code == 0, again.output
    assert (tmp_path / 'images/000010.jpg').stat().st_mtime_ns == before
    assert (tmp_path / 'images/000011.jpg').is_file()
    card = json.loads((tmp_path / 'dataset.json').read_text())
    page = (tmp_path / 'report.html').read_text()
    assert '12 scenes, train, seed 4' in page
    assert page.count('data:image/jpeg') == 1, 'a contact sheet'
    name, count = max(card['objects_per_class'].items(), key=lambda item: item[1])
    assert re.search(rf'<td class="words">{name}</td><td>{count}</td>', page)
    assert 'size_wh' in page, 'the settings'


def test_other_assets_in_the_same_folder_are_refused(run, tmp_path):
    assert run(tmp_path, '--scenes', 1, '--size', '160x120', '--workers', 1).exit_code == 0
    mixed = run(tmp_path, '--scenes', 2, '--size', '160x120', '--assets', 'held_out')
    assert mixed.exit_code == 2
    assert 'another configuration' in ' '.join(mixed.output.split())


def test_unknown_assets_name_the_known_ones(run, tmp_path):
    result = run(tmp_path / 'set', '--assets', 'photos')
    assert result.exit_code == 2
    assert 'held_out' in result.output
    assert not (tmp_path / 'set').exists()


@pytest.mark.parametrize('text', ['640', '640x', 'axb', '8x8', '640x480x3'])
def test_size_that_is_none_is_refused(text):
    with pytest.raises(typer.BadParameter, match='WIDTHxHEIGHT'):
        parse_size(text)


def test_size_is_width_and_height():
    assert parse_size('640x480') == (640, 480)


GREY = 120


@pytest.fixture
def photos(tmp_path) -> Path:
    """Return a folder with pictures of one grey."""
    folder = tmp_path / 'photos'
    folder.mkdir()
    for number in range(3):
        cv2.imwrite(str(folder / f'{number}.png'), np.full((150, 200, 3), GREY, np.uint8))
    return folder


@pytest.fixture
def cutouts(tmp_path) -> Path:
    """Return a folder with a red disc and a blue bar, cut out."""
    folder = tmp_path / 'cutouts'
    disc, bar = np.zeros((80, 80, 4), np.uint8), np.zeros((80, 80, 4), np.uint8)
    cv2.circle(disc, (40, 40), 36, (0, 0, 255, 255), -1)
    cv2.rectangle(bar, (30, 4), (50, 75), (255, 0, 0, 255), -1)
    for name, pixels in (('disc', disc), ('bar', bar)):
        (folder / name).mkdir(parents=True)
        cv2.imwrite(str(folder / name / 'a.png'), pixels)
    return folder


def test_things_on_photos_have_exact_labels(run, tmp_path, photos, cutouts):
    out = tmp_path / 'set'
    options = ('--size', '160x120', '--workers', 1, '--masks', '--seed', 3)
    result = run(out, '--scenes', 6, '--backgrounds', photos, '--cutouts', cutouts, *options)
    assert result.exit_code == 0, result.output
    truth = open_dataset(f'coco:{out}/annotations.json')
    masked = open_masked_set(f'masks:{out}')
    assert list(truth.category_ids) == ['bar', 'disc']
    assert masked.classes == ('bar', 'disc', 'background')
    assert len(truth.images) == len(masked.pictures) == 6
    things = 0
    for image, picture in zip(truth.images, masked.pictures, strict=True):
        frame, mask = masked.read(picture)
        boxes = truth.boxes_of(image.image_id)
        shown = np.zeros(mask.shape, bool)
        for xyxy, label, outline in zip(boxes.xyxy, boxes.labels, boxes.outlines, strict=True):
            pixels = mask_of(outline, (160, 120))
            assert tuple(xyxy) == tight_box(pixels)
            assert (mask[pixels] == masked.classes.index(label)).all()
            assert not (shown & pixels).any()
            shown |= pixels
            things += 1
        assert np.array_equal(shown, mask != 2)
        # JPEG smears over blocks of 16 pixels; beside them nothing but the photo is seen.
        far = ~cv2.dilate(shown.astype(np.uint8), np.ones((33, 33))).astype(bool)
        assert (np.abs(frame.pixels[far].astype(int) - GREY) <= 2).all()
        inner = cv2.erode(shown.astype(np.uint8), np.ones((5, 5))).astype(bool)
        assert (np.ptp(frame.pixels[inner].astype(int), axis=1) > 60).all()
    assert things >= 6
    checked = CliRunner().invoke(data_app, ['check', f'coco:{out}/annotations.json'])
    assert checked.exit_code == 0, checked.output
    assert 'Things on real backgrounds' in (out / 'report.html').read_text()
    assert CliRunner().invoke(data_app, ['check', f'masks:{out}']).exit_code == 0


def test_set_on_photos_is_continued_by_several_workers(run, tmp_path, photos, cutouts):
    sets = []
    for name, steps in (('grown', ((2, 1), (12, 2))), ('whole', ((12, 1),))):
        for scenes, workers in steps:
            result = run(
                tmp_path / name, '--scenes', scenes, '--workers', workers, '--size', '64x48',
                '--backgrounds', photos, '--cutouts', cutouts,
            )  # fmt: skip
            assert result.exit_code == 0, result.output
        sets.append(tmp_path / name)
    for file in ('annotations.json', 'dataset.json', 'images/000001.jpg', 'images/000011.jpg'):
        assert (sets[0] / file).read_bytes() == (sets[1] / file).read_bytes()
    other = run(tmp_path / 'whole', '--size', '64x48', '--backgrounds', photos)
    assert other.exit_code == 2
    assert 'another configuration' in ' '.join(other.output.split())


def test_rendered_things_stand_on_photos(run, tmp_path, photos):
    out = tmp_path / 'set'
    result = run(
        out, '--scenes', 2, '--backgrounds', photos, '--size', '160x120', '--workers', 1, '--masks'
    )
    assert result.exit_code == 0, result.output
    masked = open_masked_set(f'masks:{out}')
    assert masked.classes[3:8] == ('person', 'traffic_cone', 'box', 'barrel', 'sign')
    values = np.concatenate([masked.read_mask(item).ravel() for item in masked.pictures])
    assert set(np.unique(values).tolist()) <= {3, 4, 5, 6, 7, 255}
    assert (values < 8).any()
    assert json.loads((out / 'dataset.json').read_text())['licence'] != 'Apache-2.0'


def test_backgrounds_that_fail_can_be_corrected_in_the_same_folder(run, tmp_path, photos, cutouts):
    options = ('--scenes', 1, '--workers', 1, '--cutouts', cutouts, '--size', '64x48')
    (tmp_path / 'empty').mkdir()
    failed = run(tmp_path / 'set', '--backgrounds', tmp_path / 'empty', *options)
    assert failed.exit_code == 2
    assert 'no picture' in ' '.join(failed.output.split())
    assert run(tmp_path / 'set', '--backgrounds', photos, *options).exit_code == 0


@pytest.mark.parametrize(
    ('options', 'words'),
    [
        (('--backgrounds', 'photos', '--depth'), '--depth is of rendered rooms'),
        (('--backgrounds', 'photos', '--on-path'), '--on-path is of rendered rooms'),
        (('--cutouts', 'things'), '--cutouts needs --backgrounds'),
        (('--topic', '/image'), '--topic needs --backgrounds'),
        (('--tight',), '--tight is of a path; give --on-path'),
        (('--worn', '20'), '--worn is of a path; give --on-path'),
        (('--backgrounds', 'photos', '--cutouts', 'nowhere'), 'no cut-outs'),
    ],
)
def test_options_that_would_do_nothing_are_refused(run, tmp_path, options, words):
    result = run(tmp_path / 'set', *options)
    assert result.exit_code == 2
    assert words in ' '.join(result.output.replace('│', ' ').split())
    assert not (tmp_path / 'set').exists()
