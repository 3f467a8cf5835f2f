"""Labelled sets with masks."""

import json

import cv2
import numpy as np
import pytest

from perception_nodes.evaluation.ground_truth import GroundTruthError
from perception_nodes.evaluation.masked_sets import joined, open_masked_set
from perception_nodes.imaging.index_png import write_index_png

MASK = np.array([[0, 1], [2, 11]], np.uint8)


@pytest.fixture
def camvid(tmp_path):
    """Return a folder in CamVid's layout with two validation pictures."""
    for folder in ('val', 'valannot'):
        (tmp_path / folder).mkdir()
    for stem in ('b_2', 'a_1'):
        cv2.imwrite(str(tmp_path / 'val' / f'{stem}.png'), np.zeros((2, 2, 3), np.uint8))
        cv2.imwrite(str(tmp_path / 'valannot' / f'{stem}.png'), MASK)
    return tmp_path


@pytest.fixture
def synthesised(tmp_path):
    """Return a folder as `perception synthesize --masks` leaves it."""
    write_index_png(tmp_path / 'masks' / '000000.png', np.array([[0, 1, 255]], np.uint8))
    (tmp_path / 'images').mkdir()
    cv2.imwrite(str(tmp_path / 'images' / '000000.jpg'), np.zeros((1, 3, 3), np.uint8))
    (tmp_path / 'dataset.json').write_text(json.dumps({'semantic_classes': ['floor', 'lane']}))
    return tmp_path


def test_camvid_has_eleven_classes_and_pictures_by_name(camvid):
    found = open_masked_set(f'camvid:{camvid}@val')
    assert len(found.classes) == 11
    assert (found.classes[3], found.classes[10]) == ('Road', 'Bicyclist')
    assert [item.path.stem for item in found.pictures] == ['a_1', 'b_2']
    frame, mask = found.read(found.pictures[0])
    assert frame.size_wh == (2, 2)
    assert mask.tolist() == [[0, 1], [2, 255]], 'unlabelled counts neither way'


def test_part_of_a_set(camvid):
    found = open_masked_set(f'camvid:{camvid}@val[1::2]')
    assert [item.path.stem for item in found.pictures] == ['b_2']
    with pytest.raises(GroundTruthError, match='not one picture'):
        open_masked_set(f'camvid:{camvid}@val[5:]')


def test_synthesised_set_brings_its_classes(synthesised):
    found = open_masked_set(f'masks:{synthesised}')
    assert found.classes == ('floor', 'lane')
    assert found.read_mask(found.pictures[0]).tolist() == [[0, 1, 255]]


def test_indexed_pictures_are_read_as_numbers_not_colours(synthesised):
    path = synthesised / 'masks' / '000000.png'
    numbers = np.array([[1, 0, 1]], np.uint8)
    write_index_png(path, numbers, palette_rgb=[(255, 0, 0), (0, 0, 255)])
    found = open_masked_set(f'masks:{synthesised}')
    assert found.read_mask(found.pictures[0]).tolist() == numbers.tolist()
    assert cv2.imread(str(path)).reshape(-1, 3).tolist()[0] == [255, 0, 0], 'blue for a viewer'


def damage(name):
    """Return a function that spoils a set in the way of this name."""

    def spoil(folder):
        mask = folder / 'masks' / '000000.png'
        if name == 'stranger':
            write_index_png(mask, np.array([[0, 7, 1]], np.uint8))
        elif name == 'colours':
            cv2.imwrite(str(mask), np.zeros((1, 3, 3), np.uint8))
        elif name == 'size':
            write_index_png(mask, np.zeros((4, 4), np.uint8))
        elif name == 'broken':
            mask.write_bytes(mask.read_bytes()[:40])
        elif name == 'no mask':
            mask.unlink()
        elif name == 'no picture':
            (folder / 'images' / '000000.jpg').unlink()
        elif name == 'no classes':
            (folder / 'dataset.json').write_text('{"semantic_classes": null}')
        else:
            (folder / 'dataset.json').unlink()

    return spoil


def read_first(address):
    found = open_masked_set(address)
    return found.read(found.pictures[0])


@pytest.mark.parametrize(
    ('name', 'words'),
    [
        ('stranger', r'holds \[7\], but there are 2 classes'),
        ('colours', 'holds colours'),
        ('size', 'is 4x4, the picture is 3x1'),
        ('broken', 'cannot be read as a mask'),
        ('no mask', 'has no mask'),
        ('no picture', 'holds no picture'),
        ('no classes', 'synthesise the set with masks'),
        ('no card', 'dataset.json: cannot be read'),
    ],
)
def test_unusable_set_is_refused_naming_the_file(synthesised, name, words):
    damage(name)(synthesised)
    with pytest.raises(GroundTruthError, match=words):
        read_first(f'masks:{synthesised}')


@pytest.mark.parametrize(
    ('address', 'words'),
    [
        ('kitti:x', 'one of the kinds camvid, masks'),
        ('camvid:', 'camvid:folder@val'),
        ('camvid:{}', r'@SPLIT with one of: val'),
        ('camvid:{}@test', 'test and testannot'),
    ],
)
def test_impossible_address_names_what_is_there(camvid, address, words):
    with pytest.raises(ValueError, match=words):
        open_masked_set(address.format(camvid))


@pytest.mark.data
def test_every_mask_of_camvid_is_read(shared_data):
    found = open_masked_set(f'camvid:{shared_data / "camvid"}@val')
    assert len(found.pictures) == 101
    counts = np.zeros(256, np.int64)
    for picture in found.pictures:
        counts += np.bincount(found.read_mask(picture).ravel(), minlength=256)
    assert set(np.flatnonzero(counts)) == {*range(11), 255}
    assert counts[3] / counts[:11].sum() > 0.2, 'a fifth of the streets is road'


def test_joined_sets_have_all_pictures_and_repeat_what_is_named_twice(camvid):
    one = open_masked_set(f'camvid:{camvid}@val')
    both = joined([one, one])
    assert both.pictures == one.pictures * 2
    assert joined([one]) == one


def test_sets_of_other_classes_are_not_joined(camvid, synthesised):
    sets = [open_masked_set(f'camvid:{camvid}@val'), open_masked_set(f'masks:{synthesised}')]
    with pytest.raises(GroundTruthError, match='different classes'):
        joined(sets)
