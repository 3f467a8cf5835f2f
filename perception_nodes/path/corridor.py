"""
A curve fitted to the edges of a lane.

Every edge of a lane keeps half a width away from the middle line, so one curve, one width and
the camera's unknown pitch explain all edges at once. Where one edge is hidden the other one and
what is known about the width still tell the middle.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perception_nodes.path.clothoid import Clothoid

VALUES = 6
"""The curve's four values, the width, and the pitch."""
WIDTH, PITCH = 4, 5
ITERATIONS = 8
ROBUST_SIGMA = 2.5
"""Residuals beyond so many deviations lose weight (Cauchy: as 1 / square)."""
SETTLED = 0.02
"""The fit has settled when no value moves by more than this part of its deviation."""
MOST_CORRELATION = 0.8
LEAST_SCALE, MOST_SCALE = 0.1, 100.0
SAMPLES_A_WIDTH = 8
DRIFT_FACTOR = 1 / 20
"""A curve whose curvature walks at random is off by variance · arc⁵ / 20."""
DRIFT_WIDTHS = 1.0
"""Curvature is told over about so many widths; what drifts within them is not seen."""
HEADING_DRIFT_WIDTHS = 0.35
"""Likewise the heading. Both measured: with less, told deviations held too few of the errors."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Edges:
    """
    Measured places of the edges of a lane, or of its middle.

    :param points_xy: (N, 2) float64 in base_link, metres.
    :param sides: (N,) float64, +1 left edge, -1 right edge, 0 middle.
    :param across_sigma_m: (N,) float64, 1σ across the line of sight.
    :param along_sigma_m: (N,) float64, 1σ along the line of sight, without the pitch.
    """

    points_xy: np.ndarray
    sides: np.ndarray
    across_sigma_m: np.ndarray
    along_sigma_m: np.ndarray

    def __post_init__(self) -> None:
        """Refuse arrays of different lengths."""
        count = len(self.sides)
        shapes = (self.points_xy.shape, self.across_sigma_m.shape, self.along_sigma_m.shape)
        if shapes != ((count, 2), (count,), (count,)):
            raise ValueError(
                'edges need points_xy (N, 2), sides (N,), across_sigma_m (N,), along_sigma_m '
                f'(N,), got {shapes[0]}, ({count},), {shapes[1]}, {shapes[2]}'
            )

    def __len__(self) -> int:
        """Return the number of places."""
        return len(self.sides)

    def __getitem__(self, index: np.ndarray) -> Edges:
        """Return the selected places."""
        return Edges(
            points_xy=self.points_xy[index], sides=self.sides[index],
            across_sigma_m=self.across_sigma_m[index], along_sigma_m=self.along_sigma_m[index],
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class CorridorPrior:
    """
    What is known before looking: Gaussian, independent.

    :param foot_xy: the floor under the camera in base_link, metres.
    :param height_m: of the camera.
    :param pitch_sigma_rad: 1σ of its pitch.
    :param width_m: width between the two kinds of edges.
    :param width_sigma_m: 1σ of it.
    :param curvature_sigma_1_m: 1σ about 0.
    :param curvature_rate_sigma_1_m2: 1σ about 0.
    :param drift_1_m3: how fast paths leave such curves: variance of curvature per metre, as of a
        random walk. It lets far places count less, and makes the curvature less certain.
    """

    foot_xy: tuple[float, float]
    height_m: float
    pitch_sigma_rad: float
    width_m: float
    width_sigma_m: float
    curvature_sigma_1_m: float
    curvature_rate_sigma_1_m2: float
    drift_1_m3: float

    @property
    def mean(self) -> np.ndarray:
        """(6,) float64."""
        return np.array([0.0, 0.0, 0.0, 0.0, self.width_m, 0.0])

    @property
    def information(self) -> np.ndarray:
        """(6,) float64, one over the variances; 0 where nothing is known."""
        sigma = (
            np.inf, np.inf, self.curvature_sigma_1_m, self.curvature_rate_sigma_1_m2,
            self.width_sigma_m, max(self.pitch_sigma_rad, 1e-6),
        )  # fmt: skip
        return 1 / np.square(sigma)


@dataclass(frozen=True, eq=False, kw_only=True)
class CorridorFit:
    """
    The curve, and how well it explains the edges.

    :param values: (6,) float64, the curve's four values, width in metres, pitch in rad.
    :param covariance: (6, 6) float64, scaled by the residuals.
    :param look_ahead_m: of the curve.
    :param arc_m: (N,) float64, where along the curve each place lies.
    :param residuals: (N,) float64, in deviations.
    :param weights: (N,) float64 in 0..1, what the robust fit left of each place.
    """

    values: np.ndarray
    covariance: np.ndarray
    look_ahead_m: float
    arc_m: np.ndarray
    residuals: np.ndarray
    weights: np.ndarray

    @property
    def curve(self) -> Clothoid:
        """The middle line."""
        return Clothoid.from_state(self.values[:4], self.look_ahead_m)

    @property
    def width_m(self) -> float:
        """Width between the two kinds of edges."""
        return float(self.values[WIDTH])


class _Problem:
    """One least-squares problem: residuals and derivatives at given values."""

    def __init__(self, edges: Edges, prior: CorridorPrior, look_ahead_m: float) -> None:
        self.edges, self.prior, self.look_ahead_m = edges, prior, look_ahead_m
        away = edges.points_xy - prior.foot_xy
        distance = np.maximum(np.hypot(away[:, 0], away[:, 1]), 1e-6)
        self.sight = away / distance[:, None]
        h = prior.height_m
        # A camera that looks further down than thought sees nearer places than thought.
        self.per_pitch = np.stack(
            [-(h * h + away[:, 0] ** 2) / h, -away[:, 0] * away[:, 1] / h], axis=1
        )
        self.reach_m = float(distance.max()) + float(np.hypot(*prior.foot_xy))
        self.step_m = prior.width_m / SAMPLES_A_WIDTH
        self.sigma_m = np.ones(len(edges))

    def evaluate(self, values: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return residuals (N,) and derivatives (N, 6), both in deviations, and arcs (N,)."""
        edges = self.edges
        curve = Clothoid.from_state(values[:4], self.look_ahead_m)
        samples = curve.sampled(-self.look_ahead_m, 1.3 * self.reach_m, self.step_m)
        points = edges.points_xy + values[PITCH] * self.per_pitch
        index = samples.nearest(points)
        along, left = samples.offsets(points, index)
        heading = samples.heading_rad[index]
        normal = np.stack([-np.sin(heading), np.cos(heading)], axis=1)
        grazing = np.einsum('ij,ij->i', normal, self.sight)
        variance = (edges.along_sigma_m * grazing) ** 2
        variance += edges.across_sigma_m**2 * (1 - grazing**2) + (0.1 * edges.across_sigma_m) ** 2
        variance += DRIFT_FACTOR * self.prior.drift_1_m3 * np.abs(samples.arc_m[index]) ** 5
        derivatives = np.empty((len(left), VALUES))
        derivatives[:, :4] = -samples.shifts()[index]
        derivatives[:, WIDTH] = -0.5 * edges.sides
        derivatives[:, PITCH] = np.einsum('ij,ij->i', normal, self.per_pitch)
        sigma = self.sigma_m = np.sqrt(variance)
        residuals = (left - 0.5 * edges.sides * values[WIDTH]) / sigma
        return residuals, derivatives / sigma[:, None], samples.arc_m[index] + along

    def limited(self, step: np.ndarray, derivatives: np.ndarray) -> np.ndarray:
        """Shorten a step that would throw the curve further than it can be followed."""
        throw = np.abs(derivatives[:, :4] @ step[:4]) * self.sigma_m
        return step * min(1.0, self.prior.width_m / max(float(throw.max()), 1e-12))


def fit_corridor(
    edges: Edges,
    prior: CorridorPrior,
    start: Clothoid,
    *,
    first_scale: float = 1.0,
    least_noise: float = LEAST_SCALE,
) -> CorridorFit:
    """
    Fit the curve: iteratively reweighted Gauss-Newton (Cauchy weights).

    :param edges: at least one place.
    :param start: where to begin; its ``look_ahead_m`` is that of the result.
    :param first_scale: how many times larger residuals are forgiven at first.
    :param least_noise: the variances of the edges may be too large by this factor at most.
    """
    problem = _Problem(edges, prior, start.look_ahead_m)
    values = np.concatenate([start.state, [prior.width_m, 0.0]])
    information, mean = prior.information, prior.mean
    scale = first_scale
    for _ in range(ITERATIONS):
        residuals, derivatives, _ = problem.evaluate(values)
        weights = _robust(residuals / scale)
        normal = derivatives.T @ (derivatives * weights[:, None])
        normal[np.diag_indices(VALUES)] += information
        gradient = derivatives.T @ (weights * residuals) + information * (values - mean)
        step = problem.limited(_solved(normal, -gradient), derivatives)
        values = values + step
        moved = np.abs(step) * np.sqrt(np.diag(normal))
        if scale == 1.0 and moved.max() < SETTLED * np.sqrt(len(edges)):
            break
        scale = max(1.0, scale / 2)
    residuals, derivatives, arc_m = problem.evaluate(values)
    weights = _robust(residuals)
    normal = derivatives.T @ (derivatives * weights[:, None])
    noise = _noise_scale(residuals, weights, edges.sides, least_noise)
    normal = normal / noise
    normal[np.diag_indices(VALUES)] += information
    covariance = _inverse(normal)
    covariance[1, 1] += prior.drift_1_m3 * (HEADING_DRIFT_WIDTHS * prior.width_m) ** 3 / 3
    covariance[2, 2] += prior.drift_1_m3 * DRIFT_WIDTHS * prior.width_m
    return CorridorFit(
        values=values, covariance=covariance, look_ahead_m=start.look_ahead_m,
        arc_m=arc_m, residuals=residuals, weights=weights,
    )  # fmt: skip


def _robust(residuals: np.ndarray) -> np.ndarray:
    return 1 / (1 + (residuals / ROBUST_SIGMA) ** 2)


def _noise_scale(
    residuals: np.ndarray, weights: np.ndarray, sides: np.ndarray, least: float
) -> float:
    """
    Return the factor from assumed to found variance, for neighbours that err together.

    The mean square is taken from the residuals; a run of n residuals with correlation ρ from one
    to the next tells as much as n (1 - ρ) / (1 + ρ) independent ones.
    """
    freedom = max(float(weights.sum()) - VALUES + 1, 1.0)
    square = float((weights * residuals**2).sum()) / freedom
    products, squares = 0.0, 1e-12
    for side in (-1.0, 0.0, 1.0):
        chain = (np.sqrt(weights) * residuals)[sides == side]
        products += float(chain[1:] @ chain[:-1])
        squares += float(chain @ chain)
    correlation = float(np.clip(products / squares, 0.0, MOST_CORRELATION))
    together = (1 + correlation) / (1 - correlation)
    return float(np.clip(square, least, MOST_SCALE)) * together


def _solved(normal: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the solution, also where the edges leave a direction open."""
    try:
        return np.linalg.solve(normal, right)
    except np.linalg.LinAlgError:
        return np.linalg.lstsq(normal, right, rcond=None)[0]


def _inverse(normal: np.ndarray) -> np.ndarray:
    """Return the covariance; infinite variances where the edges leave a direction open."""
    variances = np.diag(normal)
    if not (np.isfinite(variances).all() and (variances > 0).all()):
        return np.diag(np.full(VALUES, np.inf))
    scale = 1 / np.sqrt(variances)
    try:
        covariance = np.linalg.inv(normal * np.outer(scale, scale)) * np.outer(scale, scale)
    except np.linalg.LinAlgError:
        return np.diag(np.full(VALUES, np.inf))
    return 0.5 * (covariance + covariance.T)
