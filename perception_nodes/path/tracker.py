"""Masks in, the path over time out: estimator and filter, and the choice at partings."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from perception_nodes.geometry import GroundProjection, PlanarPose
from perception_nodes.path.classes import PathClasses
from perception_nodes.path.config import PathConfig
from perception_nodes.path.confirmation import is_free_lane
from perception_nodes.path.estimate import PathEstimate
from perception_nodes.path.estimator import PathEstimator
from perception_nodes.path.filter import FilterConfig, PathFilter
from perception_nodes.path.floor_memory import FloorMemory
from perception_nodes.path.track import Track


class PathTracker:
    """
    Follows one path through the pictures of one camera.

    Where the path parts, ``config.prefer`` decides as long as the parting is in view; after it
    the curve that is being followed tells which branch is the robot's.

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
        self._floor = FloorMemory()
        self.latest: PathEstimate | None = None

    @property
    def config(self) -> PathConfig:
        """The settings in force."""
        return self._estimator.config

    @property
    def is_bridging(self) -> bool:
        """Whether the path is told from memory, since the last picture showed none or another."""
        return self._filter.is_bridging

    def configure(self, config: PathConfig) -> None:
        """Replace all settings; another preference counts at once."""
        self._estimator = PathEstimator(self._labels, config, self._classes)

    def reset(self) -> None:
        """Forget the path."""
        self._filter.reset()
        self._floor.forget()
        self.latest = None

    def release_trail(self) -> None:
        """Let the path go on anywhere; see :meth:`PathFilter.release_trail`."""
        self._filter.release_trail()

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
        self.latest = self._estimator.estimate(
            mask, confidence, ground, expected=expected, width_m=self._filter.width_m
        )
        if not self._estimator.follows_region:
            return self._filter.update(self.latest, stamp_ns, odom_from_base)
        roles = self._estimator.role_picture(mask, confidence)

        def confirms(track: Track) -> bool:
            return is_free_lane(
                roles, ground, track.curve, track.to_m, self.config.lane_width_m
            ) and self._floor.recognises(roles, ground, odom_from_base)

        told = self._filter.update(self.latest, stamp_ns, odom_from_base, confirms)
        if told.is_valid and not self.is_bridging:
            self._floor.note(roles, ground, odom_from_base)
        return told
