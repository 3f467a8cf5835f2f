"""The middle lines of a course: places, headings and arc lengths."""

from __future__ import annotations

import numpy as np

from perception_nodes.simulation.course import TRUNK, Course, Segment
from perception_nodes.simulation.vehicle import Pose2D

SAMPLE_STEP_M = 0.05


class CoursePath:
    """
    The middle line of a course's route with arc-length look-ups.

    :ivar length_m: arc length from start to end.
    """

    def __init__(self, course: Course) -> None:
        self.course = course
        self.segments = course.route_segments
        self._starts_m = np.concatenate([[0.0], np.cumsum([s.length_m for s in self.segments])])
        self.length_m = float(self._starts_m[-1])
        self._poses = [course.start]
        for segment in self.segments:
            self._poses.append(_advance(self._poses[-1], segment, segment.length_m))
        count = max(2, int(np.ceil(self.length_m / SAMPLE_STEP_M)) + 1)
        self.samples_m = np.linspace(0, self.length_m, count)
        self.samples_xy, self.samples_yaw_rad = self.points_at(self.samples_m)

    def pose_at(self, s_m: float) -> Pose2D:
        """Return the pose at an arc length; closed courses wrap, open ones end at the ends."""
        index, offset_m = self._locate(s_m)
        return _advance(self._poses[index], self.segments[index], offset_m)

    def curvature_at(self, s_m: float) -> float:
        """Return 1 / radius at an arc length, positive in left bends."""
        return self.segments[self._locate(s_m)[0]].curvature_1_m

    def _locate(self, s_m: float) -> tuple[int, float]:
        """Return the segment at an arc length and how far into it."""
        inside = self._wrapped(s_m)
        last = len(self.segments) - 1
        index = min(int(np.searchsorted(self._starts_m, inside, side='right')) - 1, last)
        return index, float(inside - self._starts_m[index])

    def place_at(self, s_m: float, offset_m: float, yaw_rad: float = 0.0) -> Pose2D:
        """Return the pose ``offset_m`` to the left of the path, turned against it by an angle."""
        pose = self.pose_at(s_m).moved(0.0, np.pi / 2).moved(offset_m, 0.0)
        return pose.moved(0.0, yaw_rad - np.pi / 2)

    def points_at(self, s_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return (N, 2) points in metres and (N,) headings in rad at (N,) arc lengths."""
        end = self._poses[-1]
        poses = [end if s >= self.length_m else self.pose_at(float(s)) for s in s_m]
        points = np.array([[pose.x_m, pose.y_m] for pose in poses]).reshape(-1, 2)
        return points, np.array([pose.yaw_rad for pose in poses])

    def offset_line(self, offset_m: float) -> np.ndarray:
        """Return the (N, 2) line beside the path, ``offset_m`` to the left."""
        normal = np.stack([-np.sin(self.samples_yaw_rad), np.cos(self.samples_yaw_rad)], axis=1)
        return self.samples_xy + offset_m * normal

    def nearest_s_m(self, x_m: float, y_m: float, around_m: float | None = None) -> float:
        """
        Return the arc length of the path point nearest to a place.

        :param around_m: look only within 1.5 m of this arc length (paths may cross themselves).
        """
        distance = np.hypot(self.samples_xy[:, 0] - x_m, self.samples_xy[:, 1] - y_m)
        if around_m is not None:
            gap = np.abs(self.samples_m - self._wrapped(around_m))
            if self.course.closed:
                gap = np.minimum(gap, self.length_m - gap)
            distance = np.where(gap <= 1.5, distance, np.inf)
        return float(self.samples_m[int(np.argmin(distance))])

    def project(
        self, x_m: float, y_m: float, around_m: float | None = None
    ) -> tuple[float, float]:
        """
        Return arc length and signed distance (left positive) of a place, exact to the curve.

        :param around_m: as for :meth:`nearest_s_m`.
        """
        s_m = self.nearest_s_m(x_m, y_m, around_m)
        for _ in range(3):  # Newton steps; the centre of a bend has no nearest point
            ahead, left = _in_frame(self.pose_at(s_m), x_m, y_m)
            s_m = self._wrapped(s_m + ahead / max(1 - self.curvature_at(s_m) * left, 0.2))
        return s_m, _in_frame(self.pose_at(s_m), x_m, y_m)[1]

    def _wrapped(self, s_m: float) -> float:
        """Return an arc length within the course."""
        return float(s_m % self.length_m if self.course.closed else np.clip(s_m, 0, self.length_m))


def course_lines(course: Course) -> tuple[CoursePath, ...]:
    """Return the middle lines of the trunk and of every branch, each from its own beginning."""
    trunk = CoursePath(_alone(course, course.segments, course.start, course.closed))
    ends = {TRUNK: trunk.pose_at(trunk.length_m)}
    lines = [trunk]
    for branch in course.branches:
        line = CoursePath(_alone(course, branch.segments, ends[branch.after], closed=False))
        ends[branch.name] = line.pose_at(line.length_m)
        lines.append(line)
    return tuple(lines)


def _alone(course: Course, segments: tuple[Segment, ...], start: Pose2D, closed: bool) -> Course:
    """Return a course of these parts only, as wide as the given one."""
    return Course(
        name=course.name, segments=segments, start=start, closed=closed,
        lane_width_m=course.lane_width_m, tape_width_m=course.tape_width_m,
    )  # fmt: skip


def _advance(pose: Pose2D, segment: Segment, distance_m: float) -> Pose2D:
    """Return the pose after moving along a segment from its beginning."""
    return pose.moved(distance_m, segment.curvature_1_m * distance_m)


def _in_frame(pose: Pose2D, x_m: float, y_m: float) -> tuple[float, float]:
    """Return how far a place lies ahead and to the left of a pose."""
    dx, dy = x_m - pose.x_m, y_m - pose.y_m
    c, s = np.cos(pose.yaw_rad), np.sin(pose.yaw_rad)
    return float(c * dx + s * dy), float(c * dy - s * dx)
