"""Masks as COCO writes them: there and back, and in its text."""

import numpy as np
import pytest

from perception_nodes.imaging.outlines import mask_of, outline_of, tight_box

SHAPE_HW, SIZE_WH = (7, 9), (9, 7)


def masks() -> dict[str, np.ndarray]:
    """Return masks whose first and last pixels are in and out."""
    rng = np.random.default_rng(4)
    none, corner = np.zeros(SHAPE_HW, bool), np.zeros(SHAPE_HW, bool)
    corner[-1, -1] = True
    return {
        'none': none,
        'all': ~none,
        'last pixel': corner,
        'all but the last': ~corner,
        'first column': np.arange(9)[None].repeat(7, 0) == 0,
        'noise': rng.random(SHAPE_HW) < 0.4,
        'large': rng.random((480, 640)) < 0.01,
    }


@pytest.mark.parametrize('name', masks())
def test_mask_comes_back(name):
    mask = masks()[name]
    assert np.array_equal(mask_of(outline_of(mask), mask.shape[::-1]), mask)


def test_text_carries_run_lengths_down_the_columns():
    mask = np.array([[False, True, False], [True, False, False]])
    assert outline_of(mask) == {'size': [2, 3], 'counts': '123'}
    # Of 40 the low five bits come first, and say that more follow.
    assert outline_of(np.arange(50)[:, None] >= 40) == {'size': [50, 1], 'counts': 'X1:'}


def test_run_lengths_may_be_numbers():
    outline = {'size': [2, 3], 'counts': [1, 2, 3]}
    assert mask_of(outline, (3, 2)).tolist() == [[False, True, False], [True, False, False]]


def test_polygon_covers_the_pixels_between_its_corners():
    mask = mask_of([[2, 1, 6, 1, 6, 4, 2, 4], [0, 6, 1, 6, 1, 7, 0, 7]], SIZE_WH)
    assert mask[1:4, 2:6].all()
    assert mask[6, 0]
    assert not mask[:, 7:].any()


@pytest.mark.parametrize(
    ('outline', 'words'),
    [
        ({'size': [7, 9], 'counts': [60]}, 'with 60 pixels do not fit a picture of 9x7'),
        ({'size': [9, 7], 'counts': [63]}, r'\[9, 7\] \(height, width\)'),
        ({'size': [7, 9], 'counts': 'o'}, 'no run lengths'),
        ({'size': [7, 9], 'counts': ['x']}, 'no run lengths'),
        ([[1, 2, 3]], 'neither polygons nor run lengths'),
        (7, 'neither polygons nor run lengths'),
    ],
)
def test_broken_outlines_are_refused(outline, words):
    with pytest.raises(ValueError, match=words):
        mask_of(outline, SIZE_WH)


def test_box_ends_behind_the_last_pixel():
    mask = np.zeros(SHAPE_HW, bool)
    mask[2:5, 3:4] = True
    assert tight_box(mask) == (3, 2, 4, 5)
