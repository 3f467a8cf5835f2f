"""
The ground in front of a car's camera that nobody has calibrated.

On a flat, straight road two things tell the pose of a camera: where the lines meet (the vanishing
point gives pitch and yaw), and how far apart the lines of a lane of known width are in a row of
the picture (the height). The focal length cannot be told from them; it scales distances ahead
and headings, and leaves lateral offsets as they are. See docs/path.md.
"""

from __future__ import annotations

import numpy as np

from perception_nodes.geometry import CameraModel, GroundProjection, RigidTransform

USUAL_FIELD_OF_VIEW_DEG = 60.0
"""Horizontal, of dashboard cameras that say nothing else."""
MOTORWAY_LANE_M = 3.7
"""12 ft, the width of motorway lanes in the US (AASHTO); 3.5 to 3.75 m elsewhere."""
_BODY_FROM_OPTICAL = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])


def road_projection(
    size_wh: tuple[int, int],
    vanishing_uv: tuple[float, float],
    lane_columns: tuple[float, float],
    lane_row: float,
    *,
    lane_width_m: float = MOTORWAY_LANE_M,
    focal_px: float | None = None,
    pitch_sigma_rad: float = 0.005,
    pixel_sigma: float = 1.0,
) -> GroundProjection:
    """
    Return the ground as seen by an uncalibrated camera on a straight, flat road.

    base_link lies on the road under the camera and its x axis runs along the lines.

    :param size_wh: of the picture, pixels.
    :param vanishing_uv: where the lines of the lane meet, pixels, below the top of the picture.
    :param lane_columns: where the left and the right line cross ``lane_row``, pixels.
    :param lane_row: a row well below the vanishing point.
    :param lane_width_m: between the middles of the two lines.
    :param focal_px: by default that of :data:`USUAL_FIELD_OF_VIEW_DEG`.
    :param pitch_sigma_rad: 1σ of the pitch from frame to frame: a car rocks.
    :param pixel_sigma: 1σ of a pixel coordinate.
    :raises ValueError: for a row at or above the vanishing point, or lines in the wrong order.
    """
    width, height = size_wh
    if focal_px is None:
        focal_px = width / 2 / float(np.tan(np.radians(USUAL_FIELD_OF_VIEW_DEG) / 2))
    below_px = lane_row - vanishing_uv[1]
    lane_px = lane_columns[1] - lane_columns[0]
    if not below_px > 0:
        raise ValueError(
            f'lane_row {lane_row} must be below the vanishing point in row {vanishing_uv[1]}'
        )
    if not (lane_px > 0 and lane_width_m > 0 and focal_px > 0):
        raise ValueError(
            'lane_columns must be left, right, and lane_width_m and focal_px above 0, got '
            f'{lane_columns}, {lane_width_m}, {focal_px}'
        )
    centre_uv = ((width - 1) / 2, (height - 1) / 2)
    camera = CameraModel.pinhole(size_wh, focal_px, focal_px, *centre_uv)
    base_from_camera = _level_rotation(camera, vanishing_uv)
    # A line across the road spans lane_width · (v - horizon) · cos(pitch) / height pixels.
    pitch_cosine = float(np.hypot(*base_from_camera[:2, 2]))
    yaw_cosine = float(base_from_camera[0, 2]) / pitch_cosine
    height_m = lane_width_m * yaw_cosine * pitch_cosine * below_px / lane_px
    return GroundProjection(
        camera,
        RigidTransform.from_matrix(
            np.block([[base_from_camera, np.array([[0.0], [0.0], [height_m]])], [0, 0, 0, 1.0]])
        ),
        pitch_sigma_rad=pitch_sigma_rad, roll_sigma_rad=pitch_sigma_rad,
        height_sigma_m=0.02 * height_m, pixel_sigma=pixel_sigma,
    )  # fmt: skip


def _level_rotation(camera: CameraModel, vanishing_uv: tuple[float, float]) -> np.ndarray:
    """Return the (3, 3) rotation of a camera without roll that sees +x at the vanishing point."""
    ahead = _BODY_FROM_OPTICAL @ camera.rays(np.array([vanishing_uv]))[0]
    # Rz(yaw) Ry(pitch) takes the direction seen at the vanishing point to (1, 0, 0).
    pitch = float(np.arctan2(ahead[2], ahead[0]))
    level = RigidTransform.from_rpy(0.0, pitch, 0.0).rotation @ ahead
    yaw = -float(np.arctan2(level[1], level[0]))
    return RigidTransform.from_rpy(0.0, pitch, yaw).rotation @ _BODY_FROM_OPTICAL
