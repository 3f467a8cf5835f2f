"""What the machine must bring: tools and libraries, each with the command that installs it."""

from __future__ import annotations

import ctypes.util
import os
import shutil
import sys
import sysconfig
from pathlib import Path

PYTHON_RANGE = ((3, 10), (3, 13))
_APT = 'sudo apt-get install -y'


def missing_tools(*, needs_rendering: bool = True) -> list[str]:
    """Return one line for everything that is missing, naming the command that installs it."""
    lines = []
    low, high = PYTHON_RANGE
    if not low <= sys.version_info[:2] <= high:
        lines.append(
            f'Python {sys.version_info[0]}.{sys.version_info[1]} is outside 3.{low[1]} to '
            f'3.{high[1]}: {_APT} python3.{high[1] - 1} python3.{high[1] - 1}-venv, then '
            f'make PYTHON=python3.{high[1] - 1} …'
        )
    for program, package in (('cmake', 'cmake'), ('make', 'make'), ('git', 'git')):
        if shutil.which(program) is None:
            lines.append(f'{program} is missing: {_APT} {package}')
    if not any(shutil.which(name) for name in (os.environ.get('CXX', 'c++'), 'g++', 'clang++')):
        lines.append(f'a C++ compiler is missing: {_APT} g++')
    if not (Path(sysconfig.get_path('include')) / 'Python.h').is_file():
        lines.append(f'the Python headers are missing: {_APT} python3-dev')
    if not _has_module('ensurepip') or not _has_module('venv'):
        lines.append(f'the venv module is missing: {_APT} python3-venv')
    lines += [
        f'{library} is missing ({reason}): {_APT} {package}'
        for library, package, reason in _libraries(needs_rendering)
        if ctypes.util.find_library(library) is None
    ]
    return lines


def _libraries(needs_rendering: bool) -> list[tuple[str, str, str]]:
    """Return (library, Debian package, reason) of the shared libraries that are used."""
    libraries = [
        ('GL', 'libgl1', 'opencv-python loads it'),
        ('glib-2.0', 'libglib2.0-0', 'opencv-python loads it'),
    ]
    if needs_rendering:
        libraries.append(('EGL', 'libegl1 libegl-mesa0', 'the simulator renders through it'))
    return libraries


def _has_module(name: str) -> bool:
    """Return whether a standard module is really there; Debian splits some off."""
    import importlib.util

    return importlib.util.find_spec(name) is not None
