import numpy as np
import pytest

from perception_nodes.simulation.sensor import SensorEffects, apply_effects, random_effects

PICTURE = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)


def test_perfect_camera_changes_nothing():
    assert np.array_equal(
        apply_effects(PICTURE, SensorEffects(), np.random.default_rng(0)), PICTURE
    )


def test_noise_has_the_wanted_deviation():
    gray = np.full((200, 200, 3), 128, np.uint8)
    noisy = apply_effects(gray, SensorEffects(noise=6.0), np.random.default_rng(1))
    assert noisy.std() == pytest.approx(6.0, rel=0.05)


def test_vignette_darkens_corners_and_keeps_the_middle():
    gray = np.full((101, 101, 3), 200, np.uint8)
    shaded = apply_effects(gray, SensorEffects(vignette=0.4), np.random.default_rng(0))
    assert shaded[50, 50, 0] == 200
    assert shaded[0, 0, 0] == pytest.approx(120, abs=2)


@pytest.mark.parametrize('seed', range(8))
def test_random_flaws_keep_size_and_type_and_repeat(seed):
    effects = random_effects(np.random.default_rng(seed), 1.0)
    first, second = (apply_effects(PICTURE, effects, np.random.default_rng(2)) for _ in range(2))
    assert first.shape == PICTURE.shape
    assert first.dtype == np.uint8
    assert np.array_equal(first, second)
