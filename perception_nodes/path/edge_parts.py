"""Which of the edges a curve is laid through, where not all are of one lane."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from perception_nodes.path.clothoid import Clothoid
from perception_nodes.path.corridor import Edges

MIN_EDGES = 6
OTHER_LANE = 0.2
"""Edges further than this part of the width from where the followed lane has its borders are
another lane's, or errors of the mask."""
NEAR_PARTS = (1.0, 0.7, 0.5)
"""
Where no curve explains all edges, one for the nearer part of the distance is told instead.

Two bends in a row, each of a lane's width, are more than a clothoid can follow.
"""


def borders_of(lane: Clothoid, edges: Edges, width_m: float) -> Edges:
    """Return the edges that lie where a lane has its borders."""
    reach_m = lane.before_loop(2 * float(np.hypot(*edges.points_xy.T).max()))
    samples = lane.sampled(-lane.look_ahead_m, reach_m, OTHER_LANE * width_m)
    left_m = samples.offsets(edges.points_xy, samples.nearest(edges.points_xy))[1]
    return edges[np.abs(left_m - 0.5 * edges.sides * width_m) <= OTHER_LANE * width_m]


def nearer_parts(edges: Edges, foot_xy: tuple[float, float]) -> Iterator[Edges]:
    """Yield all edges, then those nearer to the foot of the camera; too few are left out."""
    distance = np.hypot(*(edges.points_xy - foot_xy).T)
    for part in NEAR_PARTS:
        near = edges[distance <= part * distance.max()]
        if part == NEAR_PARTS[0] or len(near) >= MIN_EDGES:
            yield near
