from dataclasses import replace

import numpy as np
import pytest

from perception_nodes.imaging.disturbances import Disturbance, disturb
from perception_nodes.imaging.disturbances.disturbance import level_floor
from perception_nodes.imaging.disturbances.light import cast_shadows, scale_illuminance
from perception_nodes.imaging.disturbances.weather import add_fog

SIZE_HW = (120, 160)
KINDS = ('glare', 'shadows', 'rain', 'fog', 'dirt')


@pytest.fixture(scope='module')
def picture():
    rng = np.random.default_rng(5)
    return rng.integers(40, 200, (*SIZE_HW, 3)).astype(np.uint8)


def spoilt(picture, frame=0, seed=0, **levels):
    return disturb(picture, Disturbance(**levels), seed=seed, frame=frame)


def change(picture, other):
    return float(np.abs(picture.astype(float) - other).mean())


def test_no_disturbance_leaves_the_picture_as_it_is(picture):
    assert np.array_equal(spoilt(picture), picture)
    assert not Disturbance(worn_percent=30).spoils_pictures


@pytest.mark.parametrize('kind', KINDS)
def test_more_of_it_changes_more(picture, kind):
    before = picture.copy()
    changes = [change(picture, spoilt(picture, **{kind: level})) for level in (0.2, 0.6, 1.0)]
    assert 0 < changes[0] < changes[1] < changes[2]
    assert np.array_equal(picture, before)


@pytest.mark.parametrize('kind', KINDS)
def test_seed_and_frame_decide_everything(picture, kind):
    again = spoilt(picture, **{kind: 0.7})
    assert np.array_equal(again, spoilt(picture, **{kind: 0.7}))
    assert again.shape == picture.shape
    assert again.dtype == np.uint8
    later = spoilt(picture, frame=1, **{kind: 0.7})
    assert np.array_equal(again, later) is (kind != 'rain')
    if kind != 'fog':
        assert not np.array_equal(again, spoilt(picture, seed=1, **{kind: 0.7}))


@pytest.mark.parametrize('factor', [0.1, 0.5, 2.0])
def test_illuminance_scales_linear_light(factor):
    grey = np.full((4, 4, 3), 100, np.uint8)
    seen = scale_illuminance(grey, factor)[0, 0, 0] / 255
    assert seen**2.2 == pytest.approx((100 / 255) ** 2.2 * factor, rel=0.05)


def test_fog_hides_what_is_far():
    black = np.zeros((2, 1, 3), np.uint8)
    near, far = add_fog(black, 1.0, np.array([[0.99], [20.0]]))[:, 0, 0]
    assert near == pytest.approx(100, abs=2)  # half of the grey at one metre
    assert far == pytest.approx(200, abs=2)
    assert add_fog(black, 1.0, np.full((2, 1), np.nan))[0, 0, 0] >= far


def test_shadows_lie_still_on_the_floor_and_never_in_the_sky():
    white = np.full((*SIZE_HW, 3), 255, np.uint8)
    floor_from_pixel = level_floor((160, 120))
    seen = cast_shadows(white, floor_from_pixel, 1.0, 3)
    assert (seen[:60] == 255).all()
    assert (seen[60:] < 128).mean() > 0.05
    moved = np.array([[1.0, 0, 0.5], [0, 1.0, 0], [0, 0, 1.0]]) @ floor_from_pixel
    driven = cast_shadows(white, moved, 1.0, 3)
    pixel = np.array([80.5, 100.5, 1.0])
    place = moved @ pixel
    before = np.linalg.inv(floor_from_pixel) @ (place / place[2])
    u, v = (before[:2] / before[2]).astype(int)
    near = seen[v - 1 : v + 2, u - 1 : u + 2, 0].astype(int)
    assert near.min() - 10 <= driven[100, 80, 0] <= near.max() + 10


@pytest.mark.parametrize(
    ('levels', 'words'),
    [
        ({'fog': 1.2}, r'fog: 1\.2 is above the maximum 1'),
        ({'rain': -0.1}, 'below the minimum'),
        ({'dirt': float('nan')}, 'below the minimum'),
        ({'illuminance_factor': 0.0}, 'below the minimum'),
        ({'worn_percent': 101}, 'above the maximum 100'),
    ],
)
def test_impossible_levels_are_refused(levels, words):
    with pytest.raises(ValueError, match=words):
        Disturbance(**levels)


def test_everything_at_once_is_still_a_picture(picture):
    full = replace(Disturbance(**dict.fromkeys(KINDS, 1.0)), illuminance_factor=0.2)
    seen = disturb(picture, full, seed=1, frame=10**12)
    assert seen.shape == picture.shape
    assert seen.std() > 0
