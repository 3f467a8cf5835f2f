"""Masks in, the path over time out: estimator and filter, and the choice at partings."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from perception_nodes.geometry import GroundProjection, PlanarPose
from perception_nodes.path.classes import PathClasses
from perception_nodes.path.config import PathConfig
from perception_nodes.path.estimate import PathEstimate
from perception_nodes.path.estimator import PathEstimator
from perception_nodes.path.filter import FilterConfig, PathFilter

FORGET_WIDTHS = 4.0
"""A choice stands until so many lane widths have been driven without a parting in view."""


class PathTracker:
    """
    Follows one path through the pictures of one camera.

    Where the path parts, ``config.prefer`` decides once; the chosen branch is then kept until
    the parting is out of view, or until :meth:`configure` says otherwise.

    :param labels: class name per mask value.
    """

    def __init__(
        self,
        labels: Mapping[int, str],
        config: PathConfig | None = None,
        classes: PathClasses | None = None,
        filter_config: FilterConfig | None = None,
    ) -> None:
        self._labels, self._classes = labels, classes
        self._estimator = PathEstimator(labels, config, classes)
        self._filter = PathFilter(filter_config, self._estimator.config.lane_width_m)
        self.latest: PathEstimate | None = None
        self._parted_at: PlanarPose | None = None

    @property
    def config(self) -> PathConfig:
        """The settings in force."""
        return self._estimator.config

    @property
    def is_committed(self) -> bool:
        """Whether a branch has been chosen and is being followed."""
        return self._parted_at is not None

    def configure(self, config: PathConfig) -> None:
        """Replace all settings; another preference may be taken at once, at what is in view."""
        if config.prefer != self.config.prefer:
            self._parted_at = None
        self._estimator = PathEstimator(self._labels, config, self._classes)

    def reset(self) -> None:
        """Forget the path and the choice."""
        self._filter.reset()
        self._parted_at = None
        self.latest = None

    def update(
        self,
        mask: np.ndarray,
        confidence: np.ndarray | None,
        ground: GroundProjection,
        stamp_ns: int,
        odom_from_base: PlanarPose,
    ) -> PathEstimate:
        """
        Return the path after one more picture; ``latest`` is what this picture alone showed.

        :param mask: (H, W) uint8, see :meth:`PathEstimator.estimate`.
        :param confidence: (H, W) uint8 or None.
        :param ground: of the camera that took the picture.
        :param stamp_ns: of the picture.
        :param odom_from_base: pose of base_link at that time.
        """
        expected = self._filter.expected(stamp_ns, odom_from_base)
        if expected is None:
            self._parted_at = None
        self.latest = self._estimator.estimate(
            mask, confidence, ground, expected=expected, is_committed=self.is_committed,
            width_m=self._filter.width_m,
        )  # fmt: skip
        told = self._filter.update(self.latest, stamp_ns, odom_from_base)
        self._note_parting(odom_from_base)
        return told

    def _note_parting(self, pose: PlanarPose) -> None:
        """Remember where a parting was last seen; forget it when it lies behind."""
        if self.latest is not None and self.latest.is_parted:
            self._parted_at = pose
        elif self._parted_at is not None:
            step = self._parted_at.inverse() @ pose
            if np.hypot(step.x_m, step.y_m) > FORGET_WIDTHS * self.config.lane_width_m:
                self._parted_at = None
