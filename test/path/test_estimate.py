import numpy as np
import pytest

from perception_nodes.path import STATE, PathEstimate, PathProblem


def estimate(**changes):
    values = {
        'points_xy': [[0.5, 0.0], [1.0, 0.0], [2.0, 0.0]],
        'sigma_m': [0.01, 0.02, 0.03],
        'look_ahead_m': 0.5,
        'lateral_error_m': 0.1,
        'heading_error_rad': 0.2,
        'curvature_1_m': 0.3,
        'curvature_rate_1_m2': 0.0,
        'covariance': np.diag([1e-4, 4e-4, 9e-4, 1.0]),
        'width_m': 0.5,
        'confidence': 0.9,
    }
    return PathEstimate(**{**values, **changes})


def test_no_path_holds_nothing_to_follow():
    nothing = PathEstimate.invalid(PathProblem.NOTHING_SEEN, look_ahead_m=0.5)
    assert not nothing.is_valid
    assert nothing.reason == 'nothing_seen'
    assert nothing.points_xy.shape == (0, 2)
    assert nothing.arc_m.shape == (0,)
    assert nothing.confidence == 0
    assert nothing.visible_range_m == 0
    assert np.isnan(nothing.state).all()
    assert np.isnan(nothing.lateral_sigma_m)


def test_valid_estimate_tells_deviations_arc_and_range():
    value = estimate()
    assert value.is_valid
    assert value.reason == ''
    assert value.state.tolist() == [0.1, 0.2, 0.3, 0.0]
    deviations = (value.lateral_sigma_m, value.heading_sigma_rad, value.curvature_sigma_1_m)
    assert np.allclose(deviations, (0.01, 0.02, 0.03))
    assert value.arc_m.tolist() == [0, 0.5, 1.5]
    assert value.visible_range_m == 2
    assert len(STATE) == value.covariance.shape[0]


def test_arrays_belong_to_the_estimate():
    points = np.array([[0.5, 0.0], [1.0, 0.0], [2.0, 0.0]])
    value = estimate(points_xy=points)
    points[:] = 9
    assert value.points_xy[0].tolist() == [0.5, 0]
    with pytest.raises(ValueError, match='read-only'):
        value.points_xy[0] = 9


def test_unknown_width_is_nan():
    assert np.isnan(estimate(width_m=np.nan).width_m)


@pytest.mark.parametrize(
    ('changes', 'words'),
    [
        ({'points_xy': np.zeros((0, 2)), 'sigma_m': []}, 'two finite points'),
        ({'points_xy': [[1, 0]], 'sigma_m': [0.1]}, 'two finite points'),
        ({'points_xy': [[1, 0], [1, 0], [2, 0]]}, 'repeat'),
        ({'points_xy': [[1, 0], [np.nan, 0], [2, 0]]}, 'finite points'),
        ({'points_xy': [[1, 0], [2, 0]]}, r'points_xy \(N, 2\)'),
        ({'sigma_m': [0.1, -0.1, 0.1]}, 'sigma_m'),
        ({'lateral_error_m': np.nan}, 'lateral_error_m nan'),
        ({'heading_error_rad': 4.0}, 'within'),
        ({'curvature_1_m': np.inf}, 'curvature_1_m inf'),
        ({'confidence': 1.1}, '1.1'),
        ({'confidence': np.nan}, 'confidence'),
        ({'width_m': 0.0}, 'width_m'),
        ({'look_ahead_m': -1.0}, 'look_ahead_m'),
        ({'covariance': np.eye(3)}, r'covariance \(4, 4\)'),
        ({'covariance': np.full((4, 4), np.nan)}, 'positive semidefinite'),
        ({'covariance': np.diag([1.0, 1.0, -1.0, 1.0])}, 'positive semidefinite'),
        ({'covariance': np.eye(4) + np.eye(4, k=1)}, 'symmetric'),
        ({'problem': 'lost'}, 'must hold no points'),
        ({'problem': 'tired'}, 'tired'),
    ],
)
def test_nonsense_is_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        estimate(**changes)
