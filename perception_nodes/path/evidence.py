"""What a picture tells about the path, before a curve is laid through it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from perception_nodes.geometry import PlanarPose
from perception_nodes.path.clothoid import Clothoid
from perception_nodes.path.corridor import Edges

MIN_FOR_BEND = 5
"""Fewer points make a straight line."""


def no_edges() -> Edges:
    """Return the value that says: looked, and no edge was seen."""
    return Edges(
        points_xy=np.zeros((0, 2)), sides=np.zeros(0), across_sigma_m=np.zeros(0),
        along_sigma_m=np.zeros(0),
    )  # fmt: skip


@dataclass(frozen=True, eq=False, kw_only=True)
class Evidence:
    """
    Edges of the lane that the robot is in, or is to take.

    :param edges: from near to far on each side.
    :param marked: those of them that end at a marking, where not all do; they are believed first.
    :param start: about the middle line, from the near part.
    :param trust: 0..1, mean confidence of the pixels that were used.
    :param parted: whether there was more than one way to go.
    """

    edges: Edges = field(default_factory=no_edges)
    marked: Edges = field(default_factory=no_edges)
    start: Clothoid = field(default_factory=Clothoid)
    trust: float = 0.0
    parted: bool = False


def first_curve(middle_xy: np.ndarray, look_ahead_m: float, length_m: float) -> Clothoid:
    """
    Return a rough curve through the near part of a line, to begin a fit with.

    :param middle_xy: (N, 2) from near to far; none gives the robot's own axis.
    :param look_ahead_m: of the curve.
    :param length_m: so much of the line is used, from its beginning.
    """
    if len(middle_xy) < 2:
        return Clothoid(look_ahead_m=look_ahead_m)
    steps = np.hypot(*np.diff(middle_xy, axis=0).T)
    near = middle_xy[np.concatenate([[0.0], np.cumsum(steps)]) <= length_m]
    if len(near) < 2:
        near = middle_xy[:2]
    direction = near[-1] - near[0]
    heading = float(np.arctan2(direction[1], direction[0]))
    c, s = np.cos(heading), np.sin(heading)
    turned = (near - near[0]) @ np.array([[c, -s], [s, c]])
    degree = 2 if len(near) >= MIN_FOR_BEND and np.ptp(turned[:, 0]) > 0 else 1
    slopes = np.polyfit(turned[:, 0], turned[:, 1], degree)
    bend, slope, offset = np.concatenate([np.zeros(2 - degree), slopes])
    at = float((np.array([look_ahead_m, 0.0]) - near[0]) @ (c, s))
    at = float(np.clip(at, -length_m, turned[-1, 0]))
    steep = slope + 2 * bend * at
    place = near[0] + np.array([[c, -s], [s, c]]) @ (at, offset + slope * at + bend * at * at)
    there = Clothoid(
        lateral_error_m=0.0,
        heading_error_rad=0.0,
        curvature_1_m=float(2 * bend / (1 + steep * steep) ** 1.5),
    )
    pose = PlanarPose(
        x_m=float(place[0]), y_m=float(place[1]), yaw_rad=heading + float(np.arctan(steep))
    )
    return there.moved(pose.inverse(), look_ahead_m)
