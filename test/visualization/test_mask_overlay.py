"""Masks over pictures."""

import numpy as np
import pytest

from perception_nodes.structures import ColorOrder, SegmentationMask
from perception_nodes.visualization import draw_mask
from perception_nodes.visualization.mask_overlay import class_table

NAMES = ('floor', 'person')


@pytest.fixture
def pixels():
    return np.full((120, 160, 3), 100, np.uint8)


def mask_of(*rows):
    return SegmentationMask(np.repeat(np.array(rows, np.uint8), 40, 0).repeat(160, 1))


def test_colours_are_laid_over_and_unlabelled_pixels_stay(pixels):
    drawn = draw_mask(pixels, mask_of([0], [1], [255]), NAMES, legend=False)
    table = class_table()
    for row, number in ((10, 0), (50, 1)):
        assert np.abs(drawn[row, 0] - (50 + table[number] / 2.0)).max() <= 1
    assert (drawn[90:] == 100).all()
    assert (pixels == 100).all()


def test_channels_follow_the_picture(pixels):
    mask = mask_of([0], [1], [1])
    rgb = draw_mask(pixels, mask, NAMES)
    bgr = draw_mask(pixels, mask, NAMES, color_order=ColorOrder.BGR)
    assert np.array_equal(rgb, bgr[..., ::-1])


@pytest.mark.parametrize('opacity', [0.0, 1.0])
def test_opacity_goes_from_the_picture_to_the_colours(pixels, opacity):
    drawn = draw_mask(pixels, mask_of([0], [0], [0]), NAMES, opacity=opacity, legend=False)
    assert np.array_equal(drawn[0, 0], class_table()[0] if opacity else pixels[0, 0])


def test_legend_names_what_is_there_and_numbers_without_a_name(pixels):
    plain = draw_mask(pixels, mask_of([0], [7], [255]), NAMES, legend=False)
    drawn = draw_mask(pixels, mask_of([0], [7], [255]), NAMES)
    changed = np.argwhere((plain != drawn).any(axis=2))
    assert changed.min(axis=0).tolist() == [0, 0]
    assert changed.max(axis=0)[0] < 80
    assert changed.max(axis=0)[1] < 160


def test_size_that_does_not_fit_is_named(pixels):
    with pytest.raises(ValueError, match=r'120, 160.*do not fit'):
        draw_mask(pixels, SegmentationMask(np.zeros((10, 10), np.uint8)), NAMES)
