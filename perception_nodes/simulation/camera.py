"""The pinhole camera of the simulator and the frames it looks along."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perception_nodes.geometry import CameraModel

OPTICAL_FROM_OPENGL = np.diag([1.0, -1.0, -1.0])
"""OpenGL cameras look along -z with y up; optical frames along +z with y down (REP-103)."""


@dataclass(frozen=True, kw_only=True)
class PinholeCamera:
    """
    Intrinsics in the continuous pixel convention.

    A ray through the centre of pixel (u, v) leaves at (u + 0.5, v + 0.5); with ROS and OpenCV's
    integer convention ``cx`` is smaller by 0.5.

    :param fx: focal length in pixels, horizontal.
    :param fy: focal length in pixels, vertical.
    :param cx: principal point in pixels from the left edge.
    :param cy: principal point in pixels from the top edge.
    :param size_wh: picture size in pixels.
    """

    fx: float
    fy: float
    cx: float
    cy: float
    size_wh: tuple[int, int]

    @classmethod
    def from_fovy(cls, size_wh: tuple[int, int], fovy_deg: float) -> PinholeCamera:
        """Return the camera with square pixels and the given vertical field of view."""
        width, height = size_wh
        focal = height / 2 / np.tan(np.radians(fovy_deg) / 2)
        return cls(fx=focal, fy=focal, cx=width / 2, cy=height / 2, size_wh=size_wh)

    @property
    def fovy_deg(self) -> float:
        """Vertical field of view in degrees."""
        return float(np.degrees(2 * np.arctan(self.size_wh[1] / 2 / self.fy)))

    @property
    def matrix(self) -> np.ndarray:
        """(3, 3) float64 intrinsic matrix."""
        return np.array([[self.fx, 0, self.cx], [0, self.fy, self.cy], [0, 0, 1.0]])

    @property
    def model(self) -> CameraModel:
        """The same camera with pixels counted from the centre of the first."""
        return CameraModel.pinhole(self.size_wh, self.fx, self.fy, self.cx - 0.5, self.cy - 0.5)

    def project(self, points: np.ndarray) -> np.ndarray:
        """
        Return pixel coordinates of points in the optical frame.

        :param points: (N, 3) metres; points with z ≤ 0 give NaN.
        :return: (N, 2) float64.
        """
        points = np.asarray(points, dtype=np.float64)
        depth = np.where(points[:, 2] > 0, points[:, 2], np.nan)
        uv = points[:, :2] / depth[:, None] * (self.fx, self.fy)
        return uv + np.array([self.cx, self.cy])


def rotation_from_yaw_pitch_roll(yaw_rad: float, pitch_rad: float, roll_rad: float) -> np.ndarray:
    """Return the (3, 3) rotation Rz(yaw) Ry(pitch) Rx(roll); positive pitch looks down."""
    (sy, sp, sr), (cy, cp, cr) = (f([yaw_rad, pitch_rad, roll_rad]) for f in (np.sin, np.cos))
    about_z = np.array([[cy, -sy, 0], [sy, cy, 0], [0, 0, 1]])
    about_y = np.array([[cp, 0, sp], [0, 1, 0], [-sp, 0, cp]])
    about_x = np.array([[1, 0, 0], [0, cr, -sr], [0, sr, cr]])
    return about_z @ about_y @ about_x


def camera_pose(
    position: tuple[float, float, float],
    yaw_rad: float = 0.0,
    pitch_rad: float = 0.0,
    roll_rad: float = 0.0,
) -> np.ndarray:
    """
    Return the (4, 4) transform parent_from_optical of a camera that looks along the parent's x.

    :param position: metres in the parent frame.
    :param pitch_rad: positive looks down.
    """
    body_from_optical = np.array([[0, 0, 1], [-1, 0, 0], [0, -1, 0]], dtype=np.float64)
    pose = np.eye(4)
    pose[:3, :3] = rotation_from_yaw_pitch_roll(yaw_rad, pitch_rad, roll_rad) @ body_from_optical
    pose[:3, 3] = position
    return pose


def planar_pose(x_m: float, y_m: float, yaw_rad: float) -> np.ndarray:
    """Return the (4, 4) transform world_from_base of a robot on the floor."""
    pose = np.eye(4)
    pose[:3, :3] = rotation_from_yaw_pitch_roll(yaw_rad, 0, 0)
    pose[:3, 3] = (x_m, y_m, 0)
    return pose


def floor_from_pixel(world_from_optical: np.ndarray, camera: PinholeCamera) -> np.ndarray:
    """
    Return the (3, 3) homography from pixels (u, v, 1) to metres (x, y, 1) on the floor z = 0.

    The third component is 1 / depth: positive exactly where the floor is seen.
    """
    optical_from_world = np.linalg.inv(world_from_optical)
    return np.linalg.inv(camera.matrix @ optical_from_world[:3, [0, 1, 3]])
