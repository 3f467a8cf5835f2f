"""Rendered scenes that several tests look at, and the skip where nothing can be rendered."""

import pytest

from perception_nodes.simulation import RandomizationConfig, Scene, SceneRenderer
from perception_nodes.simulation.backend import RenderingUnavailableError, open_gl_context

SAMPLE_SCENES = 40


@pytest.fixture(scope='session')
def rendering() -> None:
    """Skip, with the reason, where OpenGL cannot render."""
    try:
        open_gl_context(64, 64).free()
    except RenderingUnavailableError as error:
        pytest.skip(str(error))


def _sample(assets: str, count: int) -> list[Scene]:
    renderer = SceneRenderer(RandomizationConfig(assets=assets, seed=11))
    try:
        return [renderer.render(index) for index in range(count)]
    finally:
        renderer.close()


@pytest.fixture(scope='session')
def train_scenes(rendering: None) -> list[Scene]:
    """Return scenes of the training family."""
    return _sample('train', SAMPLE_SCENES)


@pytest.fixture(scope='session')
def held_out_scenes(rendering: None) -> list[Scene]:
    """Return scenes of the held-out family."""
    return _sample('held_out', SAMPLE_SCENES // 2)
