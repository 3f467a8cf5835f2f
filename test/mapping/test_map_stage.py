"""Look-ups of the floor for a measured attitude."""

import numpy as np
import pytest

from perception_nodes.mapping.map_stage import ground_lookup


@pytest.mark.parametrize(
    ('size_wh', 'tilted', 'most_m'),
    [((640, 480), False, 0.0), ((320, 240), True, 0.0), ((640, 480), True, 0.01)],
)
def test_large_pictures_of_a_tilted_camera_are_interpolated(projection, size_wh, tilted, most_m):
    ground = projection(size_wh)
    if tilted:
        ground = ground.with_attitude(pitch_rad=0.02, roll_rad=-0.03, sigma_rad=0.002)
    exact_xy, exact_sigma_m = ground.lookup()
    points_xy, sigma_m = ground_lookup(ground)
    near = np.hypot(exact_xy[..., 0], exact_xy[..., 1]) <= 4.0
    assert np.abs(points_xy - exact_xy)[near].max() <= most_m
    assert np.allclose(sigma_m[near], exact_sigma_m[near], rtol=0.01)
    below = near & (np.hypot(exact_xy[..., 0], exact_xy[..., 1]) <= 2.0)
    assert np.abs(points_xy - exact_xy)[below].max() <= most_m / 2
