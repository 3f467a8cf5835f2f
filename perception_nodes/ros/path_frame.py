"""Placed masks as a path follower takes them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perception_nodes.driving.obstacles import points_from_cloud
from perception_nodes.geometry import GroundProjection
from perception_nodes.path.config import PathMode
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
    :param standing_xy: (N, 2) metres in the levelled base_link of what stands, None without depth.
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
    confidence = None
    if placed.confidence is not None:
        confidence = mask_pixels(placed.confidence, 'confidence')
        _check_sizes(mask, confidence)
    _check_roles(placed.labels, config)
    ground = ground_of(camera, placed, config)
    standing_xy = None
    if placed.depth is not None:
        of_mask = placed.mask.header.frame_id
        points = camera_points(placed.depth, camera, of_mask)[::_DEPTH_STRIDE, ::_DEPTH_STRIDE]
        # Levelled as the floor is: else floor ahead of a nose that dips would stand up.
        standing_xy = points_from_cloud(
            points, ground.level_from_camera,
            min_height_m=config.obstacle_min_height_m, max_height_m=config.obstacle_max_height_m,
        )  # fmt: skip
    return PathFrame(
        mask=mask, confidence=confidence, labels=placed.labels, ground=ground,
        standing_xy=standing_xy,
    )  # fmt: skip


def _check_sizes(mask: np.ndarray, confidence: np.ndarray) -> None:
    if mask.shape != confidence.shape:
        (height, width), (rows, columns) = mask.shape, confidence.shape
        raise ValueError(
            f'confidence is {columns}x{rows}, the mask {width}x{height}: give both in one size'
        )


def _check_roles(labels: dict[int, str], config: PathFollowingNodeConfig) -> None:
    """Refuse class names of which none can be a path in the mode."""
    is_region = config.mode == PathMode.REGION.value
    setting = 'road_classes' if is_region else 'marking_classes'
    wanted: tuple[str, ...] = getattr(config, setting)
    if not set(wanted) & set(labels.values()):
        raise ValueError(
            f'mode {config.mode} looks for {setting}: {", ".join(wanted) or "none"}, and the mask '
            f'has the classes {", ".join(labels.values()) or "none"}: set {setting} to some of '
            'them, or another mode'
        )
