import numpy as np
import pytest

from perception_nodes.evaluation.path import VALUES, PathMeter
from perception_nodes.geometry import PlanarPose
from perception_nodes.path import Clothoid, PathConfig, PathEstimator

DRAWS = 60
"""Two deviations of a share of 0.68 are 0.12 then."""

MOST_INSIDE = dict(zip(VALUES, (0.95, 0.95, 1.0), strict=True))
"""Curves here are clothoids; curvature is told with room for roads that are not."""


@pytest.fixture(scope='module', params=['region', 'markings'])
def figures(request, labels, ground, paint):
    """Return the figures of random paths, with borders that err and a camera that nods."""
    rng, meter = np.random.default_rng(5), PathMeter()
    estimator = PathEstimator(labels, PathConfig(mode=request.param))
    for seed in range(DRAWS):
        curve = Clothoid(
            lateral_error_m=rng.uniform(-0.12, 0.12),
            heading_error_rad=rng.uniform(-0.25, 0.25),
            curvature_1_m=rng.uniform(-1.0, 1.0),
            curvature_rate_1_m2=rng.uniform(-0.2, 0.2),
        )
        nodding = ground.with_attitude(
            pitch_rad=rng.normal(0, ground.pitch_sigma_rad), roll_rad=0.0, sigma_rad=0.0
        )
        found = estimator.estimate(paint(curve, ground=nodding, wobble_px=1.0, seed=seed),
                                   None, ground)  # fmt: skip
        if found.is_valid:
            meter.add_estimate(found, curve.moved(PlanarPose(), found.look_ahead_m))
    return meter.figures()


def test_paths_are_found(figures):
    assert figures.count >= 0.9 * DRAWS
    assert figures.rms['lateral_error_m'] < 0.015
    assert figures.rms['heading_error_rad'] < 0.04


@pytest.mark.parametrize('name', VALUES)
def test_told_deviations_hold_what_they_say(figures, name):
    assert 0.5 <= figures.inside_1_sigma[name] <= MOST_INSIDE[name]
    assert figures.inside_2_sigma[name] >= 0.85
