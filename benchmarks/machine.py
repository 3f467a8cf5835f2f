"""What machine and software a figure belongs to."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
from pathlib import Path

_PACKAGES = ('numpy', 'onnxruntime', 'opencv-python', 'torch', 'rclpy', 'rmw_fastrtps_cpp')


def describe_machine() -> dict[str, object]:
    """Return processor, cores, system and package versions."""
    return {
        'date': datetime.date.today().isoformat(),
        'processor': _processor(),
        'cores': os.cpu_count(),
        'system': platform.platform(terse=True),
        'python': platform.python_version(),
        **{name: _version(name) for name in _PACKAGES},
    }


def _processor() -> str:
    for line in Path('/proc/cpuinfo').read_text().splitlines():
        if line.startswith('model name'):
            return line.split(':', 1)[1].strip()
    return platform.processor() or 'unknown'


def _version(name: str) -> str:
    for spelling in (name, 'ros-jazzy-' + name.replace('_', '-')):
        try:
            return importlib.metadata.version(spelling)
        except importlib.metadata.PackageNotFoundError:
            continue
    return 'not installed'
