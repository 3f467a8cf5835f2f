"""Maps seen from above show what they say."""

import numpy as np

from perception_nodes.visualization.map_panels import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    HEADING_PX,
    RED,
    WHITE,
    MapPanel,
    draw_costs,
    draw_panels,
)


def test_panels_show_what_is_right_wrong_and_missed():
    world = np.zeros((9, 9), np.int8)
    world[1, 1] = world[4, 7] = 100
    people, wrong, missed = np.zeros((3, 9, 9), bool)
    people[7, 7] = wrong[7, 1] = missed[4, 7] = True
    found = world.copy()
    found[4, 7], found[7, 1], found[0, 8] = 0, 100, -1
    panels = [
        MapPanel(name='world', costs=world, people=people),
        MapPanel(name='map', costs=found, wrong=wrong, missed=missed),
    ]
    picture = draw_panels(panels)
    width = picture.shape[1] // 2

    def at(panel, row, column):
        return tuple(picture[HEADING_PX + 2 * (8 - row), panel * width + 2 * column].tolist())

    assert (at(0, 1, 1), at(0, 7, 7), at(0, 0, 0)) == (BLACK, GREEN, WHITE)
    assert (at(1, 1, 1), at(1, 4, 7), at(1, 7, 1), at(1, 0, 8)) == (BLACK, BLUE, RED, GREY)


def test_costs_fade_between_free_and_occupied():
    tones = draw_costs(np.array([[-1, 0, 25, 45, 65, 100]], np.int8))[0].astype(int)
    assert tuple(tones[0]) == GREY
    assert [tuple(tones[1]), tuple(tones[2])] == [WHITE, WHITE]
    assert [tuple(tones[4]), tuple(tones[5])] == [BLACK, BLACK]
    assert BLACK[0] < tones[3][0] < WHITE[0]


def test_map_that_knows_nothing_is_drawn_whole():
    picture = draw_panels([MapPanel(name='', costs=np.full((4, 5), -1, np.int8))])
    assert picture.shape[:2] == (HEADING_PX + 8, 5 * 2 + 8)
