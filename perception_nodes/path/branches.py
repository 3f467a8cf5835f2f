"""Which way through the runs: from near to far, and at every parting the wanted branch."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from perception_nodes.path.clothoid import Clothoid
from perception_nodes.path.config import Prefer
from perception_nodes.path.rings import RingView
from perception_nodes.path.runs import Runs, overlap, rings_of

STRAIGHT_WIDTHS = 1.5
"""The direction before a parting is told from so many lane widths of path."""
STUB_WIDTHS = 0.8
"""Side branches shorter than this part of a lane width are frayed edges, not ways."""
MOST_CANDIDATES = 8
"""Of the runs of one ring."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Chain:
    """
    Runs one behind the other, from near to far.

    :param index: (M,) int64 into the runs.
    :param before_parting: so many of them lie before the last parting, 0 when there was but one
        way.
    """

    index: np.ndarray
    before_parting: int = 0

    @property
    def parted(self) -> bool:
        """Whether there was more than one way."""
        return self.before_parting > 0


class RunGraph:
    """
    Runs that touch from ring to ring.

    :param runs: of one picture.
    :param view: where they lie.
    :param lane_width_m: about the width of the way.
    :param max_gap_m: rings without a run that may be skipped.
    :param known: (2, R) bool of ``known_ends``: a run that ends where the view ends, as a branch
        does that turns off, is no stub.
    """

    def __init__(
        self,
        runs: Runs,
        view: RingView,
        *,
        lane_width_m: float,
        max_gap_m: float,
        known: np.ndarray,
    ) -> None:
        self.runs, self.view = runs, view
        self.lane_width_m = lane_width_m
        self.width_m = (runs.right - runs.left) * view.column_rad * view.radii_m[runs.rings]
        self.middle_xy = view.places(runs.rings, runs.middle)
        self._followers = self._linked(max_gap_m)
        self._depth_m = self._depths(known)

    def _linked(self, max_gap_m: float) -> list[np.ndarray]:
        """Return, for every run, the touching ones of the next ring that has any."""
        radii = self.view.radii_m
        rings = [
            ring[np.argsort(-self.width_m[ring])[:MOST_CANDIDATES]]
            for ring in rings_of(self.runs, len(radii))
        ]
        followers = []
        for index, ring in enumerate(self.runs.rings):
            found = np.zeros(0, np.int64)
            for later in range(ring + 1, len(radii)):
                if len(found) or (later > ring + 1 and radii[later - 1] - radii[ring] > max_gap_m):
                    break
                found = overlap(self.runs, index, rings[later])
            followers.append(np.sort(found))
        return followers

    def _depths(self, known: np.ndarray) -> np.ndarray:
        """Return (R,) how far each run can be followed, metres from ring to ring."""
        depth = np.where(known.all(axis=0), 0.0, STUB_WIDTHS * self.lane_width_m)
        radii = self.view.radii_m[self.runs.rings]
        for index in range(len(depth) - 1, -1, -1):
            followers = self._followers[index]
            if len(followers):
                reach = depth[followers] + radii[followers] - radii[index]
                depth[index] = max(depth[index], reach.max())
        return depth

    def follow(self, prefer: Prefer, expected: Clothoid | None = None) -> Chain:
        """
        Return the way from the robot outwards.

        :param prefer: which branch to take at a parting.
        :param expected: the curve that is being followed: it tells where to begin, and which
            way is straight on.
        """
        start = self._start(expected)
        if start is None:
            return Chain(index=np.zeros(0, np.int64))
        chosen, before = [start], 0
        while len(self._followers[chosen[-1]]):
            ways = self._ways(self._followers[chosen[-1]])
            before = len(chosen) if len(ways) > 1 else before
            chosen.append(self._choice(ways, chosen, prefer, expected))
        return Chain(index=np.array(chosen), before_parting=before)

    def _start(self, expected: Clothoid | None) -> int | None:
        """Return the run to begin with: near, long, and where the robot or its path is."""
        if not len(self.runs):
            return None
        near = self.runs.rings <= self.runs.rings[0] + len(self.view.radii_m) // 3
        axis = Clothoid() if expected is None else expected
        away = self._off_curve(np.flatnonzero(near), axis)
        outside = np.maximum(away - 0.5 * self.width_m[near], 0.0)
        radii = self.view.radii_m[self.runs.rings[near]]
        cost = 2 * outside + radii - radii[0] - np.minimum(self._depth_m[near], self.lane_width_m)
        best = int(np.argmin(cost))
        return int(np.flatnonzero(near)[best])

    def _ways(self, followers: np.ndarray) -> np.ndarray:
        """Return the followers that lead somewhere."""
        if len(followers) == 1:
            return followers
        depth = self._depth_m[followers]
        far = depth >= min(STUB_WIDTHS * self.lane_width_m, float(depth.max()))
        return followers[far]

    def _choice(
        self, ways: np.ndarray, chosen: list[int], prefer: Prefer, expected: Clothoid | None
    ) -> int:
        if len(ways) == 1:
            return int(ways[0])
        if prefer is Prefer.LEFT:
            return int(ways[np.argmin(self.runs.middle[ways])])
        if prefer is Prefer.RIGHT:
            return int(ways[np.argmax(self.runs.middle[ways])])
        if expected is not None:
            ahead = replace(expected, curvature_1_m=0.0, curvature_rate_1_m2=0.0)
            return int(ways[np.argmin(self._off_curve(ways, ahead))])
        return int(ways[np.argmin(self._off_line(ways, chosen))])

    def _off_curve(self, index: np.ndarray, curve: Clothoid) -> np.ndarray:
        """Return how far the middles of runs are from a curve, metres."""
        reach = curve.before_loop(float(self.view.radii_m[-1]) * 1.3)
        samples = curve.sampled(-curve.look_ahead_m, reach, self.lane_width_m / 4)
        points = self.middle_xy[index]
        return np.abs(samples.offsets(points, samples.nearest(points))[1])

    def _off_line(self, index: np.ndarray, chosen: list[int]) -> np.ndarray:
        """Return how far middles are from the straight line through the last ones, metres."""
        trail = self.middle_xy[chosen]
        near = np.hypot(*(trail - trail[-1]).T) <= STRAIGHT_WIDTHS * self.lane_width_m
        trail = trail[near]
        direction = trail[-1] - trail[0]
        length = float(np.hypot(*direction))
        if length < 1e-6:
            direction, length = np.array([1.0, 0.0]), 1.0
        away = self.middle_xy[index] - trail.mean(axis=0)
        return np.abs(away[:, 1] * direction[0] - away[:, 0] * direction[1]) / length
