"""
Whether a picture shows free lane where a known path runs, though not where its borders are.

Inside a crossing the borders of the lane that is followed lie behind the robot or out of sight,
and what is left of them tells little. That the whole width of the known path is lane tells more:
it is neither hidden, nor blocked, nor beside the lane.
"""

from __future__ import annotations

import numpy as np

from perception_nodes.geometry import GroundProjection
from perception_nodes.path.classes import Role
from perception_nodes.path.clothoid import Clothoid

HALF_WIDTHS = np.linspace(-0.4, 0.4, 9)
"""Looked at across the path, in lane widths: a path a tenth of a width beside meets a border."""
LEAST_COVERED = 0.9
"""Share of the places that must be lane."""
REACH_WIDTHS = 1.6
"""How far ahead of base_link the path is looked at, in lane widths; more follows in time."""
LEAST_IN_VIEW = 0.25
"""Share of the places that must be in the picture; of those near the robot none is."""
STEP_M = 0.05


def is_free_lane(
    roles: np.ndarray,
    ground: GroundProjection,
    curve: Clothoid,
    to_m: float,
    lane_width_m: float,
) -> bool:
    """
    Return whether the near part of a known path is lane over its whole width, where it is in view.

    :param roles: (H, W) uint8, values of ``Role``.
    :param ground: of the camera that took the picture.
    :param curve: the path in base_link.
    :param to_m: arc length from the foot where it ends.
    """
    reach_m = min(to_m, REACH_WIDTHS * lane_width_m - curve.look_ahead_m)
    samples = curve.sampled(-curve.look_ahead_m, max(reach_m, STEP_M), STEP_M)
    near = samples.arc_m <= reach_m
    centre, heading = samples.xy[near], curve.headings(samples.arc_m[near])
    left = np.stack([-np.sin(heading), np.cos(heading)], axis=1)
    places = centre[:, None] + lane_width_m * HALF_WIDTHS[:, None] * left[:, None]
    with np.errstate(invalid='ignore'):
        uv = np.rint(ground.to_pixels(places.reshape(-1, 2)))
        inside = ((uv >= 0) & (uv < roles.shape[::-1])).all(axis=1)
    if inside.sum() <= LEAST_IN_VIEW * len(inside):
        return False
    u, v = uv[inside].astype(np.intp).T
    return bool((roles[v, u] == Role.ROAD).mean() >= LEAST_COVERED)
