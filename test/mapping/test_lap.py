"""A lap through a room whose layout is known: the map against the truth."""

import numpy as np

from perception_nodes.mapping import (
    GridConfig,
    PlanarPose,
    SemanticMap,
    UpdateStatus,
)

STEP_NS = 400_000_000
STEPS = 63
TURN_RAD = 2 * np.pi / STEPS
GLITCH = PlanarPose(x_m=2.0, y_m=-3.0, yaw_rad=1.0)
FREE_BELOW, OCCUPIED_FROM = 25, 65


def lap_pose(number, radius_m=2.0) -> PlanarPose:
    """Return a pose on the ring, 0.2 m from the one before, driving left round the middle."""
    angle = number * TURN_RAD
    return PlanarPose(
        x_m=radius_m * np.cos(angle), y_m=radius_m * np.sin(angle), yaw_rad=angle + np.pi / 2
    )


def drive(room, lookup, view, seen_cells, jump_every=0):
    """Return the map after a lap; every n-th pose is a glitch of odometry if asked for."""
    grid = SemanticMap(config=GridConfig(size_cells=200))
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
    return grid


def agreement(grid, room, seen_cells, centres, iou):
    """Return the IoU of free and of occupied cells, and how many cells were seen."""
    occupancy, seen = grid.occupancy(), seen_cells.window(grid)
    truth = room.occupied(*centres(grid))
    free = (occupancy >= 0) & (occupancy <= FREE_BELOW)
    return iou(free, ~truth, seen), iou(occupancy >= OCCUPIED_FROM, truth, seen), seen.sum()


def test_map_after_a_lap_agrees_with_the_room(room, lookup, view, seen_cells, centres, iou):
    grid = drive(room, lookup, view, seen_cells)
    free, occupied, count = agreement(grid, room, seen_cells, centres, iou)
    assert count > 8000
    assert free >= 0.92
    assert occupied >= 0.80


def test_glitches_of_odometry_do_not_smear_the_map(room, lookup, view, seen_cells, centres, iou):
    grid = drive(room, lookup, view, seen_cells, jump_every=5)
    assert grid.counts.updates[UpdateStatus.ODOMETRY_JUMP] == STEPS // 5
    free, occupied, _ = agreement(grid, room, seen_cells, centres, iou)
    assert free >= 0.92
    assert occupied >= 0.80
