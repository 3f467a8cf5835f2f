"""Places that the robot must not touch, from what the different sensors say."""

from __future__ import annotations

import numpy as np

from perception_nodes.driving.reference import transformed
from perception_nodes.geometry import (
    CameraModel,
    GroundProjection,
    PlanarPose,
    RigidTransform,
    centred_from_continuous,
)

FOOT_POINTS = 5
"""Places along the lower edge of a box."""


def points_from_occupancy(
    costs: np.ndarray,
    resolution_m: float,
    base_from_grid: PlanarPose,
    *,
    min_cost: int,
) -> np.ndarray:
    """
    Return the centres of cells that cost too much.

    Unknown cells give none: how far the robot may go into the unknown is told by the visible
    path, which ends where visibility does.

    :param costs: (rows, columns) int8, 0..100, -1 unknown; row 0 has the lowest y.
    :param base_from_grid: pose of the corner of cell (0, 0), axes along the rows and columns.
    :param min_cost: 1..100, cells from this cost on are in the way.
    :returns: (N, 2) metres in base_link.
    """
    rows, columns = np.nonzero(costs >= min_cost)
    cells = np.stack([columns + 0.5, rows + 0.5], axis=1) * resolution_m
    return transformed(cells, base_from_grid)


def points_from_cloud(
    points_xyz: np.ndarray,
    base_from_cloud: RigidTransform,
    *,
    min_height_m: float,
    max_height_m: float,
) -> np.ndarray:
    """
    Return what stands between two heights above the floor.

    :param points_xyz: (N, 3) metres; NaN is no point.
    :returns: (M, 2) metres in base_link.
    """
    points = np.asarray(points_xyz, dtype=np.float64).reshape(-1, 3)
    points = base_from_cloud.apply(points[np.isfinite(points).all(axis=1)])
    standing = (points[:, 2] >= min_height_m) & (points[:, 2] <= max_height_m)
    return points[standing, :2]


def points_from_depth(
    depth_m: np.ndarray,
    camera: CameraModel,
    base_from_camera: RigidTransform,
    *,
    stride: int,
    min_height_m: float,
    max_height_m: float,
    max_range_m: float,
) -> np.ndarray:
    """
    Return what stands between two heights in a depth picture.

    :param depth_m: (H, W) metres along the optical axis; NaN is no measurement.
    :param camera: of the picture; lens distortion is taken out.
    :param stride: every ``stride``-th pixel of every ``stride``-th row.
    :returns: (N, 2) metres in base_link.
    :raises ValueError: when the camera is that of another picture shape.
    """
    height, width = depth_m.shape
    camera = camera.for_picture((width, height))
    depth = depth_m[::stride, ::stride]
    v, u = np.mgrid[0:height:stride, 0:width:stride]
    with np.errstate(invalid='ignore'):
        seen = np.isfinite(depth) & (depth > 0) & (depth <= max_range_m)
    points = camera.points_at_depth(np.stack([u[seen], v[seen]], axis=1), depth[seen])
    return points_from_cloud(
        points, base_from_camera, min_height_m=min_height_m, max_height_m=max_height_m
    )


def points_from_boxes(xyxy: np.ndarray, projection: GroundProjection) -> np.ndarray:
    """
    Return where boxes stand on the floor: along their lower edges, one sigma nearer.

    A box that the lower edge of the picture cuts stands nearer than what is returned by as much
    as the picture does not show.

    :param xyxy: (N, 4) boxes in continuous pixel coordinates (the first pixel's corner is 0, 0).
    :param projection: of the camera that saw them.
    :returns: (M, 2) metres in base_link; boxes whose foot is above the horizon give none.
    """
    boxes = np.asarray(xyxy, dtype=np.float64).reshape(-1, 4)
    share = np.linspace(0.0, 1.0, FOOT_POINTS)
    across = boxes[:, :1] + share * (boxes[:, 2:3] - boxes[:, :1])
    feet = np.stack([across, np.broadcast_to(boxes[:, 3:], across.shape)], axis=2)
    points, sigma = projection.to_ground(centred_from_continuous(feet.reshape(-1, 2)))
    distance = np.hypot(*points.T)
    with np.errstate(invalid='ignore', divide='ignore'):
        nearer = points * np.maximum(0.0, 1 - sigma / distance)[:, None]
    return nearer[np.isfinite(nearer).all(axis=1)]
