"""Figures of maps against the world."""

import numpy as np
import pytest

from perception_nodes.evaluation.map_agreement import (
    CellCounts,
    SeenCells,
    TrueCells,
    judged_cells,
    map_agreement,
    tolerant_iou,
)
from perception_nodes.geometry import PlanarPose
from perception_nodes.mapping import SIMULATOR_CLASSES, Observation, OccupancyMap

FLOOR, PERSON, BOX = 0, 3, 5
HERE = PlanarPose()


def map_of(costs, origin_xy=(0.0, 0.0)):
    return OccupancyMap(costs=np.array(costs, np.int8), resolution_m=1.0, origin_xy=origin_xy)


def cells(*places, shape=(1, 6)):
    found = np.zeros(shape, bool)
    for place in places:
        found[0, place] = True
    return found


def looks(points_xy):
    count = len(points_xy)
    return Observation(
        points_xy=np.array(points_xy, np.float32).T.reshape(2, count),
        class_ids=np.zeros(count, np.uint8),
        weights=np.ones(count, np.float32),
        obstacles_xyz=np.zeros((0, 3), np.float32),
        obstacle_ids=np.zeros(0, np.uint8),
    )


def test_nothing_judged_has_no_figures():
    found = map_agreement(map_of([[0, 100]]), cells(shape=(1, 2)), cells(shape=(1, 2)))
    assert found.cells == 0
    assert np.isnan([found.free_iou, found.occupied_iou]).all()


@pytest.mark.parametrize(
    ('found', 'truth', 'iou'),
    [
        (cells(2), cells(2), 1.0),
        (cells(2), cells(3), 1.0),  # the neighbour
        (cells(2), cells(4), 0.0),
        (cells(1, 5), cells(1), 0.5),
        (cells(1), cells(1, 4), 0.5),
        (cells(), cells(1), 0.0),
    ],
)
def test_neighbour_is_near_enough_and_the_next_one_is_not(found, truth, iou):
    assert tolerant_iou(found, truth, np.ones_like(found)) == iou


def test_cells_that_are_not_judged_count_neither_way():
    judged = cells(0, 1, 2)
    assert tolerant_iou(cells(1, 5), cells(1, 4), judged) == 1.0


def test_unknown_is_neither_free_nor_occupied():
    found = map_agreement(map_of([[-1, -1, -1]]), cells(2, shape=(1, 3)), np.ones((1, 3), bool))
    assert (found.free_iou, found.occupied_iou, found.cells) == (0.0, 0.0, 3)


def test_counts_are_found_again_under_a_map_that_lies_elsewhere():
    counts = CellCounts(resolution_m=1.0, half_m=4)
    counts.add(np.array([[-3.5, 0.5], [-3.5, 0.6], [2.5, 1.5], [90.0, 0.0]]))
    counts.add(np.array([[2.5, 1.5]]))
    under = counts.under(map_of(np.zeros((3, 8)), origin_xy=(-5.0, 0.0)))
    assert under.tolist() == [[0, 1, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 2], [0] * 8]
    assert not counts.under(map_of(np.zeros((2, 2)), origin_xy=(70.0, -80.0))).any()


def test_only_what_was_seen_three_times_and_near_is_judged():
    seen = SeenCells(resolution_m=1.0)
    for count in range(3):
        seen.add(looks([(1.5, 0.5), (5.0, 0.5)] + [(2.5, 0.5)] * (count < 2)), HERE)
    assert seen.under(map_of(np.zeros((1, 6)))).tolist() == [[False, True] + [False] * 4]
    turned = SeenCells(resolution_m=1.0)
    for _ in range(3):
        turned.add(looks([(1.5, -0.5)]), PlanarPose(x_m=1.0, yaw_rad=np.pi / 2))
    assert np.argwhere(turned.under(map_of(np.zeros((3, 3))))).tolist() == [[1, 1]]


def test_truth_is_what_stands_near_the_floor_and_people_are_not_judged():
    truth, seen = TrueCells(SIMULATOR_CLASSES, resolution_m=1.0), SeenCells(resolution_m=1.0)
    mask = np.array([[FLOOR, BOX, BOX, BOX, PERSON, BOX]], np.uint8)
    points = np.array(
        [[(0.5, 0.5, 0), (1.5, 0.5, 0.1), (2.5, 0.5, 0.9), (3.6, 0.5, 0), (0.5, 2.5, 0),
          (np.nan,) * 3]]
    )  # fmt: skip
    truth.add(mask, points, HERE)
    for _ in range(3):
        seen.add(looks([(0.5, 0.5), (1.5, 0.5), (0.5, 1.5)]), HERE)
    map_ = map_of(np.zeros((3, 4)))
    assert np.argwhere(truth.standing(map_)).tolist() == [[0, 1]]
    assert np.argwhere(truth.moving(map_)).tolist() == [[2, 0]]
    assert np.argwhere(judged_cells(seen, truth, map_)).tolist() == [[0, 0], [0, 1]]
