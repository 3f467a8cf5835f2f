"""How well the robot drove: its true place against the course, and why it stood."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from perception_nodes.driving.supervisor import DriveState
from perception_nodes.evaluation.drive_run import Decision, DriveFrame, DriveRun
from perception_nodes.simulation import CoursePath, Pose2D
from perception_nodes.simulation.travelled_way import TravelledWay

MOVING_M_S = 0.05
_DRIVING = DriveState.DRIVING


@dataclass(frozen=True, kw_only=True)
class DriveStop:
    """
    A time in which the follower did not drive although it had driven before.

    :param start_s: simulated seconds since the first picture.
    :param duration_s: until it drove again, or the run ended.
    :param at_m: way along the course.
    :param reason: name of the ``PathFollowingStatus`` reason that began it.
    :param text: the follower's words.
    """

    start_s: float
    duration_s: float
    at_m: float
    reason: str
    text: str


@dataclass(frozen=True, kw_only=True, eq=False)
class DriveResult:
    """
    The drive along a course; arrays have one value a picture, in the order of time.

    :param course_m: length of one lap.
    :param time_s: (N,) simulated seconds since the first picture.
    :param true_xy: (N, 2) base_link in the world, metres.
    :param lateral_m: (N,) distance from the middle line, left positive.
    :param seen_error_m: (N,) lateral error that the follower saw minus the true one, at the
        point that it looks at; NaN where it saw no path.
    :param speed_m_s: (N,) true forward speed.
    :param way_m: (N,) along the course.
    :param departures: how often a wheel went beyond the inner edge of a tape.
    :param stops: while it was to drive.
    """

    course_m: float
    time_s: np.ndarray
    true_xy: np.ndarray
    lateral_m: np.ndarray
    seen_error_m: np.ndarray
    speed_m_s: np.ndarray
    way_m: np.ndarray
    departures: int
    stops: tuple[DriveStop, ...]

    @property
    def driven_m(self) -> float:
        """Way along the course."""
        return float(self.way_m[-1]) if len(self.way_m) else 0.0

    @property
    def lap_s(self) -> float:
        """Simulated seconds from the first motion to the end of the first lap; NaN without."""
        moving = np.flatnonzero(self.speed_m_s > MOVING_M_S)
        there = np.flatnonzero(self.way_m >= self.course_m)
        if not len(moving) or not len(there):
            return math.nan
        return float(self.time_s[there[0]] - self.time_s[moving[0]])

    @property
    def lateral_rms_m(self) -> float:
        """Root mean square distance from the middle line while moving; NaN without motion."""
        moving = self.lateral_m[self.speed_m_s > MOVING_M_S]
        return float(np.sqrt(np.mean(moving**2))) if len(moving) else math.nan

    @property
    def lateral_max_m(self) -> float:
        """Largest distance from the middle line while moving; NaN without motion."""
        moving = self.lateral_m[self.speed_m_s > MOVING_M_S]
        return float(np.abs(moving).max()) if len(moving) else math.nan

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON, without the samples."""
        seen = np.abs(self.seen_error_m[np.isfinite(self.seen_error_m)])
        return {
            'course_m': self.course_m,
            'driven_m': self.driven_m,
            'lap_s': self.lap_s,
            'lateral_rms_m': self.lateral_rms_m,
            'lateral_max_m': self.lateral_max_m,
            'seen_error_median_m': float(np.median(seen)) if len(seen) else math.nan,
            'departures': self.departures,
            'stops': [vars(stop) for stop in self.stops],
        }


def analyse_drive(run: DriveRun, path: CoursePath) -> DriveResult:
    """Compare where the robot was, picture by picture, with the course."""
    placed = {stamp: f for stamp, f in run.frames.items() if f.world_from_base is not None}
    stamps = np.array([*placed], np.int64)
    start_ns = int(stamps[0]) if len(stamps) else 0
    way, rows, outside = TravelledWay(path, 0.0), [], []
    for frame in placed.values():
        pose = _pose(frame)
        s_m, lateral_m = way.move_to(pose.x_m, pose.y_m)
        outside.append(_is_outside(path, pose, s_m))
        seen_m = _seen_error_m(path, frame, pose, s_m)
        rows.append((pose.x_m, pose.y_m, lateral_m, seen_m, frame.speed_m_s, way.travelled_m))
    table = np.array(rows, np.float64).reshape(-1, 6)
    return DriveResult(
        course_m=path.length_m,
        time_s=(stamps - start_ns) * 1e-9,
        true_xy=table[:, :2],
        lateral_m=table[:, 2],
        seen_error_m=table[:, 3],
        speed_m_s=table[:, 4],
        way_m=table[:, 5],
        departures=int((np.diff(np.array([False, *outside]).astype(int)) > 0).sum()),
        stops=_stops(run.decisions, stamps, table[:, 5]),
    )


def _pose(frame: DriveFrame) -> Pose2D:
    place = frame.world_from_base
    if place is None:
        raise ValueError('the frame has no true place')
    return Pose2D(**vars(place))


def _is_outside(path: CoursePath, pose: Pose2D, s_m: float) -> bool:
    """Return whether a wheel is beyond the inner edge of a tape."""
    c, s = math.cos(pose.yaw_rad), math.sin(pose.yaw_rad)
    return any(
        abs(path.project(pose.x_m + c * x - s * y, pose.y_m + s * x + c * y, s_m)[1])
        > path.course.lane_width_m / 2
        for x, y in path.course.robot.wheels_xy
    )


def _seen_error_m(path: CoursePath, frame: DriveFrame, pose: Pose2D, s_m: float) -> float:
    """Return how wrong the lateral error is that the follower saw; NaN when it saw no path."""
    if frame.estimate is None or not frame.estimate.is_valid:
        return math.nan
    ahead = pose.moved(frame.estimate.look_ahead_m, 0.0)
    true_m = path.project(ahead.x_m, ahead.y_m, s_m)[1]
    return frame.estimate.lateral_error_m - true_m


def _stops(
    decisions: tuple[Decision, ...], stamps: np.ndarray, way_m: np.ndarray
) -> tuple[DriveStop, ...]:
    """Return the times between driving and driving; what comes before the first is none."""
    stops: list[DriveStop] = []
    first: Decision | None = None
    has_driven = False
    for item in decisions:
        drives = item.state is _DRIVING
        if drives and first is not None:
            stops.append(_stop(first, item.stamp_ns, stamps, way_m))
            first = None
        elif not drives and has_driven and first is None:
            first = item
        has_driven = has_driven or drives
    if first is not None:
        stops.append(_stop(first, decisions[-1].stamp_ns, stamps, way_m))
    return tuple(stops)


def _stop(first: Decision, end_ns: int, stamps: np.ndarray, way_m: np.ndarray) -> DriveStop:
    start_ns = int(stamps[0]) if len(stamps) else 0
    index = int(np.clip(np.searchsorted(stamps, first.stamp_ns), 0, max(0, len(stamps) - 1)))
    return DriveStop(
        start_s=(first.stamp_ns - start_ns) * 1e-9,
        duration_s=(end_ns - first.stamp_ns) * 1e-9,
        at_m=float(way_m[index]) if len(way_m) else 0.0,
        reason=first.reason.name,
        text=first.text,
    )
