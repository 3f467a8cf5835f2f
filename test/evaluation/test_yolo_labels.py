"""Labels in YOLO's text files."""

import cv2
import numpy as np
import pytest

from perception_nodes.evaluation.datasets import open_dataset
from perception_nodes.evaluation.ground_truth import GroundTruthError, LabelFault
from perception_nodes.evaluation.picture_folders import read_picture_folders


@pytest.fixture
def yolo(tmp_path):
    """Return a card of one picture 40×20 with one box of class 1 at its centre, and one empty."""
    for name in ('images/val', 'labels/val'):
        (tmp_path / name).mkdir(parents=True)
    for name in ('a', 'b'):
        cv2.imwrite(str(tmp_path / 'images/val' / f'{name}.png'), np.zeros((20, 40, 3), np.uint8))
    (tmp_path / 'labels/val/a.txt').write_text('1 0.5 0.5 0.5 0.2\n')
    card = tmp_path / 'data.yaml'
    card.write_text('path: .\nval: images/val\nnames: [cone, lamp]\n')
    return card


def test_shares_become_pixels(yolo):
    truth = open_dataset(f'yolo:{yolo}@val')
    boxes = truth.boxes_of(1)
    np.testing.assert_allclose(boxes.xyxy, [[10, 8, 30, 12]])
    assert boxes.labels == ('lamp',)
    assert len(truth.boxes_of(2).xyxy) == 0
    assert list(truth.category_ids) == ['cone', 'lamp']


@pytest.mark.parametrize(
    ('line', 'fault', 'words'),
    [
        ('7 0.5 0.5 0.1 0.1', LabelFault.CLASS, 'class 7'),
        ('1 0.5 0.5 0.1', LabelFault.BROKEN, 'needs class'),
        ('1 nan 0.5 0.1 0.1', LabelFault.BROKEN, 'finite'),
        ('lamp 0.5 0.5 0.1 0.1', LabelFault.BROKEN, 'lamp'),
    ],
)
def test_wrong_line_is_reported_or_an_error(yolo, line, fault, words):
    label = yolo.parent / 'labels/val/a.txt'
    label.write_text(f'0 0.5 0.5 0.5 0.5\n{line}\n')
    found = []
    truth = open_dataset(f'yolo:{yolo}@val', on_problem=lambda *item: found.append(item))
    assert [(item[0], item[1]) for item in found] == [(fault, label)]
    assert words in found[0][2]
    assert truth.boxes_of(1).labels == ('cone',)
    with pytest.raises(GroundTruthError, match=r'a\.txt'):
        open_dataset(f'yolo:{yolo}@val')


def test_unknown_split_names_the_card(yolo):
    with pytest.raises(GroundTruthError, match=r'data\.yaml: train is None'):
        open_dataset(f'yolo:{yolo}@train')


def test_folder_is_the_class(tmp_path):
    for name in ('stop', 'go'):
        (tmp_path / name).mkdir()
        cv2.imwrite(str(tmp_path / name / '1.png'), np.zeros((4, 4, 3), np.uint8))
    (tmp_path / 'empty').mkdir()
    found = read_picture_folders(tmp_path)
    assert found.classes == ('empty', 'go', 'stop')
    assert [(p.path.parent.name, p.class_id) for p in found.pictures] == [('go', 1), ('stop', 2)]
