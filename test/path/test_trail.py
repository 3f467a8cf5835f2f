"""What is remembered of the path under the robot."""

import numpy as np
import pytest

from perception_nodes.geometry import PlanarPose
from perception_nodes.path.clothoid import Clothoid
from perception_nodes.path.trail import PathTrail


@pytest.mark.parametrize('step_m', [0.002, 0.025, 0.05])
def test_trail_grows_also_behind_a_robot_that_creeps(step_m):
    trail, curve = PathTrail(), Clothoid(look_ahead_m=0.6)
    assert len(trail.sigma_m) == 0
    for number in range(round(0.5 / step_m) + 1):
        trail = trail.extended(curve, np.eye(4) * 1e-4, PlanarPose(x_m=number * step_m))
    assert np.ptp(trail.points_xy[:, 0]) == pytest.approx(0.5, abs=0.06)
    assert np.diff(trail.points_xy[:, 0]).min() > 0.029
    points, sigma = trail.told(curve, PlanarPose(x_m=0.5), 0.03)
    assert len(points) == len(sigma) >= 8
    assert np.abs(points[:, 1]).max() < 1e-9
