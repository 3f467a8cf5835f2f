"""What is known of a path between two pictures."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from perception_nodes.geometry import PlanarPose
from perception_nodes.path.clothoid import Clothoid, drift_covariance
from perception_nodes.path.estimate import PathEstimate


@dataclass(frozen=True, eq=False, kw_only=True)
class Track:
    """
    What is known of the path at a stamp and a pose.

    :param from_m: arc length from the foot where the known line begins.
    :param to_m: where it ends.
    :param seen_ns: stamp of the last picture that was used.
    :param confidence: of that picture.
    """

    curve: Clothoid
    covariance: np.ndarray
    pose: PlanarPose
    stamp_ns: int
    from_m: float
    to_m: float
    seen_ns: int
    confidence: float
    is_parted: bool
    drift_1_m3: float

    @classmethod
    def begun(cls, estimate: PathEstimate, stamp_ns: int, pose: PlanarPose) -> Track | None:
        """Return a track that knows one picture, None where it shows no path."""
        if not estimate.is_valid:
            return None
        begin_m, end_m = estimate.extent_m
        return cls(
            curve=estimate.curve, covariance=np.array(estimate.covariance), pose=pose,
            stamp_ns=stamp_ns, from_m=begin_m, to_m=end_m, seen_ns=stamp_ns,
            confidence=estimate.confidence, is_parted=estimate.is_parted,
            drift_1_m3=estimate.drift_1_m3,
        )  # fmt: skip

    def moved(
        self, stamp_ns: int, pose: PlanarPose, odometry_sigma: float, drift_factor: float
    ) -> Track:
        """
        Return the same path as told later from another pose, less certain by the way there.

        :param odometry_sigma: error of odometry as a part of the motion.
        :param drift_factor: the curvature at the foot walks so many times faster than told.
        """
        step = self.pose.inverse() @ pose
        look_ahead_m = self.curve.look_ahead_m
        curve, arc_m, covariance = self.curve.advanced_with(self.covariance, step, look_ahead_m)
        walk = drift_factor * self.drift_1_m3
        covariance = covariance + _odometry_noise(step, odometry_sigma)
        covariance += np.diag([0.0, 0.0, 0.0, walk * abs(arc_m)]) + drift_covariance(walk, arc_m)
        return replace(
            self, curve=curve, covariance=covariance, pose=pose,
            stamp_ns=stamp_ns, from_m=max(self.from_m - arc_m, -look_ahead_m),
            to_m=self.to_m - arc_m,
        )  # fmt: skip


def _odometry_noise(step: PlanarPose, sigma: float) -> np.ndarray:
    """Return the (4, 4) covariance that odometry adds over a motion."""
    moved = float(np.hypot(step.x_m, step.y_m))
    turned = abs((step.yaw_rad + np.pi) % (2 * np.pi) - np.pi)
    heading = (sigma * turned) ** 2 + (0.1 * sigma * moved) ** 2
    return np.diag([(sigma * moved) ** 2, heading, 0.0, 0.0])
