"""From masks to commands: the path over time, and the follower that drives along it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from perception_nodes.driving.config import DrivingConfig
from perception_nodes.driving.follower import FollowerStatus, PathFollower
from perception_nodes.driving.prediction import MotionSample, PoseUnknownError
from perception_nodes.driving.supervisor import Fault, StopReason
from perception_nodes.geometry import GroundProjection
from perception_nodes.path import PathClasses, PathConfig, PathEstimate, PathTracker
from perception_nodes.path.filter import FilterConfig


class Pilot:
    """
    A :class:`PathTracker` and a :class:`PathFollower` that are fed together.

    The follower gets a path only from pictures that showed one, or free lane all along the known
    one: what the tracker bridges would make an old path look fresh. Whatever makes old stamps or
    poses meaningless, a jump of the clock or of odometry, makes the tracker begin anew, too.

    Speed limits, obstacles and the dead man's switch go to :attr:`follower`.

    :param labels: class name per mask value; None: :meth:`name_classes` tells it later.
    :param driving: the robot, its speed, and what stops it.
    :param path: how masks become paths.
    :param moves_robot: see :class:`PathFollower`.
    """

    def __init__(
        self,
        labels: Mapping[int, str] | None,
        driving: DrivingConfig,
        path: PathConfig | None = None,
        classes: PathClasses | None = None,
        filter_config: FilterConfig | None = None,
        *,
        moves_robot: bool = True,
    ) -> None:
        self._path, self._classes, self._filter = path, classes, filter_config
        self._labels: dict[int, str] | None = None
        self.tracker: PathTracker | None = None
        self.follower = PathFollower(driving, moves_robot=moves_robot)
        if labels is not None:
            self.name_classes(labels)

    def name_classes(self, labels: Mapping[int, str]) -> None:
        """
        Say what mask values mean; other names than before begin a new path.

        :raises ValueError: no class is a path; masks are refused until names come that are.
        """
        if labels == self._labels:
            return
        self._labels = self.tracker = None
        self.tracker = PathTracker(labels, self._path, self._classes, self._filter)
        self._labels = dict(labels)

    def configure(self, driving: DrivingConfig, path: PathConfig) -> None:
        """Take over the settings that may change while driving."""
        self._path = path
        self.follower.reconfigure(driving)
        if self.tracker is not None:
            self.tracker.configure(path)

    def enable(self, enabled: bool) -> None:
        """
        Want to drive, or not any more; see :meth:`PathFollower.enable`.

        Who enables vouches for the place: the robot may have been carried there, which odometry
        does not tell, so the path may go on elsewhere than the one before.
        """
        if enabled and not self.follower.enabled and self.tracker is not None:
            self.tracker.release_trail()
        self.follower.enable(enabled)

    def take_odometry(self, sample: MotionSample, steady_ns: int) -> None:
        """Take odometry."""
        motion = self.follower.motion
        jumps = motion.jumps
        self.follower.take_odometry(sample, steady_ns)
        if motion.jumps != jumps and self.tracker is not None:
            self.tracker.reset()

    def take_mask(
        self,
        mask: np.ndarray,
        confidence: np.ndarray | None,
        ground: GroundProjection,
        stamp_ns: int,
        steady_ns: int,
    ) -> PathEstimate | None:
        """
        Look for the path in a picture; odometry of its time should have come before.

        :param mask: (H, W) uint8, see :meth:`PathEstimator.estimate`.
        :param confidence: (H, W) uint8 or None.
        :param ground: of the camera that took the picture.
        :param stamp_ns: of the picture.
        :returns: the path as tracked, bridged where this picture shows none; None where odometry
            does not tell where the robot was, nobody has told what the values mean, or the
            picture is stamped by another clock.
        """
        if not self._note_picture(mask, confidence, stamp_ns, steady_ns):
            return None
        tracker = self.tracker
        if tracker is None:
            self.follower.note_unseen(Fault(StopReason.PATH_LOST, 'the mask has no class names'))
            return None
        try:
            pose = self.follower.motion.pose_at(stamp_ns)
        except PoseUnknownError as error:
            self.follower.note_unseen(Fault(StopReason.ODOMETRY_STALE, str(error)))
            return None
        estimate = tracker.update(mask, confidence, ground, stamp_ns, pose)
        if tracker.is_bridging:
            words = tracker.latest.reason if tracker.latest else ''
            words = f'no path is seen: {words or "it lies elsewhere than the one before"}'
            self.follower.note_unseen(Fault(StopReason.PATH_LOST, words))
        else:
            self.follower.take_estimate(estimate, stamp_ns)
        return estimate

    def miss_mask(self, fault: Fault, stamp_ns: int, steady_ns: int) -> None:
        """Note a picture that cannot be looked at, and why: its calibration or transform."""
        self.follower.vitals.note_picture(stamp_ns, steady_ns)
        self.follower.note_unseen(fault)

    def step(self, now_ns: int, steady_ns: int) -> FollowerStatus:
        """Decide what to command now; see :meth:`PathFollower.step`."""
        status = self.follower.step(now_ns, steady_ns)
        if self.follower.vitals.clock_jumped and self.tracker is not None:
            self.tracker.reset()
        return status

    def _note_picture(
        self, mask: np.ndarray, confidence: np.ndarray | None, stamp_ns: int, steady_ns: int
    ) -> bool:
        vitals, motion = self.follower.vitals, self.follower.motion
        if not vitals.note_picture(stamp_ns, steady_ns):
            return False
        pictures = (mask,) if confidence is None else (mask, confidence)
        vitals.note_pixels(pictures, motion.travelled_m, motion.turned_rad)
        return True
