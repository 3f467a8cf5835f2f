"""
Where the road ended in the last believed picture, to recognise that floor in the next one.

A network that sees nothing, black pictures or noise, may say road everywhere. That the same edges
lie where the robot's motion puts them tells that it sees, also where those edges are not the
borders of the lane that is followed.
"""

from __future__ import annotations

import cv2
import numpy as np

from perception_nodes.geometry import GroundProjection, PlanarPose
from perception_nodes.path.classes import Role

STRIDE = 2
"""Every so many pixels of every so many rows are looked at."""
TOLERANCE = 0.01
"""An edge is found again within this part of the picture's width."""
LEAST_FOUND = 0.6
"""
Share of the edges of one picture that must be found in the other, whichever has fewer strays:
masks of bad pictures have patches that come and go.
"""
LEAST_EDGES = 24
"""Fewer edges in view recognise nothing."""
MOST_EDGES = 400


class FloorMemory:
    """Remembers the edges of one picture, and where it was taken."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Remember nothing."""
        self._places: tuple[np.ndarray, PlanarPose] | None = None

    def note(
        self, roles: np.ndarray, ground: GroundProjection, odom_from_base: PlanarPose
    ) -> None:
        """
        Remember a picture that is believed.

        :param roles: (H, W) uint8, values of ``Role``.
        """
        v, u = np.nonzero(_edges(roles))
        thinned = slice(None, None, max(1, -(-len(u) // MOST_EDGES)))
        pixels = STRIDE * np.stack([u[thinned], v[thinned]], axis=1).astype(np.float64)
        places, _ = ground.to_ground(pixels)
        known = np.isfinite(places).all(axis=1)
        self._places = places[known], odom_from_base

    def recognises(
        self, roles: np.ndarray, ground: GroundProjection, odom_from_base: PlanarPose
    ) -> bool:
        """Return whether a picture shows the floor that is remembered."""
        if self._places is None:
            return False
        places, then = self._places
        here = (odom_from_base.inverse() @ then).apply(places)
        seen = _edges(roles)
        with np.errstate(invalid='ignore'):
            uv = np.rint(ground.to_pixels(here) / STRIDE)
            inside = ((uv >= 0) & (uv < seen.shape[::-1])).all(axis=1)
        known = np.zeros(seen.shape, bool)
        u, v = uv[inside].astype(np.intp).T
        known[v, u] = True
        return max(_found_in(known, seen), _found_in(seen, known)) >= LEAST_FOUND


def _found_in(edges: np.ndarray, others: np.ndarray) -> float:
    """Return the share of edges that have others near by; 0 where there are too few of either."""
    if min(np.count_nonzero(edges), np.count_nonzero(others)) < LEAST_EDGES:
        return 0.0
    away_px = cv2.distanceTransform((~others).astype(np.uint8), cv2.DIST_L2, 3)
    return float((away_px[edges] <= TOLERANCE * edges.shape[1]).mean())


def _edges(roles: np.ndarray) -> np.ndarray:
    """Return (h, w) bool of every second pixel: road with something beside it below or right."""
    small = roles[::STRIDE, ::STRIDE]
    road = small == Role.ROAD
    ends = (small == Role.BESIDE) | (small == Role.MARKING)
    edges = np.zeros(small.shape, bool)
    for here, there in (
        ((slice(None, -1), slice(None)), (slice(1, None), slice(None))),
        ((slice(None), slice(None, -1)), (slice(None), slice(1, None))),
    ):
        edges[here] |= (road[here] & ends[there]) | (ends[here] & road[there])
    return edges
