"""The path ahead of a camera, as labels: points in base_link, and which of them are seen."""

from __future__ import annotations

import numpy as np

from perception_nodes.simulation.camera import PinholeCamera
from perception_nodes.simulation.classes import SemanticClass
from perception_nodes.simulation.course_path import CoursePath
from perception_nodes.simulation.vehicle import Pose2D, wrap_angle

LENGTH_M, STEP_M = 4.0, 0.1
MOST_ASIDE = 1.0
"""Farther from the middle, in lane widths, a robot has no path ahead."""
UNDER_M = 1.2
"""What lies before the first point that is seen runs under the robot, if it is this near."""


def base_below(world_from_optical: np.ndarray) -> Pose2D:
    """Return base_link of a camera without a robot: on the floor below it, looking as it does."""
    ahead = world_from_optical[:3, 2]
    return Pose2D(
        x_m=float(world_from_optical[0, 3]), y_m=float(world_from_optical[1, 3]),
        yaw_rad=float(np.arctan2(ahead[1], ahead[0])),
    )  # fmt: skip


def path_ahead(
    path: CoursePath | None,
    base: Pose2D,
    class_ids: np.ndarray,
    world_from_optical: np.ndarray,
    camera: PinholeCamera,
) -> np.ndarray:
    """
    Return the path ahead.

    :param path: in the world, or None.
    :param base: base_link in the world.
    :param class_ids: (H, W) uint8, values of ``SemanticClass``: what the camera sees.
    :param world_from_optical: (4, 4) pose of the camera.
    :returns: (N, 4) float64: arc length from the point nearest to base_link, x and y in
        base_link, 1 where the picture shows the lane there, else 0. None where there is no path,
        or it runs across.
    """
    if path is None:
        return np.zeros((0, 4))
    s_m, left_m = path.project(base.x_m, base.y_m)
    turn = wrap_angle(base.yaw_rad - path.pose_at(s_m).yaw_rad)
    direction = 1.0 if abs(turn) <= np.pi / 2 else -1.0
    across = abs(wrap_angle(2 * turn)) > np.pi * 2 / 3
    if abs(left_m) > MOST_ASIDE * path.course.lane_width_m or across:
        return np.zeros((0, 4))
    arc_m = np.arange(0.0, LENGTH_M + STEP_M / 2, STEP_M)
    if not path.course.closed:
        along = s_m + direction * arc_m
        arc_m = arc_m[(along >= 0) & (along <= path.length_m)]
    world_xy = path.points_at((s_m + direction * arc_m) % _period(path))[0]
    seen = _is_seen(world_xy, class_ids, world_from_optical, camera)
    first = int(np.argmax(seen)) if seen.any() else 0
    if seen.any() and arc_m[first] <= UNDER_M:
        seen[:first] = True
    away = world_xy - (base.x_m, base.y_m)
    c, s = np.cos(base.yaw_rad), np.sin(base.yaw_rad)
    return np.column_stack([arc_m, away @ np.array([[c, -s], [s, c]]), seen])


def _period(path: CoursePath) -> float:
    return path.length_m if path.course.closed else np.inf


def _is_seen(
    world_xy: np.ndarray,
    class_ids: np.ndarray,
    world_from_optical: np.ndarray,
    camera: PinholeCamera,
) -> np.ndarray:
    """Return (N,) bool, whether the pixel that looks at a floor point shows lane."""
    floor = np.column_stack([world_xy, np.zeros(len(world_xy)), np.ones(len(world_xy))])
    optical = (floor @ np.linalg.inv(world_from_optical).T)[:, :3]
    uv = np.floor(camera.project(optical))
    width, height = camera.size_wh
    with np.errstate(invalid='ignore'):
        inside = (uv >= 0).all(axis=1) & (uv[:, 0] < width) & (uv[:, 1] < height)
    seen = np.zeros(len(world_xy), bool)
    columns, rows = uv[inside].astype(int).T
    seen[inside] = class_ids[rows, columns] == SemanticClass.LANE
    return seen
