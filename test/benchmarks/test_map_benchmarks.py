"""The benchmarks of maps run, and their picture shows what it says."""

import cv2
import numpy as np
import pytest

from benchmarks.map_panels import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    HEADING_PX,
    RED,
    WHITE,
    Panel,
    save_panels,
)


def test_panels_show_what_is_right_wrong_and_missed(tmp_path):
    world = np.zeros((9, 9), np.int8)
    world[1, 1] = world[4, 7] = 100
    people = np.zeros((9, 9), bool)
    people[7, 7] = True
    found = world.copy()
    found[4, 7], found[7, 1], found[0, 8] = 0, 100, -1
    panels = [
        Panel('world', world, np.zeros((9, 9), bool), people),
        Panel('map', found, np.ones((9, 9), bool)),
    ]
    save_panels(tmp_path / 'out' / 'maps.png', panels)
    picture = cv2.imread(str(tmp_path / 'out' / 'maps.png'))
    width = picture.shape[1] // 3

    def at(panel, row, column):
        return tuple(picture[HEADING_PX + 2 * (8 - row), panel * width + 2 * column].tolist())

    assert (at(0, 1, 1), at(0, 7, 7), at(0, 0, 0)) == (BLACK, GREEN, WHITE)
    assert (at(1, 1, 1), at(1, 4, 7), at(1, 7, 1), at(1, 0, 8)) == (BLACK, BLUE, RED, GREY)


@pytest.mark.ros
@pytest.mark.parametrize('case', [{}, {'points': True}, {'attitude': True}, {'depth': True}])
def test_parts_of_the_map_node_are_measured(case):
    pytest.importorskip('rclpy')
    from benchmarks.map_node import parts_ms

    found = parts_ms(3, **case)
    assert found.keys() == {'to arrays', 'map', 'to messages', 'together'}
    assert 0 < found['map'] < found['together'] < 1000
