"""
Marked paths: what a course is made of, and the geometry of the path that is driven.

A course is a chain of straight parts and arcs, each beginning where and as the one before ends,
and branches that begin where another part ends: a junction.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from perception_nodes.simulation.robot_model import RobotModel
from perception_nodes.simulation.vehicle import Pose2D

SAMPLE_STEP_M = 0.05
TRUNK = 'trunk'
"""Name of the parts that every course begins with."""
THING_KINDS = ('person', 'traffic_cone', 'box', 'barrel', 'sign')
"""What may stand on a course; the index is the class id."""


class CourseError(ValueError):
    """A course that describes no path; the message names the place and the cure."""


@dataclass(frozen=True, kw_only=True)
class Segment:
    """
    One part of a path.

    :param length_m: arc length, greater than 0.
    :param curvature_1_m: 1 / radius; positive turns left, 0 is straight.
    """

    length_m: float
    curvature_1_m: float = 0.0

    def __post_init__(self) -> None:
        """Refuse parts without length and arcs that are not numbers."""
        if not (np.isfinite([self.length_m, self.curvature_1_m]).all() and self.length_m > 0):
            raise CourseError(f'segment length must be finite and > 0 m, got {self.length_m!r}')


@dataclass(frozen=True, kw_only=True)
class Branch:
    """
    Parts that begin where others end.

    :param after: name of the branch whose end is the beginning, or ``trunk``.
    """

    name: str
    segments: tuple[Segment, ...]
    after: str = TRUNK

    def __post_init__(self) -> None:
        """Refuse a branch without parts."""
        if not self.segments:
            raise CourseError(f'branch {self.name!r} has no segments')


@dataclass(frozen=True, kw_only=True)
class CourseCamera:
    """
    How the robot of a course sees; names and units as in ``SimulationConfig``.

    :param noise: flaws of the camera, 0 none … 1 a cheap one.
    """

    height_m: float = 0.3
    forward_m: float = 0.1
    pitch_deg: float = 20.0
    fovy_deg: float = 60.0
    noise: float = 0.4


@dataclass(frozen=True, kw_only=True)
class CourseThing:
    """
    Something that stands at a place of the path.

    :param kind: one of :data:`THING_KINDS`.
    :param at_m: arc length along the route.
    :param offset_m: to the left of the path.
    :param yaw_deg: where it faces, 0 along the path.
    """

    kind: str
    at_m: float
    offset_m: float
    yaw_deg: float = 180.0


@dataclass(frozen=True, kw_only=True)
class StepIn:
    """
    A figure that steps onto the path when the robot comes near, waits, and goes on.

    :param at_m: arc length along the route of the line on which it walks.
    :param from_m: where it waits, to the left of the path (negative: right).
    :param to_m: where it stops for ``stays_s``; then it walks on to ``-from_m``.
    :param when_within_m: it starts when ``base_link`` is this far before ``at_m``, along the path.
    """

    at_m: float
    from_m: float = 0.8
    to_m: float = 0.0
    when_within_m: float = 1.0
    speed_m_s: float = 1.5
    stays_s: float = 3.0


@dataclass(frozen=True, kw_only=True)
class Course:
    """
    A marked path on the floor.

    :param segments: the trunk; at least one.
    :param lane_width_m: between the inner edges of the two border tapes.
    :param tape_width_m: width of each border tape.
    :param start: pose of the beginning in the world.
    :param closed: the end meets the start; arc lengths wrap around.
    :param branches: what goes on where the trunk, or another branch, ends.
    :param route: names of the branches that are to be driven, in order.
    :param worn_percent: share of the tapes' length that is worn away.
    """

    name: str
    segments: tuple[Segment, ...]
    lane_width_m: float = 0.5
    tape_width_m: float = 0.05
    start: Pose2D = field(default_factory=Pose2D)
    closed: bool = False
    branches: tuple[Branch, ...] = ()
    route: tuple[str, ...] = ()
    worn_percent: float = 0.0
    camera: CourseCamera = field(default_factory=CourseCamera)
    robot: RobotModel = field(default_factory=RobotModel)
    things: tuple[CourseThing, ...] = ()
    obstacles: tuple[StepIn, ...] = ()

    def __post_init__(self) -> None:
        """Refuse an empty course, widths that are not positive, and routes that jump."""
        if not self.segments:
            raise CourseError(f'course {self.name!r} has no segments')
        for label, value in (('lane', self.lane_width_m), ('tape', self.tape_width_m)):
            if not (np.isfinite(value) and value > 0):
                raise CourseError(f'course {self.name!r}: {label}_width_m must be > 0: {value!r}')
        if not 0 <= self.worn_percent <= 100:
            raise CourseError(
                f'course {self.name!r}: worn_percent must be 0..100: {self.worn_percent!r}'
            )
        if self.closed and self.branches:
            raise CourseError(f'course {self.name!r}: a closed course cannot have branches')
        self._check_branches()

    def _check_branches(self) -> None:
        """Every branch follows one that stands before it, and the route follows them."""
        known = [TRUNK]
        for branch in self.branches:
            if branch.after not in known or branch.name in known:
                raise CourseError(
                    f'course {self.name!r}: branch {branch.name!r} must have a name of its own '
                    f'and come "after" one of: {", ".join(known)}; got after {branch.after!r}'
                )
            known.append(branch.name)
        here = TRUNK
        for name in self.route:
            options = [branch.name for branch in self.branches if branch.after == here]
            if name not in options:
                raise CourseError(
                    f'course {self.name!r}: route cannot go from {here!r} to {name!r}; '
                    f'allowed: {", ".join(options) or "nothing"}'
                )
            here = name

    def branch(self, name: str) -> Branch:
        """Return the branch of this name."""
        return next(branch for branch in self.branches if branch.name == name)

    @property
    def route_segments(self) -> tuple[Segment, ...]:
        """All parts that are driven, in order."""
        chosen = [self.branch(name).segments for name in self.route]
        return tuple(segment for part in (self.segments, *chosen) for segment in part)


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
