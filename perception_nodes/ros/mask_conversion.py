"""Messages of masks and depth to arrays."""

from __future__ import annotations

import math

import numpy as np
from sensor_msgs.msg import Image, PointCloud2

from perception_nodes.geometry import CameraModel, GroundProjection, points_of_depth
from perception_nodes.imaging.depth import depth_to_metres
from perception_nodes.imaging.image_error import ImageError, ImageReason
from perception_nodes.mapping.map_stage import MapFrame
from perception_nodes.ros.grid_conversion import organised_points_from_msg
from perception_nodes.ros.image_conversion import stamp_ns_from_msg, view_from_msg
from perception_nodes.ros.mask_input_config import MaskInputConfig
from perception_nodes.ros.mask_source import PlacedMask


def map_frame_from(placed: PlacedMask, config: MaskInputConfig) -> MapFrame:
    """
    Return the arrays of a placed mask.

    :raises ValueError: for messages that cannot be used, or do not belong together, and for a
        mask that was placed without the pose of the robot.
    """
    if placed.odom_from_base is None:
        raise ValueError('the mask was placed without the pose of the robot')
    mask = mask_pixels(placed.mask, 'mask')
    camera = placed.camera.for_picture((mask.shape[1], mask.shape[0]))
    confidence, depth = placed.confidence, placed.depth
    of_mask = placed.mask.header.frame_id
    return MapFrame(
        mask=mask,
        confidence=None if confidence is None else mask_pixels(confidence, 'confidence'),
        labels=placed.labels,
        ground=ground_of(camera, placed, config),
        odom_from_base=placed.odom_from_base,
        stamp_ns=stamp_ns_from_msg(placed.mask.header.stamp),
        points_xyz=None if depth is None else camera_points(depth, camera, of_mask),
    )


def ground_of(
    camera: CameraModel, placed: PlacedMask, config: MaskInputConfig
) -> GroundProjection:
    """Return how the pixels of a placed mask lie on the floor."""
    ground = GroundProjection(
        camera,
        placed.base_from_camera,
        pitch_sigma_rad=math.radians(config.pitch_sigma_deg),
        roll_sigma_rad=math.radians(config.roll_sigma_deg),
        height_sigma_m=config.height_sigma_m,
        pixel_sigma=config.pixel_sigma,
    )
    if placed.roll_pitch_rad is None:
        return ground
    roll_rad, pitch_rad = placed.roll_pitch_rad
    sigma_rad = math.radians(config.attitude_sigma_deg)
    return ground.with_attitude(pitch_rad=pitch_rad, roll_rad=roll_rad, sigma_rad=sigma_rad)


def mask_pixels(message: Image, name: str) -> np.ndarray:
    """
    Return (H, W) uint8 values of a mono8 image, a view.

    :param name: what to call the image in errors.
    :raises ImageError: with the reason for every message that cannot be used.
    """
    view = view_from_msg(message)
    if view.encoding not in ('mono8', '8UC1'):
        raise ImageError(
            ImageReason.WRONG_KIND, f'{name} is {view.encoding}; allowed: mono8, 8UC1'
        )
    return view.array


def camera_points(message: Image | PointCloud2, camera: CameraModel, of_mask: str) -> np.ndarray:
    """
    Return where pixels are, (H, W, 3) float32 metres in the camera's frame, NaN unknown.

    :param message: depth image or organised cloud.
    :param of_mask: frame of the mask, which has to be that of the message, too.
    :raises ValueError: for messages that cannot be used, or of another frame.
    """
    of_depth = message.header.frame_id
    if of_depth != of_mask:
        raise ValueError(
            f'depth is in the frame {of_depth!r}, the mask in {of_mask!r}: give depth registered '
            'to the camera of the mask, in its optical frame (z forward)'
        )
    if isinstance(message, PointCloud2):
        return organised_points_from_msg(message)
    depth_m = depth_to_metres(view_from_msg(message))
    height, width = depth_m.shape
    if (width, height) != camera.size_wh:
        raise ImageError(
            ImageReason.WRONG_KIND,
            f'depth is {width}x{height}, the mask {camera.size_wh[0]}x{camera.size_wh[1]}: '
            'give depth registered to the picture of the mask',
        )
    # Some drivers write 0 for unknown into 32FC1 too: at the lens nothing can be.
    depth_m[~(np.isfinite(depth_m) & (depth_m > 0))] = np.nan
    return points_of_depth(camera, depth_m)
