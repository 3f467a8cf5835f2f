"""A lap through a room whose layout is known: the map against the truth."""

import numpy as np

from perception_nodes.evaluation.map_agreement import SeenCells, map_agreement
from perception_nodes.mapping import (
    GridConfig,
    PlanarPose,
    SemanticMap,
    UpdateStatus,
)

STEP_NS = 400_000_000
STEPS = 42
TURN_RAD = 2 * np.pi / STEPS
GLITCH = PlanarPose(x_m=2.0, y_m=-3.0, yaw_rad=1.0)


def lap_pose(number, radius_m=2.0) -> PlanarPose:
    """Return a pose on the ring, 0.3 m from the one before, driving left round the middle."""
    angle = number * TURN_RAD
    return PlanarPose(
        x_m=radius_m * np.cos(angle), y_m=radius_m * np.sin(angle), yaw_rad=angle + np.pi / 2
    )


def drive(room, lookup, view, jump_every=0):
    """Return map and seen cells after a lap; every n-th pose is a glitch if asked for."""
    grid, seen_cells = SemanticMap(config=GridConfig(size_cells=200)), SeenCells()
    observer = grid.observer()
    for number in range(STEPS):
        pose = lap_pose(number)
        seen = observer.observe(room.mask(lookup[0], pose, view.first_row), None, view)
        is_glitch = jump_every and number % jump_every == jump_every - 1
        reported = GLITCH @ pose if is_glitch else pose
        result = grid.update(seen, reported.matrix, number * STEP_NS)
        assert result.status is (UpdateStatus.ODOMETRY_JUMP if is_glitch else UpdateStatus.FUSED)
        if not is_glitch:
            seen_cells.add(seen, pose)
    return grid, seen_cells


def agreement(room, centres, grid, seen_cells):
    """Return how well the map agrees with the room."""
    map_ = grid.occupancy_map()
    return map_agreement(map_, room.occupied(*centres(grid)), seen_cells.under(map_))


def test_map_after_a_lap_agrees_with_the_room(room, lookup, view, centres):
    found = agreement(room, centres, *drive(room, lookup, view))
    assert found.cells > 8000
    assert found.free_iou >= 0.92
    assert found.occupied_iou >= 0.80


def test_glitches_of_odometry_do_not_smear_the_map(room, lookup, view, centres):
    grid, seen_cells = drive(room, lookup, view, jump_every=5)
    assert grid.counts.updates[UpdateStatus.ODOMETRY_JUMP] == STEPS // 5
    found = agreement(room, centres, grid, seen_cells)
    assert found.free_iou >= 0.92
    assert found.occupied_iou >= 0.80
