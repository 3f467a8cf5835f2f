"""Why the robot has to stand for a mask that did not get what belongs to it."""

from __future__ import annotations

from perception_nodes.driving import Fault, StopReason
from perception_nodes.streaming import NotYetError

_REASONS = {
    'no_camera_info': StopReason.NO_CAMERA_INFO,
    'uncalibrated': StopReason.NO_CAMERA_INFO,
    'bad_camera_info': StopReason.NO_CAMERA_INFO,
    'no_attitude': StopReason.ODOMETRY_STALE,
}


def fault_of_loss(error: NotYetError) -> Fault:
    """Return the fault for a loss of :class:`.MaskSource`: no labels or no partner is no path."""
    if error.reason.startswith('transform'):
        return Fault(StopReason.TF_MISSING, str(error))
    return Fault(_REASONS.get(error.reason, StopReason.PATH_LOST), str(error))
