"""Where the path ran that now lies under the robot: no camera sees it any more."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from perception_nodes.geometry import PlanarPose
from perception_nodes.path.clothoid import Clothoid

SPACING_M = 0.03
"""Points of the trail are at least so far apart along the path."""
DRIFT_SHARE = 0.5
"""What of the odometry's error goes sideways, as seen from a path that is driven along."""
KEPT_M = 0.5
"""The trail reaches so far behind base_link."""


@dataclass(frozen=True, eq=False, kw_only=True)
class PathTrail:
    """
    The feet of the curves of the last pictures, in odom, from old to new.

    :param points_xy: (N, 2) float64 metres.
    :param sigma_m: (N,) float64, 1σ across the path when the point was noted.
    """

    points_xy: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)))
    sigma_m: np.ndarray = field(default_factory=lambda: np.zeros(0))

    def extended(
        self, curve: Clothoid, covariance: np.ndarray, odom_from_base: PlanarPose
    ) -> PathTrail:
        """
        Return the trail with the foot of one more curve; what lies beyond it is dropped.

        A foot that is less than the spacing ahead of the last point is left out: a robot that
        creeps would else drop every point for the next one.
        """
        points = odom_from_base.inverse().apply(self.points_xy)
        along = _along(points, curve)
        kept = along <= 0
        kept &= np.hypot(*points.T) <= curve.look_ahead_m + KEPT_M
        if (along[kept] > -SPACING_M).any():
            return PathTrail(points_xy=self.points_xy[kept], sigma_m=self.sigma_m[kept])
        foot = odom_from_base.apply(curve.foot_xy[None])
        return PathTrail(
            points_xy=np.concatenate([self.points_xy[kept], foot]),
            sigma_m=np.append(self.sigma_m[kept], np.sqrt(covariance[0, 0])),
        )

    def step_m(self, curve: Clothoid, odom_from_base: PlanarPose) -> float:
        """Return how far beside a curve the trail ends, metres; 0 where it ended far away."""
        end = odom_from_base.inverse().apply(self.points_xy[-1:])
        reach_m = curve.look_ahead_m + KEPT_M
        if not len(end) or float(np.hypot(*end[0])) > reach_m:
            return 0.0
        samples = curve.sampled(-reach_m, SPACING_M, SPACING_M)
        return float(np.abs(samples.offsets(end, samples.nearest(end))[1][0]))

    def told(
        self, curve: Clothoid, odom_from_base: PlanarPose, odometry_sigma: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """
        Return (M, 2) points before the foot of a curve in base_link, and (M,) deviations.

        :param odometry_sigma: error of odometry as a part of the motion.
        """
        points = odom_from_base.inverse().apply(self.points_xy)
        along = _along(points, curve)
        before = along <= -SPACING_M
        sigma = np.hypot(self.sigma_m[before], DRIFT_SHARE * odometry_sigma * along[before])
        return points[before], sigma


def _along(points_xy: np.ndarray, curve: Clothoid) -> np.ndarray:
    """Return how far points lie ahead of the foot of a curve, in its direction there."""
    away = points_xy - curve.foot_xy
    heading = -curve.heading_error_rad
    return away[:, 0] * np.cos(heading) + away[:, 1] * np.sin(heading)
