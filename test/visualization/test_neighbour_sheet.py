"""Nearest pictures and the sheet that shows them."""

import cv2
import numpy as np

from perception_nodes.visualization.neighbour_sheet import nearest_pictures, write_neighbour_sheet


def test_nearest_come_first_whatever_all_have_in_common():
    common = np.array([100.0, 0, 0])
    known = common + np.array([[0, 1.0, 0], [0, 0, 1], [0, -1, 0], [0, 0, -1]])
    asked = common + np.array([[0, 0.2, 0.9]])
    assert nearest_pictures(asked, known, 2).tolist() == [[1, 0]]


def test_more_are_not_found_than_there_are():
    assert nearest_pictures(np.eye(2), np.eye(2), 5).shape == (2, 2)


def test_a_row_for_each_picture_the_asked_one_first(tmp_path):
    red, blue = np.zeros((36, 36, 3), np.uint8), np.zeros((72, 144, 3), np.uint8)
    red[..., 0], blue[..., 2] = 255, 255
    path = write_neighbour_sheet(
        tmp_path / 'deep' / 'sheet.png', [red, red], [red, blue], np.array([[1, 0], [0, 1]])
    )
    sheet = cv2.imread(str(path))[..., ::-1]
    assert sheet.shape == (2 * 76, 72 + 16 + 144 + 4 + 72 + 4, 3)
    assert sheet[30, 30].tolist() == [255, 0, 0]
    assert sheet[30, 72 + 16 + 30].tolist() == [0, 0, 255]
