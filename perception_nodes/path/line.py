"""The one line on the floor that is the path: its middle is followed, not its sides."""

from __future__ import annotations

import cv2
import numpy as np

from perception_nodes.path.branches import RunGraph
from perception_nodes.path.classes import Role
from perception_nodes.path.clothoid import Clothoid
from perception_nodes.path.config import PathConfig, Prefer
from perception_nodes.path.corridor import Edges
from perception_nodes.path.evidence import Evidence, first_curve
from perception_nodes.path.region import (
    START_WIDTHS,
    confidence_at,
    edge_sigmas,
    hidden_places,
)
from perception_nodes.path.rings import RingView
from perception_nodes.path.runs import find_runs, known_ends

BROADEST = 6.0
"""Runs wider than so many widths of the line are crossings or walls."""

_LEVELS = np.zeros(256, np.uint8)
_LEVELS[Role.MARKING] = 255


def line_evidence(
    roles: np.ndarray,
    confidence: np.ndarray | None,
    view: RingView,
    config: PathConfig,
    *,
    expected: Clothoid | None = None,
) -> Evidence:
    """
    Return the middle of the line that the robot is on, or nearest to.

    :param roles: (H, W) uint8, values of ``Role``.
    :param confidence: (H, W) uint8, 255 is 1.0; None trusts every pixel fully.
    :param view: of the camera.
    :param expected: the curve that is being followed, if any: it tells where to begin.
    """
    hidden = hidden_places(roles, view)
    runs = find_runs(view.sample(cv2.LUT(roles, _LEVELS), 0), hidden)
    across_m = (runs.right - runs.left) * view.column_rad * view.radii_m[runs.rings]
    runs = runs[across_m <= BROADEST * config.marking_width_m]
    known = known_ends(runs, hidden)
    seen = np.flatnonzero(known.all(axis=0))
    runs, known = runs[seen], known[:, seen]
    graph = RunGraph(
        runs, view, lane_width_m=config.lane_width_m, max_gap_m=config.max_gap_m, known=known
    )
    chain = graph.follow(Prefer(config.prefer), expected)
    if not len(chain.index):
        return Evidence()
    chosen = runs[chain.index]
    across, along = edge_sigmas(view, chosen.rings, config)
    points = view.places(chosen.rings, chosen.middle)
    return Evidence(
        edges=Edges(
            points_xy=points, sides=np.zeros(len(chosen)), across_sigma_m=across,
            along_sigma_m=along,
        ),
        start=first_curve(points, config.look_ahead_m, START_WIDTHS * config.lane_width_m),
        trust=confidence_at(confidence, view, chosen.rings, chosen.middle),
        parted=chain.parted,
    )  # fmt: skip
