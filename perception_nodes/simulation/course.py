"""
Marked paths: what a course is made of.

A course is a chain of straight parts and arcs, each beginning where and as the one before ends,
and branches that begin where another part ends: a junction.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from perception_nodes.simulation.robot_model import RobotModel
from perception_nodes.simulation.vehicle import Pose2D

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
