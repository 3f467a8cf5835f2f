"""The hub value type of path following: where the path runs, and how sure that is."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from enum import Enum

import numpy as np

from perception_nodes.geometry import PlanarPose
from perception_nodes.path.clothoid import Clothoid, drift_covariance

STATE = ('lateral_error_m', 'heading_error_rad', 'curvature_1_m', 'curvature_rate_1_m2')
"""Order of rows and columns of :attr:`PathEstimate.covariance`."""

ROUNDING = 1e-9
"""Covariances may be asymmetric or indefinite by this part of their largest value."""

POINTS = 24
"""Of the line of an estimate that is made from a curve, if it begins at the foot."""
EXTENT_STEP_M = 0.05
LINE_SIGMA_WIDTHS = 0.2
"""Lines end where they are less certain than this part of the lane's width."""
ROUNDED_TO = 4
"""Digits of arc lengths: nothing shorter than 0.1 mm lies between two points."""
NOTHING_BEFORE = (np.zeros((0, 2)), np.zeros(0))


class PathProblem(str, Enum):
    """Why there is no path to follow."""

    NOTHING_SEEN = 'nothing_seen'
    """No pixel of a path, or none that the camera's geometry puts on the floor in range."""
    TOO_FEW_POINTS = 'too_few_points'
    """Fewer measured places than a curve needs."""
    TOO_SHORT = 'too_short'
    """What is seen is a shorter piece than is needed to tell a direction."""
    TOO_FAR = 'too_far'
    """The path begins too far from the place where the errors are wanted."""
    IMPLAUSIBLE_WIDTH = 'implausible_width'
    """Left and right are not one lane apart."""
    POOR_FIT = 'poor_fit'
    """The measured places do not lie along one curve."""
    TOO_UNCERTAIN = 'too_uncertain'
    """A standard deviation is above what the configuration allows, or not finite."""
    ELSEWHERE = 'elsewhere'
    """What is seen does not go on from the path that led here."""
    LOST = 'lost'
    """Nothing usable for longer than the filter may bridge."""


@dataclass(frozen=True, eq=False, kw_only=True)
class PathEstimate:
    """
    The middle of a path in front of the robot, in base_link at the stamp of the picture.

    Frames follow REP-103: x forward, y left, angles counter-clockwise.

    **Errors are those of the robot relative to the path**, at the point (look_ahead_m, 0) that
    is fixed to the robot; with ``look_ahead_m`` 0 it is the origin of base_link:

    - ``lateral_error_m``: signed distance of that point from the path, positive when it lies to
      the **left** of the path. The path then runs to the right: steer right, turn negative.
    - ``heading_error_rad``: robot heading minus path heading at the nearest point of the path,
      positive when the robot is turned **counter-clockwise** of the path: again steer right.
    - ``curvature_1_m``: of the path at that nearest point, positive when it bends **left**.
    - ``curvature_rate_1_m2``: change of the curvature per metre of path.

    So a robot that stands 10 cm left of a straight path and looks 0.2 rad to the left of it has
    a lateral error of +0.1 and a heading error of +0.2.

    An estimate that is not valid holds nothing that one could follow: no points, NaN errors,
    confidence 0, and the reason.

    :param points_xy: (N, 2) float64, metres, from near to far, finite, consecutive ones apart;
        the line ends where visibility ends. N ≥ 2, or 0 when not valid.
    :param sigma_m: (N,) float64, 1σ of each point across the path, metres.
    :param look_ahead_m: where the errors are told, metres ahead of base_link, ≥ 0.
    :param lateral_error_m: see above.
    :param heading_error_rad: see above; within ±π.
    :param curvature_1_m: see above.
    :param curvature_rate_1_m2: see above.
    :param covariance: (4, 4) float64 of the four values above, in the order of :data:`STATE`.
    :param drift_1_m3: variance per metre of path by which its curvature leaves the clothoid that
        the values describe: away from where they are told, the path is less certain.
    :param width_m: width of the lane, > 0, NaN when it was neither seen nor known.
    :param is_parted: whether there was more than one way to go, and one was chosen.
    :param confidence: 0..1, how much of a well-seen path this is; 0 when not valid.
    :param problem: why the estimate is not valid, None when it is.
    """

    points_xy: np.ndarray
    sigma_m: np.ndarray
    look_ahead_m: float = 0.0
    lateral_error_m: float = float('nan')
    heading_error_rad: float = float('nan')
    curvature_1_m: float = float('nan')
    curvature_rate_1_m2: float = float('nan')
    covariance: np.ndarray
    drift_1_m3: float = 0.0
    width_m: float = float('nan')
    is_parted: bool = False
    confidence: float = 0.0
    problem: PathProblem | None = None

    def __post_init__(self) -> None:
        """Bring the values to their types and refuse what is outside the contract."""
        for name in ('points_xy', 'sigma_m', 'covariance'):
            array = np.array(getattr(self, name), dtype=np.float64)
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        for name in ('look_ahead_m', 'drift_1_m3', 'width_m', 'confidence', *STATE):
            object.__setattr__(self, name, float(getattr(self, name)))
        self._check_shapes()
        if not (np.isfinite(self.look_ahead_m) and self.look_ahead_m >= 0):
            raise ValueError(f'look_ahead_m must be finite and ≥ 0, got {self.look_ahead_m!r}')
        if self.problem is not None:
            object.__setattr__(self, 'problem', PathProblem(self.problem))
            self._check_invalid()
        else:
            self._check_line()
            self._check_state()

    @classmethod
    def invalid(cls, problem: PathProblem, *, look_ahead_m: float = 0.0) -> PathEstimate:
        """Return the value that says: looked, and there is no path to follow."""
        return cls(
            points_xy=np.zeros((0, 2)), sigma_m=np.zeros(0), look_ahead_m=look_ahead_m,
            covariance=np.full((4, 4), np.nan), problem=problem,
        )  # fmt: skip

    @classmethod
    def along(
        cls,
        curve: Clothoid,
        covariance: np.ndarray,
        extent_m: tuple[float, float],
        *,
        confidence: float,
        drift_1_m3: float = 0.0,
        width_m: float = float('nan'),
        is_parted: bool = False,
        before: tuple[np.ndarray, np.ndarray] = NOTHING_BEFORE,
        most_sigma_m: float = np.inf,
    ) -> PathEstimate:
        """
        Return the valid estimate of a curve.

        :param curve: the middle line.
        :param covariance: (4, 4) of its values.
        :param extent_m: arc lengths from the foot between which the path is known.
        :param before: (M, 2) points and (M,) deviations that the line begins with, known better
            than the curve tells.
        :param most_sigma_m: the line ends where it would be less certain than this.
        """
        begin_m, end_m = (round(arc_m, ROUNDED_TO) for arc_m in extent_m)
        samples = curve.sampled(min(begin_m, 0.0), end_m, (end_m - begin_m) / (POINTS - 1))
        kept = np.flatnonzero((samples.arc_m >= begin_m - 1e-9) & (samples.arc_m <= end_m + 1e-9))
        shifts, arc_m = samples.shifts()[kept], samples.arc_m[kept]
        variance = np.einsum('ij,jk,ik->i', shifts, covariance, shifts)
        variance += drift_covariance(drift_1_m3, 1.0)[0, 0] * np.abs(arc_m) ** 5
        sigma_m = np.sqrt(np.maximum(variance, 0.0))
        unsure = np.flatnonzero((arc_m > 0) & (sigma_m > most_sigma_m))
        if len(unsure):
            kept, sigma_m = (values[: max(int(unsure[0]), 2)] for values in (kept, sigma_m))
        lateral, heading, curvature, rate = curve.state
        return cls(
            points_xy=np.concatenate([before[0], samples.xy[kept]]),
            sigma_m=np.concatenate([before[1], sigma_m]),
            look_ahead_m=curve.look_ahead_m, lateral_error_m=lateral,
            heading_error_rad=(heading + np.pi) % (2 * np.pi) - np.pi,
            curvature_1_m=curvature, curvature_rate_1_m2=rate, covariance=covariance,
            drift_1_m3=drift_1_m3, width_m=width_m, is_parted=is_parted, confidence=confidence,
        )  # fmt: skip

    @property
    def is_valid(self) -> bool:
        """Whether there is a path to follow."""
        return self.problem is None

    @property
    def reason(self) -> str:
        """Why the estimate is not valid, in a word; empty when it is."""
        return '' if self.problem is None else self.problem.value

    @property
    def state(self) -> np.ndarray:
        """(4,) float64 in the order of :data:`STATE`."""
        return np.array([getattr(self, name) for name in STATE])

    @property
    def curve(self) -> Clothoid:
        """The middle line as a curve; its values are NaN when not valid."""
        return Clothoid.from_state(self.state, self.look_ahead_m)

    def told_from(
        self, base_from_there: PlanarPose, look_ahead_m: float = 0.0
    ) -> tuple[Clothoid, np.ndarray]:
        """
        Return the same path as told by a robot that stands elsewhere.

        :returns: the curve, and the (4, 4) covariance of its values.
        """
        curve, arc_m, covariance = self.curve.advanced_with(
            self.covariance, base_from_there, look_ahead_m
        )
        return curve, covariance + drift_covariance(self.drift_1_m3, arc_m)

    @property
    def extent_m(self) -> tuple[float, float]:
        """Arc lengths, from the foot of the errors, of the first and the last point."""
        if not len(self.points_xy):
            return float('nan'), float('nan')
        samples = self.curve.sampled(-self.visible_range_m, self.visible_range_m, EXTENT_STEP_M)
        index = samples.nearest(self.points_xy[:1])
        along, _ = samples.offsets(self.points_xy[:1], index)
        begin_m = float(samples.arc_m[index][0] + along[0])
        return begin_m, begin_m + float(self.arc_m[-1])

    @property
    def lateral_sigma_m(self) -> float:
        """1σ of the lateral error, NaN when not valid."""
        return float(np.sqrt(self.covariance[0, 0]))

    @property
    def heading_sigma_rad(self) -> float:
        """1σ of the heading error, NaN when not valid."""
        return float(np.sqrt(self.covariance[1, 1]))

    @property
    def curvature_sigma_1_m(self) -> float:
        """1σ of the curvature, NaN when not valid."""
        return float(np.sqrt(self.covariance[2, 2]))

    @functools.cached_property
    def arc_m(self) -> np.ndarray:
        """(N,) float64 arc length of each point from the first one, metres."""
        steps = np.hypot(*np.diff(self.points_xy, axis=0).T)
        return np.concatenate([np.zeros(min(1, len(self.points_xy))), np.cumsum(steps)])

    @property
    def visible_range_m(self) -> float:
        """Distance from base_link to the end of the line, metres; 0 when not valid."""
        return float(np.hypot(*self.points_xy[-1])) if len(self.points_xy) else 0.0

    def _check_shapes(self) -> None:
        count = len(self.sigma_m)
        found = (self.points_xy.shape, self.sigma_m.shape, self.covariance.shape)
        if found != ((count, 2), (count,), (4, 4)):
            raise ValueError(
                'PathEstimate needs points_xy (N, 2), sigma_m (N,), covariance (4, 4), got '
                f'{found[0]}, {found[1]}, {found[2]}'
            )

    def _check_invalid(self) -> None:
        if len(self.sigma_m) or self.confidence != 0 or not np.isnan(self.state).all():
            raise ValueError(
                f'an estimate with the problem {self.reason} must hold no points, NaN errors '
                'and confidence 0; use PathEstimate.invalid'
            )

    def _check_line(self) -> None:
        if len(self.points_xy) < 2 or not np.isfinite(self.points_xy).all():
            raise ValueError(
                'PathEstimate.points_xy must be at least two finite points, or none with a '
                f'problem; got {len(self.points_xy)}'
            )
        if not (np.diff(self.points_xy, axis=0) != 0).any(axis=1).all():
            raise ValueError('PathEstimate.points_xy must not repeat a point')
        if not (np.isfinite(self.sigma_m).all() and (self.sigma_m >= 0).all()):
            raise ValueError('PathEstimate.sigma_m must be finite and ≥ 0')

    def _check_state(self) -> None:
        if not np.isfinite(self.state).all() or abs(self.heading_error_rad) > np.pi:
            values = ', '.join(f'{name} {getattr(self, name)!r}' for name in STATE)
            raise ValueError(f'errors must be finite and the heading within ±π, got {values}')
        if not 0 <= self.confidence <= 1:
            raise ValueError(f'confidence must lie in 0..1, got {self.confidence!r}')
        if not (np.isnan(self.width_m) or 0 < self.width_m < np.inf):
            raise ValueError(f'width_m must be > 0, or NaN for unknown, got {self.width_m!r}')
        if not 0 <= self.drift_1_m3 < np.inf:
            raise ValueError(f'drift_1_m3 must be finite and ≥ 0, got {self.drift_1_m3!r}')
        if not _is_covariance(self.covariance):
            raise ValueError(
                'PathEstimate.covariance must be finite, symmetric and positive semidefinite, '
                f'got {self.covariance.tolist()}'
            )


def _is_covariance(matrix: np.ndarray) -> bool:
    """Return whether a matrix is one, up to rounding in the units of its own deviations."""
    variances = np.diag(matrix)
    if not np.isfinite(matrix).all() or (variances < 0).any():
        return False
    scale = np.sqrt(np.where(variances > 0, variances, 1.0))
    correlation = matrix / np.outer(scale, scale)
    if np.abs(correlation - correlation.T).max() > ROUNDING:
        return False
    return bool(np.linalg.eigvalsh(correlation)[0] >= -ROUNDING * len(matrix))
