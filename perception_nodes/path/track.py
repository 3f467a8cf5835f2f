"""What is known of a path between two pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perception_nodes.geometry import PlanarPose
from perception_nodes.path.clothoid import Clothoid
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
