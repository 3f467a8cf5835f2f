import numpy as np
import pytest

from perception_nodes.evaluation.path import VALUES, PathMeter, pose_on_line
from perception_nodes.path import Clothoid, PathEstimate, PathProblem

COVARIANCE = np.diag([1e-4, 4e-4, 0.01, 0.01])
ARC = Clothoid(lateral_error_m=0.1, curvature_1_m=0.5)


def estimate(curve=ARC, extent_m=(-0.5, 2.0)):
    return PathEstimate.along(curve, COVARIANCE, extent_m, confidence=0.9)


def test_nothing_noted_has_no_figures():
    meter = PathMeter()
    assert len(meter) == 0
    with pytest.raises(ValueError, match='no estimate'):
        meter.figures()


def test_errors_of_the_told_size_lie_inside_as_a_gaussians_do():
    meter, rng = PathMeter(), np.random.default_rng(0)
    for _ in range(3000):
        state = ARC.state + rng.normal(0, np.sqrt(np.diag(COVARIANCE)))
        meter.add(Clothoid.from_state(state, 0.0), COVARIANCE, ARC)
    figures = meter.figures()
    assert figures.count == 3000
    for name in VALUES:
        assert figures.inside_1_sigma[name] == pytest.approx(0.683, abs=0.03)
        assert figures.inside_2_sigma[name] == pytest.approx(0.954, abs=0.02)
    assert figures.rms['lateral_error_m'] == pytest.approx(0.01, rel=0.05)
    assert figures.largest['lateral_error_m'] > figures.rms['lateral_error_m']
    assert figures.sigma['heading_error_rad'] == pytest.approx(0.02)


def test_heading_errors_do_not_jump_at_half_a_turn():
    meter = PathMeter()
    error = meter.add(
        Clothoid(heading_error_rad=3.1), COVARIANCE, Clothoid(heading_error_rad=-3.1)
    )
    assert abs(error[1]) < 0.1


def test_meters_are_merged():
    meters = PathMeter(), PathMeter()
    meters[0].add(ARC, COVARIANCE, ARC)
    meters[1].add_line(0.02, Clothoid(lateral_error_m=0.01, heading_error_rad=0.5))
    meters[0].merge(meters[1])
    figures = meters[0].figures()
    assert figures.count == 2
    assert figures.inside_1_sigma['lateral_error_m'] == 1
    assert np.array(meters[0].scaled).shape == (2, 3)


def test_place_on_the_line_lies_on_the_curve():
    for ahead_m in (0.0, 1.0):
        pose, sigma_m = pose_on_line(estimate(), ahead_m)
        truth = ARC.point_at(ahead_m)
        assert (pose.x_m, pose.y_m) == pytest.approx(truth, abs=0.02)
        assert pose.yaw_rad == pytest.approx(float(ARC.headings(np.array(ahead_m))), abs=0.03)
        assert sigma_m >= 0.009


@pytest.mark.parametrize(
    ('found', 'ahead_m'),
    [
        (PathEstimate.invalid(PathProblem.LOST), 0.0),
        (estimate(extent_m=(-0.5, 0.8)), 1.0),
        (estimate(extent_m=(0.4, 2.0)), 0.0),
    ],
    ids=['no path', 'too short', 'begins ahead'],
)
def test_line_that_does_not_reach_a_place_has_none(found, ahead_m):
    assert pose_on_line(found, ahead_m) is None
