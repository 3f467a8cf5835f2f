"""A segmenter whose answers one can foresee, and pictures for it."""

import json

import cv2
import numpy as np
import pytest

from perception_nodes.imaging.index_png import write_index_png

CLASSES = ['floor', 'red', 'blue']


@pytest.fixture(scope='module')
def bundle(write_mask_bundle, tmp_path_factory):
    return write_mask_bundle(tmp_path_factory.mktemp('model'))


@pytest.fixture(scope='module')
def labelled(tmp_path_factory):
    """Return a set whose left half is red or blue."""
    folder = tmp_path_factory.mktemp('set')
    (folder / 'images').mkdir()
    for number in range(6):
        pixels, mask = np.full((32, 64, 3), 20, np.uint8), np.zeros((32, 64), np.uint8)
        pixels[:, :32, 0 if number % 2 else 2] = 200 + 10 * number
        mask[:, :32] = 2 if number % 2 else 1
        cv2.imwrite(str(folder / 'images' / f'{number}.png'), pixels)
        write_index_png(folder / 'masks' / f'{number}.png', mask)
    (folder / 'dataset.json').write_text(json.dumps({'semantic_classes': CLASSES}))
    return folder
