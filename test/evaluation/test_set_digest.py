"""The hash of a labelled set follows what it holds, not where it lies."""

import json
import shutil

import cv2
import numpy as np
import pytest

from perception_nodes.evaluation.datasets import open_dataset
from perception_nodes.evaluation.masked_sets import open_masked_set
from perception_nodes.evaluation.picture_folders import open_picture_folders
from perception_nodes.imaging.index_png import write_index_png


def masks(folder):
    write_index_png(folder / 'masks' / '0.png', np.array([[0, 1]], np.uint8))
    (folder / 'images').mkdir()
    cv2.imwrite(str(folder / 'images' / '0.png'), np.zeros((1, 2, 3), np.uint8))
    (folder / 'dataset.json').write_text(json.dumps({'semantic_classes': ['floor', 'lane']}))


def boxes(folder):
    (folder / 'images').mkdir(parents=True)
    cv2.imwrite(str(folder / 'images' / '0.png'), np.zeros((8, 8, 3), np.uint8))
    content = {
        'images': [{'id': 1, 'file_name': '0.png', 'width': 8, 'height': 8}],
        'annotations': [{'id': 1, 'image_id': 1, 'category_id': 1, 'bbox': [1, 1, 4, 4]}],
        'categories': [{'id': 1, 'name': 'cone'}],
    }
    (folder / 'annotations.json').write_text(json.dumps(content))


def classes(folder):
    for name in ('cat', 'dog'):
        (folder / name).mkdir(parents=True)
        cv2.imwrite(str(folder / name / f'{name}.png'), np.zeros((4, 4, 3), np.uint8))


KINDS = {
    'masks': (masks, lambda place: open_masked_set(f'masks:{place}')),
    'boxes': (boxes, lambda place: open_dataset(f'coco:{place}/annotations.json')),
    'classes': (classes, lambda place: open_picture_folders(f'folder:{place}')),
}


@pytest.mark.parametrize('kind', KINDS)
def test_a_copy_has_the_same_digest_and_a_picture_drawn_anew_another(kind, tmp_path):
    write, opened = KINDS[kind]
    write(tmp_path / 'one')
    copy = shutil.copytree(tmp_path / 'one', tmp_path / 'two')
    assert opened(tmp_path / 'one').digest() == opened(copy).digest()
    picture = next(copy.rglob('*.png' if kind == 'classes' else 'images/*.png'))
    shape = cv2.imread(str(picture)).shape
    cv2.imwrite(str(picture), np.full(shape, 9, np.uint8))
    assert opened(tmp_path / 'one').digest() != opened(copy).digest()


@pytest.mark.parametrize('kind', KINDS)
def test_other_labels_of_the_same_pictures_give_another_digest(kind, tmp_path):
    write, opened = KINDS[kind]
    write(tmp_path / 'set')
    before = opened(tmp_path / 'set').digest()
    if kind == 'masks':
        write_index_png(tmp_path / 'set' / 'masks' / '0.png', np.array([[1, 1]], np.uint8))
    elif kind == 'boxes':
        card = tmp_path / 'set' / 'annotations.json'
        card.write_text(card.read_text().replace('[1, 1, 4, 4]', '[1, 1, 4, 5]'))
    else:
        (tmp_path / 'set' / 'cat').rename(tmp_path / 'set' / 'cow')
    assert opened(tmp_path / 'set').digest() != before
