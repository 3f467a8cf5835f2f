"""The change of an attacked picture is shown with its contrast turned up."""

import numpy as np

from perception_nodes.structures import ColorOrder, Frame, SegmentationMask
from perception_nodes.visualization.attack_sheet import amplified_change, attack_sheet


def test_no_change_is_grey_and_the_largest_has_full_contrast():
    before = np.full((2, 2, 3), 200, np.uint8)
    assert (amplified_change(before, before) == 128).all()
    after = before.copy()
    after[0, 0], after[1, 1] = (204, 200, 198), (196, 202, 200)
    shown = amplified_change(before, after)
    assert shown[0, 0].tolist() == [255, 128, 64]
    assert shown[1, 1].tolist() == [1, 192, 128]


def test_four_tiles_stand_in_a_row_and_large_pictures_shrink():
    rgb = np.zeros((600, 960, 3), np.uint8)
    mask = SegmentationMask(np.zeros((600, 960), np.uint8))
    bgr = Frame(pixels=np.full_like(rgb, (0, 0, 9)), color_order=ColorOrder.BGR)
    sheet = attack_sheet(Frame(pixels=rgb), bgr, mask, mask, ('floor',))
    assert sheet.pixels.shape == (300, 4 * 480, 3)
    assert sheet.pixels[150, 480 + 240].tolist() == [255, 128, 128], 'redder than before'
