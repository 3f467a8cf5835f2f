"""The network of known answers, and a picture for it."""

import itertools

import numpy as np
import pytest

from perception_nodes.structures import Frame


@pytest.fixture
def make_bundle(write_mask_bundle, tmp_path):
    """Return a function that writes the bundle with changes to its spec."""
    numbers = itertools.count()
    return lambda **changes: write_mask_bundle(tmp_path / f'model{next(numbers)}', **changes)


@pytest.fixture
def picture():
    """Return a frame of 128x64: red on the left half of the top rows, blue at the bottom right."""
    pixels = np.zeros((64, 128, 3), np.uint8)
    pixels[:32, :64] = (255, 0, 0)
    pixels[32:, 96:] = (0, 0, 255)
    return Frame(pixels=pixels)
