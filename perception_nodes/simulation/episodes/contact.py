"""Whether a robot touches something: rectangles on the floor."""

from __future__ import annotations

import numpy as np

from perception_nodes.simulation.parts import Thing
from perception_nodes.simulation.vehicle import Pose2D


def outline_of(thing: Thing, pose: Pose2D) -> np.ndarray:
    """Return the (4, 2) corners on the floor of the box that holds a thing, metres."""
    (x0, y0), (x1, y1) = thing.low[:2], thing.high[:2]
    corners = np.array([(x1, y1), (x0, y1), (x0, y0), (x1, y0)])
    c, s = np.cos(pose.yaw_rad), np.sin(pose.yaw_rad)
    return corners @ np.array([[c, -s], [s, c]]).T + (pose.x_m, pose.y_m)


def overlap(first: np.ndarray, second: np.ndarray) -> bool:
    """
    Return whether two convex polygons overlap (separating axis theorem).

    :param first: (N, 2) corners in order.
    :param second: (M, 2) corners in order.
    """
    for polygon in (first, second):
        edges = np.roll(polygon, -1, axis=0) - polygon
        normals = np.stack([-edges[:, 1], edges[:, 0]], axis=1)
        one, other = first @ normals.T, second @ normals.T
        if (one.max(axis=0) < other.min(axis=0)).any():
            return False
        if (other.max(axis=0) < one.min(axis=0)).any():
            return False
    return True
