"""
Marked paths: a course file, and the geometry of the path it describes.

A course is a chain of straight parts and arcs, each beginning where and as the one before ends.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from perception_nodes.inference.resources import share_folders
from perception_nodes.simulation.vehicle import Pose2D

COURSE_FOLDER = Path('worlds') / 'courses'
SAMPLE_STEP_M = 0.05


class CourseError(ValueError):
    """A course file that describes no path; the message names the place and the cure."""


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
class Course:
    """
    A marked path on the floor.

    :param segments: at least one.
    :param lane_width_m: between the inner edges of the two border tapes.
    :param tape_width_m: width of each border tape.
    :param start: pose of the beginning in the world.
    :param closed: the end meets the start; arc lengths wrap around.
    """

    name: str
    segments: tuple[Segment, ...]
    lane_width_m: float = 0.5
    tape_width_m: float = 0.05
    start: Pose2D = field(default_factory=Pose2D)
    closed: bool = False

    def __post_init__(self) -> None:
        """Refuse an empty course and widths that are not positive."""
        if not self.segments:
            raise CourseError(f'course {self.name!r} has no segments')
        for label, value in (('lane', self.lane_width_m), ('tape', self.tape_width_m)):
            if not (np.isfinite(value) and value > 0):
                raise CourseError(f'course {self.name!r}: {label}_width_m must be > 0: {value!r}')


def _number(entry: dict[str, Any], key: str, place: str) -> float:
    """Return a number of a course file."""
    value = entry.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise CourseError(f'{place}: {key} must be a number, got {value!r}')
    return float(value)


def _segment(entry: Any, place: str) -> Segment:
    """Return the segment that one list entry describes."""
    if not isinstance(entry, dict) or len(entry) != 1:
        raise CourseError(f'{place}: expected "straight: {{…}}" or "arc: {{…}}", got {entry!r}')
    ((kind, values),) = entry.items()
    values = values if isinstance(values, dict) else {}
    if kind == 'straight':
        return Segment(length_m=_number(values, 'length_m', place))
    if kind == 'arc':
        radius = _number(values, 'radius_m', place)
        angle = np.radians(_number(values, 'angle_deg', place))
        if not radius > 0 or angle == 0:
            raise CourseError(f'{place}: radius_m must be > 0 and angle_deg not 0, got {values!r}')
        return Segment(length_m=radius * abs(angle), curvature_1_m=np.sign(angle) / radius)
    raise CourseError(f'{place}: unknown part {kind!r}; allowed: straight, arc')


def parse_course(text: str, name: str) -> Course:
    """
    Return the course that a YAML text describes; see docs/simulation.md for the schema.

    :raises CourseError: what is wrong, and where.
    """
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise CourseError(f'course {name!r} is not YAML: {error}') from error
    if not isinstance(document, dict) or not isinstance(document.get('segments'), list):
        raise CourseError(f'course {name!r} needs a list "segments"')
    start = document.get('start') or {}
    if not isinstance(start, dict):
        raise CourseError(f'course {name!r}: start must be a mapping, got {start!r}')
    start = {'x_m': 0.0, 'y_m': 0.0, 'yaw_deg': 0.0, **start}
    place = f'course {name!r}'
    widths = {
        key: _number(document, key, place)
        for key in ('lane_width_m', 'tape_width_m')
        if key in document
    }
    return Course(
        name=str(document.get('name', name)),
        segments=tuple(
            _segment(entry, f'{place}, segment {index}')
            for index, entry in enumerate(document['segments'])
        ),
        start=Pose2D(
            x_m=_number(start, 'x_m', place),
            y_m=_number(start, 'y_m', place),
            yaw_rad=float(np.radians(_number(start, 'yaw_deg', place))),
        ),
        closed=document.get('closed') is True,
        **widths,
    )


def course_files() -> dict[str, Path]:
    """Return the files of the shipped courses by name; the first folder found wins."""
    files: dict[str, Path] = {}
    for share in share_folders():
        for path in sorted((share / COURSE_FOLDER).glob('*.yaml')):
            files.setdefault(path.stem, path)
    return files


def load_course(name_or_path: str) -> Course:
    """
    Return a shipped course by name, or the one in a file.

    :raises CourseError: unknown name (the known ones are listed) or a broken file.
    """
    path = Path(name_or_path)
    if path.suffix in ('.yaml', '.yml'):
        if not path.is_file():
            raise CourseError(f'course file {name_or_path} does not exist')
        return parse_course(path.read_text(encoding='utf-8'), path.stem)
    known = course_files()
    if name_or_path not in known:
        raise CourseError(
            f'unknown course {name_or_path!r}; known: {", ".join(sorted(known)) or "none"}, '
            'or give the path of a .yaml file'
        )
    return parse_course(known[name_or_path].read_text(encoding='utf-8'), name_or_path)


class CoursePath:
    """
    The middle line of a course with arc-length look-ups.

    :ivar length_m: arc length from start to end.
    """

    def __init__(self, course: Course) -> None:
        self.course = course
        self._starts_m = np.concatenate([[0.0], np.cumsum([s.length_m for s in course.segments])])
        self.length_m = float(self._starts_m[-1])
        self._poses = [course.start]
        for segment in course.segments:
            self._poses.append(_advance(self._poses[-1], segment, segment.length_m))
        count = max(2, int(np.ceil(self.length_m / SAMPLE_STEP_M)) + 1)
        self.samples_m = np.linspace(0, self.length_m, count)
        self.samples_xy, self.samples_yaw_rad = self.points_at(self.samples_m)

    def pose_at(self, s_m: float) -> Pose2D:
        """Return the pose at an arc length; closed courses wrap, open ones end at the ends."""
        inside = s_m % self.length_m if self.course.closed else np.clip(s_m, 0, self.length_m)
        last = len(self.course.segments) - 1
        index = min(int(np.searchsorted(self._starts_m, inside, side='right')) - 1, last)
        offset = float(inside - self._starts_m[index])
        return _advance(self._poses[index], self.course.segments[index], offset)

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
            gap = np.abs(self.samples_m - around_m % self.length_m)
            if self.course.closed:
                gap = np.minimum(gap, self.length_m - gap)
            distance = np.where(gap <= 1.5, distance, np.inf)
        return float(self.samples_m[int(np.argmin(distance))])


def _advance(pose: Pose2D, segment: Segment, distance_m: float) -> Pose2D:
    """Return the pose after moving along a segment from its beginning."""
    return pose.moved(distance_m, segment.curvature_1_m * distance_m)
