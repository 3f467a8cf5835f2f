"""The path as a controller wants it: from under the robot to where visibility ends."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from perception_nodes.geometry import PlanarPose
from perception_nodes.path.estimate import PathEstimate

STEP_M = 0.05
"""Distance of the points that a path is resampled to."""
BEHIND_M = 0.3
"""How far behind the robot the line is carried on, for a foot that is surely inside."""
CURVATURE_SPAN_M = 0.2
"""Length over which the curvature is the mean; shorter ones see the noise of the points."""
LONGEST_EXTENSION_M = 2.0
_FEWEST_FOR_ENDS = 4


@dataclass(frozen=True, kw_only=True)
class PathFoot:
    """
    The nearest point of a path.

    :param arc_m: where on the path, from its first point.
    :param lateral_m: signed distance of the asker from the path, positive left of it.
    :param heading_rad: direction of the path there.
    """

    arc_m: float
    lateral_m: float
    heading_rad: float


@dataclass(frozen=True, eq=False, kw_only=True)
class ReferencePath:
    """
    A path in the frame of the robot at the time of control.

    :param points_xy: (N, 2) float64, metres, N ≥ 2, :data:`STEP_M` apart along the path.
    :param confidence: 0..1, of the estimate.
    """

    points_xy: np.ndarray
    confidence: float = 1.0

    @classmethod
    def from_points(cls, points_xy: np.ndarray, confidence: float = 1.0) -> ReferencePath:
        """
        Return the path through points, carried on backwards to behind the robot.

        :param points_xy: (N, 2) metres, N ≥ 2, from near to far.
        :raises ValueError: when fewer than two different points are given.
        """
        points = _resampled(np.asarray(points_xy, dtype=np.float64))
        return cls(points_xy=_extended(points), confidence=confidence)

    @classmethod
    def from_estimate(cls, estimate: PathEstimate, now_from_image: PlanarPose) -> ReferencePath:
        """
        Return a valid estimate as it lies when it is used.

        :param now_from_image: base_link at the stamp of the picture, in base_link at the time of
            control.
        """
        moved = transformed(estimate.points_xy, now_from_image)
        return cls.from_points(moved, estimate.confidence)

    @property
    def length_m(self) -> float:
        """Length of the line with what was carried on."""
        return (len(self.points_xy) - 1) * STEP_M

    @functools.cached_property
    def heading_rad(self) -> np.ndarray:
        """(N,) float64 direction at each point, without jumps of 2π."""
        tangents = np.gradient(self.points_xy, axis=0)
        angles = np.unwrap(np.arctan2(tangents[:, 1], tangents[:, 0]))
        if len(angles) >= _FEWEST_FOR_ENDS:
            # The first and the last tangent are those of half a step inside.
            angles[0], angles[-1] = 2 * angles[1] - angles[2], 2 * angles[-2] - angles[-3]
        return angles

    @functools.cached_property
    def curvature_1_m(self) -> np.ndarray:
        """(N,) float64 mean curvature around each point, positive left."""
        count = len(self.points_xy)
        reach = min(max(1, round(CURVATURE_SPAN_M / STEP_M / 2)), max(1, (count - 1) // 2))
        index = np.arange(count)
        before, after = np.maximum(index - reach, 0), np.minimum(index + reach, count - 1)
        return (self.heading_rad[after] - self.heading_rad[before]) / ((after - before) * STEP_M)

    def foot(self, point_xy: tuple[float, float] = (0.0, 0.0)) -> PathFoot:
        """Return the nearest point of the path, for the robot's origin when none is given."""
        starts, steps = self.points_xy[:-1], np.diff(self.points_xy, axis=0)
        along = ((np.asarray(point_xy) - starts) * steps).sum(axis=1)
        fraction = np.clip(along / (steps * steps).sum(axis=1), 0.0, 1.0)
        offsets = np.asarray(point_xy) - (starts + fraction[:, None] * steps)
        index = int(np.argmin((offsets * offsets).sum(axis=1)))
        step, offset = steps[index], offsets[index]
        side = step[0] * offset[1] - step[1] * offset[0]
        heading = self.heading_rad
        return PathFoot(
            arc_m=float(index + fraction[index]) * STEP_M,
            lateral_m=float(np.copysign(np.hypot(*offset), side)),
            heading_rad=float(
                heading[index] + fraction[index] * (heading[index + 1] - heading[index])
            ),
        )

    def point_at(self, arc_m: float) -> np.ndarray:
        """Return (2,) metres at an arc length; the ends beyond the ends."""
        position = float(np.clip(arc_m / STEP_M, 0, len(self.points_xy) - 1))
        index = min(int(position), len(self.points_xy) - 2)
        fraction = position - index
        return (1 - fraction) * self.points_xy[index] + fraction * self.points_xy[index + 1]

    def point_at_distance(self, from_arc_m: float, distance_m: float) -> np.ndarray:
        """
        Return (2,) the first point after an arc length that is this far from the robot's origin.

        The end of the path where it ends before.
        """
        first = int(from_arc_m / STEP_M)
        reach = np.hypot(*self.points_xy[first:].T)
        beyond = np.flatnonzero(reach >= distance_m)
        if not len(beyond):
            return self.points_xy[-1]
        index = first + int(beyond[0])
        if beyond[0] == 0:
            return self.points_xy[index]
        inner, outer = reach[beyond[0] - 1], reach[beyond[0]]
        fraction = (distance_m - inner) / max(outer - inner, 1e-9)
        return self.point_at((index - 1 + float(fraction)) * STEP_M)


def arc_path(curvature_1_m: float, length_m: float) -> ReferencePath:
    """Return the arc that a robot drives on from its origin with one curvature."""
    arc = np.arange(0.0, max(length_m, STEP_M) + STEP_M / 2, STEP_M)
    turn = arc * curvature_1_m
    # sin(x)/x and (1 − cos x)/x, exact at 0.
    ahead = arc * np.sinc(turn / np.pi)
    left = arc * np.sin(turn / 2) * np.sinc(turn / 2 / np.pi)
    return ReferencePath(points_xy=np.stack([ahead, left], axis=1))


def transformed(points_xy: np.ndarray, target_from_source: PlanarPose) -> np.ndarray:
    """
    Return points in another frame on the floor.

    :param points_xy: (N, 2) metres.
    """
    cosine, sine = np.cos(target_from_source.yaw_rad), np.sin(target_from_source.yaw_rad)
    turned = points_xy @ np.array([[cosine, sine], [-sine, cosine]])
    return turned + np.array([target_from_source.x_m, target_from_source.y_m])


def _resampled(points: np.ndarray) -> np.ndarray:
    """Return points STEP_M apart on the line through the given ones."""
    if points.ndim != 2 or points.shape[1] != 2 or not np.isfinite(points).all():
        raise ValueError(f'a path needs finite points (N, 2), got {points.shape}')
    lengths = np.hypot(*np.diff(points, axis=0).T)
    arc = np.concatenate([[0.0], np.cumsum(lengths)])
    if arc[-1] < STEP_M:
        raise ValueError(f'a path needs {STEP_M} m of length, got {arc[-1]:.3f} m')
    wanted = np.arange(0.0, arc[-1] + 1e-9, STEP_M)
    return np.stack([np.interp(wanted, arc, points[:, axis]) for axis in (0, 1)], axis=1)


def _extended(points: np.ndarray) -> np.ndarray:
    """Carry the line on backwards, with the curvature of its beginning, to behind the robot."""
    few = points[: min(len(points), 9)]
    headings = np.unwrap(np.arctan2(*np.diff(few, axis=0).T[::-1]))
    bend = (headings[-1] - headings[0]) / (len(headings) - 1) if len(headings) > 1 else 0.0
    heading, place = headings[0], points[0]
    added: list[np.ndarray] = []
    while (
        place @ (np.cos(heading), np.sin(heading)) > -BEHIND_M
        and len(added) * STEP_M < LONGEST_EXTENSION_M
    ):
        heading -= bend
        place = place - STEP_M * np.array([np.cos(heading), np.sin(heading)])
        added.append(place)
    return np.concatenate([np.array(added[::-1]).reshape(-1, 2), points])
