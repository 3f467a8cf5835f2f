import numpy as np
import pytest

from perception_nodes.geometry import PlanarPose
from perception_nodes.path import Clothoid, PathPointsConfig, PathProblem, path_of_points
from perception_nodes.structures import PathPoints

STATIONS = np.array([0.2, 0.5, 0.8, 1.1, 1.5, 2.0])
CURVE = Clothoid(lateral_error_m=0.1, heading_error_rad=0.1, curvature_1_m=0.6)


def points(curve=CURVE, sigma_m=0.02, noise=0.0, seen=6, seed=0):
    """Return points of a curve of which the first ones are seen."""
    places = np.array([curve.point_at(arc_m) for arc_m in STATIONS])
    away = np.random.default_rng(seed).normal(0, 1, places.shape) * noise
    return PathPoints(
        points_xy=places + away,
        sigma_m=np.full(len(STATIONS), sigma_m),
        visible=np.arange(len(STATIONS)) < seen,
    )


@pytest.mark.parametrize(
    ('changes', 'problem'),
    [
        ({'seen': 0}, PathProblem.NOTHING_SEEN),
        ({'seen': 2}, PathProblem.TOO_FEW_POINTS),
        ({'sigma_m': 1.0}, PathProblem.TOO_UNCERTAIN),
    ],
)
def test_what_makes_no_path(changes, problem):
    found = path_of_points(points(**changes), PathPointsConfig())
    assert found.problem is problem


def test_short_piece_makes_no_path():
    found = path_of_points(points(seen=3), PathPointsConfig(min_length_m=1.0))
    assert found.problem is PathProblem.TOO_SHORT


def test_exact_points_give_the_curve_back():
    config = PathPointsConfig(look_ahead_m=0.6)
    found = path_of_points(points(), config)
    truth = CURVE.moved(PlanarPose(), 0.6)
    assert found.is_valid
    assert found.look_ahead_m == 0.6
    assert found.state[:3] == pytest.approx(truth.state[:3], abs=0.02)


def test_line_ends_at_the_first_point_that_is_not_seen():
    found = path_of_points(points(seen=4), PathPointsConfig())
    assert found.visible_range_m == pytest.approx(1.1, abs=0.06)


def test_told_deviations_hold_the_errors_of_noisy_points():
    inside = []
    for seed in range(80):
        found = path_of_points(points(noise=0.03, sigma_m=0.03, seed=seed), PathPointsConfig())
        curve, covariance = found.told_from(PlanarPose())
        error = curve.state - CURVE.state
        inside.append(np.abs(error[:2]) <= np.sqrt(np.diag(covariance)[:2]))
    # Independent here; told for neighbours that err together, as those of networks do.
    assert (np.mean(inside, axis=0) >= 0.68).all()
