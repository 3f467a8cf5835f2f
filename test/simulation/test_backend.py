import subprocess
import sys

import pytest

from perception_nodes.simulation.backend import choose_backend

WITHOUT_EGL = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name == 'OpenGL.EGL':
            raise {error}('no EGL here')
sys.meta_path.insert(0, Blocker())
from perception_nodes.simulation import CoursePath, RandomizationConfig, SceneRenderer, load_course
assert CoursePath(load_course('s_curve')).length_m > 10
SceneRenderer(RandomizationConfig())
"""


@pytest.mark.skipif(sys.platform != 'linux', reason='EGL is chosen on Linux only')
def test_egl_is_chosen_without_a_display():
    variables: dict[str, str] = {}
    assert choose_backend(variables) == 'egl'
    assert variables == {'MUJOCO_GL': 'egl'}


def test_choice_of_the_user_is_respected():
    assert choose_backend({'MUJOCO_GL': 'osmesa'}) == 'osmesa'


def test_display_leaves_the_choice_to_mujoco():
    assert choose_backend({'DISPLAY': ':0'}) == ''


@pytest.mark.parametrize('error', ['ImportError', 'AttributeError'])
def test_missing_egl_names_the_packages_and_leaves_geometry_usable(error, project_root):
    result = subprocess.run(
        [sys.executable, '-c', WITHOUT_EGL.format(error=error)],
        capture_output=True, text=True, cwd=project_root, check=False,
        env={'MUJOCO_GL': 'egl', 'PATH': '/usr/bin:/bin'},
    )  # fmt: skip
    assert result.returncode != 0
    assert 'RenderingUnavailableError' in result.stderr
    assert 'libegl1 libegl-mesa0' in result.stderr
