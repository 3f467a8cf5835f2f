"""Placed masks as a path follower takes them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perception_nodes.driving.obstacles import points_from_cloud
from perception_nodes.geometry import GroundProjection
from perception_nodes.ros.mask_conversion import camera_points, ground_of, mask_pixels
from perception_nodes.ros.mask_source import PlacedMask
from perception_nodes.ros.path_following_config import PathFollowingNodeConfig

_DEPTH_STRIDE = 4


@dataclass(frozen=True, eq=False, kw_only=True)
class PathFrame:
    """
    Arrays of a placed mask.

    :param mask: (H, W) uint8 class ids, 255 unknown.
    :param confidence: (H, W) uint8, None without.
    :param labels: class name per mask value.
    :param ground: how the pixels lie on the floor.
    :param standing_xy: (N, 2) metres in base_link of what stands, None without depth.
    """

    mask: np.ndarray
    confidence: np.ndarray | None
    labels: dict[int, str]
    ground: GroundProjection
    standing_xy: np.ndarray | None


def path_frame_from(placed: PlacedMask, config: PathFollowingNodeConfig) -> PathFrame:
    """
    Return the arrays of a placed mask.

    :raises ValueError: for messages that cannot be used, or do not belong together.
    """
    mask = mask_pixels(placed.mask, 'mask')
    camera = placed.camera.for_picture((mask.shape[1], mask.shape[0]))
    confidence, depth = placed.confidence, placed.depth
    standing_xy = None
    if depth is not None:
        points = camera_points(depth, camera)[::_DEPTH_STRIDE, ::_DEPTH_STRIDE]
        standing_xy = points_from_cloud(
            points, placed.base_from_camera,
            min_height_m=config.obstacle_min_height_m, max_height_m=config.obstacle_max_height_m,
        )  # fmt: skip
    return PathFrame(
        mask=mask,
        confidence=None if confidence is None else mask_pixels(confidence, 'confidence'),
        labels=placed.labels,
        ground=ground_of(camera, placed, config),
        standing_xy=standing_xy,
    )
