"""The map beside the world: what really stands along the way, in the robot's own odometry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from perception_nodes.evaluation.drive_run import DriveFrame, DriveRun
from perception_nodes.evaluation.map_agreement import (
    LOW_M,
    MapAgreement,
    SeenCells,
    TrueCells,
    cell_errors,
    judged_cells,
    map_agreement,
)
from perception_nodes.geometry import RigidTransform, points_of_depth
from perception_nodes.mapping import SIMULATOR_CLASSES
from perception_nodes.mapping.occupancy import OCCUPIED_FROM
from perception_nodes.simulation import Pose2D, SimulatedWorld, SimulationConfig
from perception_nodes.visualization.map_panels import MapPanel

EVERY = 2
"""Every second picture shows the world well enough."""


@dataclass(frozen=True, kw_only=True, eq=False)
class MapComparison:
    """
    The last map of a run and the world.

    :param panels: the world, and the map with what is wrong and missed in it.
    """

    agreement: MapAgreement
    panels: tuple[MapPanel, MapPanel]


def placed_frames(run: DriveRun) -> list[tuple[int, DriveFrame]]:
    """Return the frames from which the world is looked at again, with their stamps."""
    placed = [
        (stamp, frame)
        for stamp, frame in run.frames.items()
        if frame.world_from_base is not None and frame.odom_from_base is not None
    ]
    return placed[::EVERY]


def compare_map(
    run: DriveRun, config: SimulationConfig, on_frame: Callable[[], object]
) -> MapComparison | None:
    """
    Look at the same world again from the same places, with true classes and depth.

    :param config: of the world that was driven in.
    :param on_frame: called after each picture, for a progress bar.
    :returns: None when no map was recorded.
    """
    if not run.maps:
        return None
    truth, seen = TrueCells(SIMULATOR_CLASSES), SeenCells()
    world = SimulatedWorld.create(config)
    try:
        for stamp_ns, frame in placed_frames(run):
            _look(world, stamp_ns, frame, truth, seen)
            on_frame()
    finally:
        world.close()
    map_ = run.maps[-1][1]
    standing, judged = truth.standing(map_), judged_cells(seen, truth, map_)
    _, wrong, missed = cell_errors(map_.costs >= OCCUPIED_FROM, standing, judged)
    there = np.where(standing, 100, np.where(seen.under(map_), 0, -1)).astype(np.int8)
    people = truth.moving(map_) & ~standing
    return MapComparison(
        agreement=map_agreement(map_, standing, judged),
        panels=(
            MapPanel(name='world', costs=there, people=people),
            MapPanel(name='map', costs=map_.costs, wrong=wrong, missed=missed),
        ),
    )


def _look(
    world: SimulatedWorld, stamp_ns: int, frame: DriveFrame, truth: TrueCells, seen: SeenCells
) -> None:
    """Take the world at one time from one place."""
    place, odom = frame.world_from_base, frame.odom_from_base
    if place is None or odom is None:
        raise ValueError('the frame has no place')
    world.advance(max(0, stamp_ns - world.time_ns) * 1e-9)
    world.robot.pose = Pose2D(**vars(place))
    class_ids, depth_m = world.classes()
    base_from_camera = RigidTransform.from_matrix(world.base_from_camera)
    points = base_from_camera.apply(points_of_depth(world.camera.model, depth_m))
    truth.add(class_ids, points.astype(np.float32), odom)
    low = points.reshape(-1, 3)
    seen.add_points(low[low[:, 2] < LOW_M, :2], odom)
