"""What drives in an episode: the interface, and what goes in and out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from perception_nodes.geometry import CameraModel, RigidTransform
from perception_nodes.simulation.vehicle import Odometry
from perception_nodes.structures import Frame

DRIVING = 'driving'


@dataclass(frozen=True, eq=False, kw_only=True)
class CameraFrame:
    """
    A picture as a follower gets it.

    :param frame: RGB, with its stamp in simulated time.
    :param base_from_camera: base_link from camera_optical_frame; None when it is missing.
    :param depth_m: (H, W) float32 along the optical axis, NaN where nothing is; None when the
        robot has no depth camera.
    """

    frame: Frame
    camera: CameraModel
    base_from_camera: RigidTransform | None
    depth_m: np.ndarray | None = None


@dataclass(frozen=True, kw_only=True)
class FollowerAnswer:
    """
    What a follower commands, and why.

    :param status: ``driving``, or the reason for not driving.
    """

    linear_m_s: float = 0.0
    angular_rad_s: float = 0.0
    status: str = DRIVING


class Follower(Protocol):
    """Drives a robot by what its camera sees."""

    def step(
        self,
        frame: CameraFrame | None,
        stamp_ns: int,
        odometry: Odometry | None,
        *,
        steady_ns: int,
    ) -> FollowerAnswer:
        """
        Return the command for the present moment.

        :param frame: the newest picture since the last call, None when none came.
        :param stamp_ns: the clock that stamps come from; it may stand still or jump.
        :param odometry: the newest, None when none came.
        :param steady_ns: a clock that only runs forward.
        """

    def reset(self) -> None:
        """Begin anew, as after a start of the process."""
