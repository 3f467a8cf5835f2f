import json

import cv2
import numpy as np
import pytest

from perception_nodes.curation.reading import read_inventory
from perception_nodes.evaluation.class_numbers import label_numbers
from perception_nodes.evaluation.classification import ClassificationMeter
from perception_nodes.evaluation.picture_folders import joined, open_picture_folders
from perception_nodes.structures import Classification

CLASSES = ('a', 'b', 'c')


def said(*probabilities, min_confidence=0.0):
    return Classification.of(np.array(probabilities), min_confidence)


def test_nothing_measured_gives_no_figures():
    found = ClassificationMeter(CLASSES).metrics()
    assert found.pictures == 0
    assert np.isnan([found.top1, found.mean_recall, found.calibration_error]).all()
    assert json.dumps(found.to_dict(), allow_nan=False)


def test_figures_of_four_pictures():
    meter = ClassificationMeter(CLASSES)
    assert meter.add(0, said(0.8, 0.1, 0.1))
    assert not meter.add(0, said(0.3, 0.6, 0.1))
    assert meter.add(1, said(0.1, 0.9, 0.0))
    assert not meter.add(1, said(0.4, 0.35, 0.25, min_confidence=0.5))
    found = meter.metrics()
    assert found.top1 == 0.5
    assert np.isnan(found.top5)
    assert found.mean_recall == 0.5
    assert (found.named, found.top1_of_named) == (0.75, pytest.approx(2 / 3))
    assert found.confusion == [[1, 1, 0, 0], [0, 1, 0, 1], [0, 0, 0, 0]]
    assert found.by_class['b'].precision == 0.5
    assert np.isnan(found.by_class['c'].recall)
    gaps = (1 - 0.8) + (0.6 - 0) + (1 - 0.9) + (0.4 - 0)  # each in a bin of its own
    assert found.calibration_error == pytest.approx(gaps / 4)


def test_right_class_among_five_of_more():
    meter = ClassificationMeter([str(number) for number in range(8)])
    falling = np.arange(8, 0, -1) / 36
    for truth in (0, 4, 5, 7):
        meter.add(truth, said(*falling))
    assert meter.metrics().top5 == 0.5
    assert meter.metrics().top1 == 0.25


def test_network_without_numbers_is_wrong_and_not_counted_in_calibration():
    meter = ClassificationMeter(CLASSES)
    assert not meter.add(2, Classification.unknown())
    found = meter.metrics()
    assert (found.top1, found.named) == (0, 0)
    assert found.confusion[2] == [0, 0, 0, 1]
    assert np.isnan(found.calibration_error)


def test_classes_of_the_model_are_found_by_name():
    numbers = label_numbers(('c', 'x', 'dog'), CLASSES, {'dog': 'b'})
    assert numbers == [2, None, 1]
    meter = ClassificationMeter(CLASSES, numbers)
    assert meter.add(2, said(0.7, 0.2, 0.1))
    assert not meter.add(0, said(0.2, 0.7, 0.1))
    assert meter.add(1, said(0.2, 0.1, 0.7))
    assert meter.metrics().confusion == [[0, 0, 0, 1], [0, 1, 0, 0], [0, 0, 1, 0]]
    with pytest.raises(ValueError, match='no class of the model'):
        label_numbers(('x',), CLASSES)


@pytest.fixture
def folders(tmp_path):
    """Return a folder with two splits; the second lacks a class."""
    for place in ('train/b/deep', 'train/a', 'val/b', 'val/a'):
        (tmp_path / place).mkdir(parents=True)
    for name in ('train/a/1.png', 'train/a/2.png', 'train/b/deep/3.jpg', 'val/b/4.png'):
        cv2.imwrite(str(tmp_path / name), np.zeros((8, 8, 3), np.uint8))
    (tmp_path / 'train' / 'a' / 'notes.txt').write_text('')
    return tmp_path


def test_splits_and_parts_have_addresses(folders):
    whole = open_picture_folders(f'folder:{folders}@train')
    assert whole.classes == ('a', 'b')
    assert whole.counts() == [2, 1]
    part = open_picture_folders(f'folder:{folders}@train[::2]')
    assert [item.path.name for item in part.pictures] == ['1.png', '3.jpg']
    same = open_picture_folders(f'folder:{folders / "train"}')
    assert same == whole
    assert len(read_inventory(f'folder:{folders}@val').entries) == 1


def test_sets_are_joined_and_renumbered(folders):
    one, two = (open_picture_folders(f'folder:{folders}@{name}') for name in ('train', 'val'))
    assert joined([one, two]).counts() == [2, 2]
    other = two.numbered_as(['b', 'z'])
    assert [item.class_id for item in other.pictures] == [0]
    with pytest.raises(ValueError, match='pictures of a, but the classes are b, z'):
        one.numbered_as(['b', 'z'])


@pytest.mark.parametrize(
    ('address', 'words'), [('voc:x', 'folder'), ('folder:/absent', 'no folder of a class')]
)
def test_addresses_that_lead_nowhere_say_so(address, words):
    with pytest.raises(ValueError, match=words):
        open_picture_folders(address)
