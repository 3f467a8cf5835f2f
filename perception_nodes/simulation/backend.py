"""
The one place that imports MuJoCo, after choosing how it renders.

Without a display MuJoCo needs EGL, and the choice must be made before the first import.
"""

from __future__ import annotations

import logging
import os
import sys
from types import ModuleType
from typing import TYPE_CHECKING

MISSING_EGL = (
    'MuJoCo cannot render: the EGL library is missing or unusable ({reason}). '
    'On Debian and Ubuntu: sudo apt install libegl1 libegl-mesa0'
)


class RenderingUnavailableError(RuntimeError):
    """No OpenGL library for rendering; the message names the packages that bring it."""


def choose_backend(environment: dict[str, str] | None = None) -> str:
    """
    Set ``MUJOCO_GL`` to ``egl`` where there is no display, and return what is in force.

    :param environment: the variables to read and change; the process environment by default.
    """
    variables = os.environ if environment is None else environment
    if 'MUJOCO_GL' not in variables and sys.platform == 'linux':
        has_display = variables.get('DISPLAY') or variables.get('WAYLAND_DISPLAY')
        if not has_display:
            variables['MUJOCO_GL'] = 'egl'
    return variables.get('MUJOCO_GL', '')


def _import_mujoco() -> ModuleType:
    """
    Import MuJoCo; where OpenGL is broken, without rendering.

    Paths, vehicles and meshes then still work, and opening a context says what is missing.
    """
    choose_backend()
    try:
        import mujoco
    except (AttributeError, ImportError, OSError) as error:
        if isinstance(error, ModuleNotFoundError) and error.name == 'mujoco':
            raise
        logging.getLogger(__name__).warning(MISSING_EGL.format(reason=error))
        os.environ['MUJOCO_GL'] = 'disable'
        import mujoco
    return mujoco


if TYPE_CHECKING:
    import mujoco as mujoco
else:
    mujoco = _import_mujoco()


def open_gl_context(width: int, height: int) -> mujoco.GLContext:
    """Return a current off-screen OpenGL context, or raise :class:`RenderingUnavailableError`."""
    try:
        context = mujoco.GLContext(width, height)
        context.make_current()
    except (AttributeError, ImportError, OSError, RuntimeError) as error:
        raise RenderingUnavailableError(MISSING_EGL.format(reason=error)) from error
    return context
