"""From places that a network names to one path estimate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perception_nodes.inference.frame_config import FrameModelConfig
from perception_nodes.path.corridor import CorridorPrior, Edges, fit_corridor
from perception_nodes.path.estimate import PathEstimate, PathProblem
from perception_nodes.path.evidence import first_curve
from perception_nodes.structures import PathPoints, setting

MIN_POINTS = 3
TRANSITION_WIDTHS = 2.0
NO_PITCH_RAD = 1e-6
"""The network has learnt where its camera is; there is no pitch to be found in the points."""


@dataclass(frozen=True, kw_only=True)
class PathPointsConfig(FrameModelConfig):
    """How the points of a network become a path."""

    look_ahead_m: float = setting(
        0.6, 'Where ahead of base_link the errors are told, metres', minimum=0.0, maximum=100.0
    )
    min_visible: float = setting(
        0.5, 'Points less likely to be seen end the path', minimum=0.0, maximum=1.0, live=True
    )
    lane_width_m: float = setting(0.5, 'Width of the lane, metres', minimum=0.05, maximum=20.0)
    min_radius_m: float = setting(
        0.4, 'Smallest radius of bends to expect, metres', minimum=0.05, maximum=10_000.0
    )
    min_length_m: float = setting(
        0.5, 'Length of path that must be seen, metres', minimum=0.05, maximum=100.0
    )
    correlated_points: float = setting(
        3.0, 'So many neighbours err together and tell as much as one', minimum=1.0, maximum=100.0
    )
    drift_1_m3: float = setting(
        0.01, 'Variance of curvature per metre of path', minimum=0.0, maximum=100.0
    )
    max_lateral_sigma_m: float = setting(
        0.15, 'Less certain lateral errors make no path, metres', minimum=0.001, maximum=10.0
    )
    max_heading_sigma_rad: float = setting(
        0.3, 'Less certain heading errors make no path, rad', minimum=0.001, maximum=3.0
    )


def path_of_points(points: PathPoints, config: PathPointsConfig) -> PathEstimate:
    """Return the estimate that points make; the line ends at the first that is not seen."""
    unseen = np.flatnonzero(points.visible < config.min_visible)
    count = int(unseen[0]) if len(unseen) else len(points)
    if count < MIN_POINTS:
        few = PathProblem.TOO_FEW_POINTS if count else PathProblem.NOTHING_SEEN
        return PathEstimate.invalid(few, look_ahead_m=config.look_ahead_m)
    places = points.points_xy[:count]
    sigma = points.sigma_m[:count] * np.sqrt(config.correlated_points)
    fit = fit_corridor(
        Edges(
            points_xy=places, sides=np.zeros(count), across_sigma_m=sigma, along_sigma_m=sigma
        ),
        _prior(config),
        first_curve(places, config.look_ahead_m, float(np.inf)),
        least_noise=1.0,
    )  # fmt: skip
    begin_m, end_m = float(fit.arc_m.min()), float(fit.arc_m.max())
    covariance = fit.covariance[:4, :4]
    lateral, heading = np.sqrt(np.diag(covariance)[:2])
    problem: PathProblem | None = None
    if end_m - begin_m < config.min_length_m:
        problem = PathProblem.TOO_SHORT
    elif not (lateral <= config.max_lateral_sigma_m and heading <= config.max_heading_sigma_rad):
        problem = PathProblem.TOO_UNCERTAIN
    if problem is not None:
        return PathEstimate.invalid(problem, look_ahead_m=config.look_ahead_m)
    certain = np.sqrt(1 - lateral / config.max_lateral_sigma_m)
    return PathEstimate.along(
        fit.curve, covariance, (begin_m, end_m), drift_1_m3=config.drift_1_m3,
        confidence=float(np.clip(points.visible[:count].mean() * certain, 0, 1)),
    )  # fmt: skip


def _prior(config: PathPointsConfig) -> CorridorPrior:
    bend = 1 / config.min_radius_m
    return CorridorPrior(
        foot_xy=(0.0, 0.0), height_m=1.0, pitch_sigma_rad=NO_PITCH_RAD,
        width_m=config.lane_width_m, width_sigma_m=config.lane_width_m,
        curvature_sigma_1_m=bend,
        curvature_rate_sigma_1_m2=bend / (TRANSITION_WIDTHS * config.lane_width_m),
        drift_1_m3=config.drift_1_m3,
    )  # fmt: skip
