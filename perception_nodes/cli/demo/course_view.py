"""The course from above as the robot maps it: lane, grid, and the way driven so far."""

from __future__ import annotations

from bisect import bisect_right

import cv2
import numpy as np

from perception_nodes.evaluation.drive_run import DriveRun
from perception_nodes.geometry import PlanarPose
from perception_nodes.mapping import OccupancyMap
from perception_nodes.simulation import CoursePath
from perception_nodes.visualization.map_panels import GREY, draw_costs

MARGIN_M = 1.2
LANE_RGB, WAY_RGB, ROBOT_RGB = (240, 150, 30), (30, 120, 230), (220, 30, 30)
ROBOT_M = 0.3


class CourseView:
    """
    Draws the grid at any time of a run, in odom, with the lane where odometry puts it.

    :param run: the drive.
    :param path: the course, in the world.
    :param height_px: of the pictures.
    """

    def __init__(self, run: DriveRun, path: CoursePath, height_px: int) -> None:
        self._maps, self._map_stamps = run.maps, [stamp for stamp, _ in run.maps]
        placed = {s: f.odom_from_base for s, f in run.frames.items() if f.odom_from_base}
        self._stamps = [*placed]
        self._poses = [*placed.values()]
        self._way_xy = np.array([(pose.x_m, pose.y_m) for pose in self._poses]).reshape(-1, 2)
        odom_from_world = PlanarPose(**vars(path.pose_at(0.0))).inverse()
        half_m = path.course.lane_width_m / 2
        self._edges = [odom_from_world.apply(path.offset_line(m)) for m in (-half_m, half_m)]
        every = np.concatenate(self._edges)
        self._low_xy, high_xy = every.min(axis=0) - MARGIN_M, every.max(axis=0) + MARGIN_M
        self._scale = height_px / float(high_xy[1] - self._low_xy[1])
        self.size_wh = (round(float(high_xy[0] - self._low_xy[0]) * self._scale), height_px)

    def draw(self, stamp_ns: int) -> np.ndarray:
        """Return (H, W, 3) uint8 RGB, what was known at a time."""
        number = bisect_right(self._map_stamps, stamp_ns)
        canvas = self._grid(self._maps[number - 1][1]) if number else self._unknown()
        for edge in self._edges:
            self._line(canvas, edge, LANE_RGB)
        count = bisect_right(self._stamps, stamp_ns)
        self._line(canvas, self._way_xy[:count], WAY_RGB)
        if count:
            pose = self._poses[count - 1]
            nose = pose.apply(np.array([[0.0, 0.0], [ROBOT_M, 0.0]]))
            base, tip = self._pixels(nose)
            cv2.circle(canvas, base.tolist(), 5, ROBOT_RGB, cv2.FILLED, cv2.LINE_AA)
            cv2.line(canvas, base.tolist(), tip.tolist(), ROBOT_RGB, 3, cv2.LINE_AA)
        return canvas

    def _unknown(self) -> np.ndarray:
        width, height = self.size_wh
        return np.full((height, width, 3), GREY, np.uint8)

    def _grid(self, map_: OccupancyMap) -> np.ndarray:
        """Return the cells in the window, y upwards."""
        scale = self._scale * map_.resolution_m
        x_m, y_m = map_.origin_xy
        left, top = self._pixels(np.array((x_m, y_m + map_.resolution_m * len(map_.costs))))[0]
        to_view = np.array([[scale, 0, left], [0, scale, top]], np.float64)
        return cv2.warpAffine(
            draw_costs(map_.costs)[::-1], to_view, self.size_wh, flags=cv2.INTER_NEAREST,
            borderMode=cv2.BORDER_CONSTANT, borderValue=GREY,
        )  # fmt: skip

    def _pixels(self, points_xy: np.ndarray) -> np.ndarray:
        """Return (N, 2) int32 pixels of places in odom."""
        from_corner = (np.atleast_2d(points_xy) - self._low_xy) * self._scale
        return np.rint(
            np.stack([from_corner[:, 0], self.size_wh[1] - from_corner[:, 1]], 1)
        ).astype(np.int32)

    def _line(self, canvas: np.ndarray, points_xy: np.ndarray, rgb: tuple[int, int, int]) -> None:
        if len(points_xy) > 1:
            cv2.polylines(canvas, [self._pixels(points_xy)], False, rgb, 2, cv2.LINE_AA)
