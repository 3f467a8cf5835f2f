"""
The curve of a path: curvature that changes evenly with arc length.

Roads and courses are made of straight lines, arcs and the transitions between them, which is why
road-following since Dickmanns and Mysliwetz (IEEE PAMI 14/2, 1992) has used this curve. Told by
arc length it also runs across the view or back towards the robot, where y(x) cannot.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perception_nodes.geometry import PlanarPose

MOST_SAMPLES = 400
NODES, WEIGHTS = np.polynomial.legendre.leggauss(12)
"""Gauss-Legendre: to 1 µm for a metre of path that turns by 180°."""
FOOT_ITERATIONS = 6
"""Newton steps to the nearest point; each squares the error, and bends are mild."""
DERIVATIVE_STEP = np.array([1e-4, 1e-4, 1e-3, 1e-3])
FOOT_TOLERANCE_M = 1e-6
SMALLEST_STRETCH = 0.2
"""Nearer to the centre of curvature the nearest point is hardly told; steps stay bounded."""
LOOP_RAD = 1.5 * np.pi
"""A curve that has turned by so much comes back to itself: places have two nearest points."""


def drift_covariance(drift_1_m3: float, arc_m: float) -> np.ndarray:
    """
    Return (4, 4) how uncertain a path grows that leaves its clothoid, as told after an arc.

    Curvature that walks at random makes heading its first integral and the lateral offset its
    second one.

    :param drift_1_m3: variance of curvature per metre.
    :param arc_m: ahead of the known place, or behind it where negative.
    """
    s, sign = abs(arc_m), np.sign(arc_m)
    covariance = np.zeros((4, 4))
    covariance[:3, :3] = [
        [s**5 / 20, s**4 / 8 * sign, -(s**3) / 6],
        [s**4 / 8 * sign, s**3 / 3, -(s**2) / 2 * sign],
        [-(s**3) / 6, -(s**2) / 2 * sign, s],
    ]
    return drift_1_m3 * covariance


@dataclass(frozen=True, kw_only=True)
class Clothoid:
    """
    A curve in base_link, told from a point on the robot; see ``PathEstimate`` for the signs.

    :param look_ahead_m: the point is (look_ahead_m, 0).
    :param lateral_error_m: how far that point lies to the left of the curve.
    :param heading_error_rad: robot heading minus heading of the curve at the foot, the nearest
        point of the curve, where arc length is 0.
    :param curvature_1_m: at the foot, positive bends left.
    :param curvature_rate_1_m2: change of curvature per metre.
    """

    look_ahead_m: float = 0.0
    lateral_error_m: float = 0.0
    heading_error_rad: float = 0.0
    curvature_1_m: float = 0.0
    curvature_rate_1_m2: float = 0.0

    @classmethod
    def from_state(cls, state: np.ndarray, look_ahead_m: float) -> Clothoid:
        """Return the curve of (4,) values in the order of ``STATE``."""
        return cls(
            look_ahead_m=look_ahead_m,
            lateral_error_m=float(state[0]),
            heading_error_rad=float(state[1]),
            curvature_1_m=float(state[2]),
            curvature_rate_1_m2=float(state[3]),
        )

    @property
    def state(self) -> np.ndarray:
        """(4,) float64 in the order of ``STATE``."""
        return np.array(
            [
                self.lateral_error_m,
                self.heading_error_rad,
                self.curvature_1_m,
                self.curvature_rate_1_m2,
            ]
        )

    @property
    def foot_xy(self) -> np.ndarray:
        """(2,) float64 the point of the curve at arc length 0."""
        heading = -self.heading_error_rad
        normal = np.array([-np.sin(heading), np.cos(heading)])
        return np.array([self.look_ahead_m, 0.0]) - self.lateral_error_m * normal

    def headings(self, arc_m: np.ndarray) -> np.ndarray:
        """Return the (N,) directions of the curve in rad at (N,) arc lengths."""
        turn = arc_m * (self.curvature_1_m + 0.5 * self.curvature_rate_1_m2 * arc_m)
        return turn - self.heading_error_rad

    def sampled(self, from_m: float, to_m: float, step_m: float) -> CurveSamples:
        """
        Return the curve as a chain of short chords.

        :param from_m: arc length of the first sample; may be below 0.
        :param to_m: arc length of the last one, above ``from_m``.
        :param step_m: wanted distance; larger where it would take :data:`MOST_SAMPLES`.
        """
        before = min(int(np.ceil(max(0.0, -from_m) / step_m)), MOST_SAMPLES // 4)
        after = min(int(np.ceil(max(to_m, step_m) / step_m)), MOST_SAMPLES)
        step_back = -min(from_m, 0.0) / before if before else 0.0
        arc_m = np.concatenate(
            [np.arange(-before, 0) * step_back, np.linspace(0.0, max(to_m, step_m), after + 1)]
        )
        return self._at(arc_m, before)

    def before_loop(self, to_m: float) -> float:
        """
        Return the arc length up to which the curve does not come back to itself.

        :param to_m: it is not looked further than this, metres ahead of the foot.
        """
        half_rate = 0.5 * self.curvature_rate_1_m2
        roots = [
            root.real
            for turn in (LOOP_RAD, -LOOP_RAD)
            for root in np.roots([half_rate, self.curvature_1_m, -turn])
            if root.imag == 0 and root.real > 0
        ]
        return min([to_m, *roots])

    def point_at(self, arc_m: float) -> np.ndarray:
        """Return the (2,) point at one arc length, which may be below 0."""
        heading = self.headings(0.5 * arc_m * (NODES + 1))
        half = 0.5 * arc_m
        return self.foot_xy + half * np.array(
            [np.cos(heading) @ WEIGHTS, np.sin(heading) @ WEIGHTS]
        )

    def moved(self, old_from_new: PlanarPose, look_ahead_m: float) -> Clothoid:
        """
        Return the same curve as told by a robot that has moved.

        :param old_from_new: pose of the new base_link in the old one.
        :param look_ahead_m: for the new robot.
        :returns: in the frame of the new robot.
        """
        return self.advanced(old_from_new, look_ahead_m)[0]

    def advanced(
        self, old_from_new: PlanarPose, look_ahead_m: float, near_m: float = 0.0
    ) -> tuple[Clothoid, float]:
        """
        Return the curve of :meth:`moved`, and how far its foot has moved along the curve.

        :param near_m: about how far.
        """
        c, s = np.cos(old_from_new.yaw_rad), np.sin(old_from_new.yaw_rad)
        place = np.array(
            [old_from_new.x_m + c * look_ahead_m, old_from_new.y_m + s * look_ahead_m]
        )
        arc_m = self._nearest_arc_m(place, near_m)
        heading = float(self.headings(np.array(arc_m)))
        away = place - self.point_at(arc_m)
        moved = Clothoid(
            look_ahead_m=look_ahead_m,
            lateral_error_m=float(away[1] * np.cos(heading) - away[0] * np.sin(heading)),
            heading_error_rad=float(
                (old_from_new.yaw_rad - heading + np.pi) % (2 * np.pi) - np.pi
            ),
            curvature_1_m=self.curvature_1_m + self.curvature_rate_1_m2 * arc_m,
            curvature_rate_1_m2=self.curvature_rate_1_m2,
        )
        return moved, arc_m

    def advanced_with(
        self, covariance: np.ndarray, old_from_new: PlanarPose, look_ahead_m: float
    ) -> tuple[Clothoid, float, np.ndarray]:
        """Return what :meth:`advanced` does, and the (4, 4) covariance that follows from one."""
        moved, arc_m = self.advanced(old_from_new, look_ahead_m)
        derivatives = np.empty((4, 4))
        for column, change in enumerate(DERIVATIVE_STEP):
            state = self.state
            state[column] += change
            other = Clothoid.from_state(state, self.look_ahead_m)
            told = other.advanced(old_from_new, look_ahead_m, arc_m)[0]
            derivatives[:, column] = (told.state - moved.state) / change
        return moved, arc_m, derivatives @ covariance @ derivatives.T

    def _nearest_arc_m(self, place_xy: np.ndarray, near_m: float) -> float:
        """Return where the curve is nearest to a place, by Newton's method."""
        arc_m = near_m
        for _ in range(FOOT_ITERATIONS):
            heading = float(self.headings(np.array(arc_m)))
            away = place_xy - self.point_at(arc_m)
            along = away[0] * np.cos(heading) + away[1] * np.sin(heading)
            across = away[1] * np.cos(heading) - away[0] * np.sin(heading)
            curvature = self.curvature_1_m + self.curvature_rate_1_m2 * arc_m
            step_m = float(along / max(1 - curvature * across, SMALLEST_STRETCH))
            arc_m += step_m
            if abs(step_m) < FOOT_TOLERANCE_M:
                break
        return arc_m

    def _at(self, arc_m: np.ndarray, foot: int) -> CurveSamples:
        """Return samples at ascending arc lengths of which number ``foot`` is 0."""
        steps = np.diff(arc_m)
        middle = 0.5 * (arc_m[1:] + arc_m[:-1])
        turn = (self.curvature_1_m + self.curvature_rate_1_m2 * middle) * steps
        chord = steps * (1 - turn * turn / 24)  # of an arc, to the fourth order
        heading = self.headings(middle)
        xy = np.zeros((len(arc_m), 2))
        np.cumsum(chord * np.cos(heading), out=xy[1:, 0])
        np.cumsum(chord * np.sin(heading), out=xy[1:, 1])
        xy += self.foot_xy - xy[foot]
        return CurveSamples(
            arc_m=arc_m, xy=xy, heading_rad=self.headings(arc_m), foot=foot,
            pivot_xy=np.array([self.look_ahead_m, 0.0]),
        )  # fmt: skip


@dataclass(frozen=True, eq=False, kw_only=True)
class CurveSamples:
    """
    Points of a curve.

    :param arc_m: (M,) ascending arc lengths.
    :param xy: (M, 2) metres.
    :param heading_rad: (M,) directions.
    :param foot: index of arc length 0.
    :param pivot_xy: (2,) the point on the robot: a change of heading turns the curve about it.
    """

    arc_m: np.ndarray
    xy: np.ndarray
    heading_rad: np.ndarray
    foot: int
    pivot_xy: np.ndarray

    def nearest(self, points_xy: np.ndarray) -> np.ndarray:
        """Return the (N,) index of the sample nearest to each of (N, 2) points."""
        x = points_xy[:, :1] - self.xy[:, 0]
        y = points_xy[:, 1:] - self.xy[:, 1]
        x *= x
        y *= y
        x += y
        return np.argmin(x, axis=1)

    def offsets(self, points_xy: np.ndarray, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """
        Return how far points lie along and to the left of the samples nearest to them.

        The bend of the curve within half a chord is taken into account.

        :param index: of :meth:`nearest`.
        :returns: (N,) metres along and (N,) metres to the left.
        """
        away = points_xy - self.xy[index]
        cosine, sine = np.cos(self.heading_rad[index]), np.sin(self.heading_rad[index])
        along = away[:, 0] * cosine + away[:, 1] * sine
        left = away[:, 1] * cosine - away[:, 0] * sine
        last = len(self.arc_m) - 1
        ahead, behind = np.minimum(index + 1, last), np.maximum(index - 1, 0)
        turn = self.heading_rad[ahead] - self.heading_rad[behind]
        bend = turn / (self.arc_m[ahead] - self.arc_m[behind])
        inner = (index > 0) & (index < last)
        left -= np.where(inner, 0.5 * bend * along * along, 0.0)
        return along, left

    def shifts(self) -> np.ndarray:
        """
        Return how far each sample moves to the left per unit of the curve's four values.

        :returns: (M, 4) float64, in the order of ``STATE``.
        """
        cosine, sine = np.cos(self.heading_rad), np.sin(self.heading_rad)
        arm = self.xy - self.pivot_xy
        start = self.heading_rad[self.foot]
        columns = np.empty((len(self.arc_m), 4))
        columns[:, 0] = -np.cos(self.heading_rad - start)
        columns[:, 1] = -(arm[:, 0] * cosine + arm[:, 1] * sine)
        for column, turn in ((2, self.arc_m), (3, 0.5 * self.arc_m**2)):
            drift_x = self._integral(-turn * sine)
            drift_y = self._integral(turn * cosine)
            columns[:, column] = drift_y * cosine - drift_x * sine
        return columns

    def _integral(self, values: np.ndarray) -> np.ndarray:
        """Return the (M,) integral over arc length from the foot, by the trapezoidal rule."""
        total = np.zeros(len(values))
        np.cumsum(0.5 * (values[1:] + values[:-1]) * np.diff(self.arc_m), out=total[1:])
        return total - total[self.foot]
