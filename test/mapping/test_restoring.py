import functools

import numpy as np
import pytest

from perception_nodes.mapping import (
    SIMULATOR_CLASSES,
    CellClasses,
    GridConfig,
    OccupancyMap,
    PlanarPose,
    SemanticMap,
    load_map,
    save_map,
)
from perception_nodes.mapping.torch_layers import TorchLayers

FLOOR, LANE, PERSON, BOX, BACKGROUND, UNKNOWN = 0, 1, 3, 5, 8, 255
SMALL = GridConfig(size_cells=40, resolution_m=0.1)
S = 1_000_000_000


@pytest.fixture(params=['numpy', 'torch'])
def make_grid(request):
    """Return a function that makes a grid of 4 m with its evidence in either home."""
    if request.param == 'numpy':
        return functools.partial(SemanticMap, config=SMALL)
    layers = functools.partial(TorchLayers, device='cpu')
    return functools.partial(SemanticMap, config=SMALL, make_layers=layers)


def seen_map(grid, look):
    """Return the grid after it saw a floor with a box and a person on it."""
    things = ((FLOOR, 0.0), (BOX, 0.5), (PERSON, -0.5))
    for number in range(15):
        class_id, y_m = things[number % 3]
        seen = look(1.0, y_m, class_id, side_m=0.3)
        assert grid.update(seen, PlanarPose().matrix, number * S // 100).cells
    return grid


def plain_map(costs, resolution_m=0.1, origin_xy=(-2.0, -2.0)):
    costs = np.asarray(costs, np.int8)
    return OccupancyMap(costs=costs, resolution_m=resolution_m, origin_xy=origin_xy)


def test_empty_map_restores_to_nothing(make_grid):
    grid = make_grid()
    result = grid.restore(plain_map(np.full((40, 40), -1)))
    assert (result.cells, result.outside) == (0, 0)
    assert (grid.occupancy() == -1).all()


def test_map_comes_back_from_its_files_without_the_people(make_grid, look, tmp_path):
    grid = seen_map(make_grid(), look)
    before, confidence = grid.classes()
    assert {*np.unique(before)} == {FLOOR, BOX, PERSON, UNKNOWN}
    again = make_grid()
    result = again.restore(load_map(save_map(tmp_path / 'map', grid.occupancy_map())))
    ids, values = again.classes()
    stay = before != PERSON
    assert np.array_equal(ids[stay], before[stay])
    assert (ids[~stay] == UNKNOWN).all()
    assert np.abs(values[stay].astype(int) - confidence[stay]).max() <= 1
    assert result.cells == (stay & (before != UNKNOWN)).sum()
    assert again.origin_xy == grid.origin_xy


@pytest.mark.parametrize(
    ('cost', 'class_id'), [(0, LANE), (10, FLOOR), (14, FLOOR), (100, BACKGROUND), (-1, UNKNOWN)]
)
def test_cells_without_class_get_the_static_class_of_the_nearest_cost(make_grid, cost, class_id):
    grid = make_grid()
    grid.restore(plain_map(np.full((40, 40), cost)))
    assert (grid.classes()[0] == class_id).all()


def test_class_that_the_table_does_not_know_is_named_and_taken_by_cost(make_grid):
    cells = CellClasses(
        ids=np.zeros((40, 40), np.uint8),
        confidence=np.full((40, 40), 250, np.uint8),
        names=('moat',),
    )
    saved = OccupancyMap(
        costs=np.full((40, 40), 100, np.int8), resolution_m=0.1, origin_xy=(-2, -2), cells=cells
    )
    grid = make_grid()
    assert grid.restore(saved).unknown_names == ('moat',)
    assert (grid.occupancy() == 100).all()


def test_restored_evidence_fades_and_is_overruled_like_any_other(make_grid, look):
    grid = make_grid()
    grid.restore(plain_map(np.full((40, 40), 100)))
    for number in range(12):
        seen = look(1.0, 0.0, FLOOR, side_m=0.3)
        grid.update(seen, PlanarPose().matrix, number * S // 10)
    occupancy = grid.occupancy()
    assert occupancy[20, 30] == 10
    assert occupancy[20, 10] == 100
    half_life_s = SIMULATOR_CLASSES.half_lives_s[BACKGROUND]
    grid.advance(round(6 * half_life_s * S))
    assert grid.occupancy()[20, 10] == -1


def test_window_stays_where_the_robot_is_and_counts_what_it_lost(make_grid, look):
    grid = make_grid()
    grid.update(look(0.5, 0.0, FLOOR), PlanarPose(x_m=2.0).matrix, 0)
    assert grid.origin_xy == (0.0, -2.0)
    costs = np.full((40, 40), -1, np.int8)
    costs[20, 5], costs[20, 25] = 100, 100  # at x = -1.45 and 0.55 m
    result = grid.restore(plain_map(costs))
    assert (result.cells, result.outside) == (1, 1)
    assert grid.occupancy()[20, 5] == 100


def test_coarser_and_shifted_map_is_taken_by_nearest_cell(make_grid):
    costs = np.full((3, 3), -1, np.int8)
    costs[1, 1] = 100  # x and y from 0.13 to 0.43 m
    grid = make_grid()
    grid.restore(plain_map(costs, resolution_m=0.3, origin_xy=(-0.17, -0.17)))
    rows, columns = np.nonzero(grid.occupancy() == 100)
    left, low = grid.origin_xy
    x_m, y_m = left + (columns + 0.5) * 0.1, low + (rows + 0.5) * 0.1
    assert sorted(np.round(np.unique(x_m), 3)) == [0.15, 0.25, 0.35]
    assert sorted(np.round(np.unique(y_m), 3)) == [0.15, 0.25, 0.35]


def test_robot_that_starts_elsewhere_keeps_what_is_in_its_window(make_grid, look):
    grid = make_grid()
    grid.restore(plain_map(np.full((40, 40), 100)))
    grid.update(look(0.0, 0.0, FLOOR), PlanarPose(x_m=1.0).matrix, 0)
    occupancy = grid.occupancy()
    assert (occupancy[:, 30:] == -1).all()
    assert occupancy[0, 0] == 100
