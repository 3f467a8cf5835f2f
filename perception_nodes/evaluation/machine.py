"""On what a run was measured, in words that belong beside every figure."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path

_PACKAGES = ('onnxruntime', 'torch', 'mujoco', 'opencv-python', 'numpy', 'rclpy')


def describe_machine() -> dict[str, str]:
    """Return processor, memory, system, software and the load from other programs right now."""
    described = {
        'Processor': f'{_processor()}, {os.cpu_count()} logical cores',
        'Memory': _memory(),
        'Load before the run': ' '.join(f'{value:.2f}' for value in os.getloadavg())
        + ' (averages of 1, 5 and 15 minutes)',
        'System': f'{_system()}, kernel {platform.release()}',
        'Python': platform.python_version(),
        'Middleware': f'ROS 2 {os.environ.get("ROS_DISTRO", "unknown")}, '
        f'{os.environ.get("RMW_IMPLEMENTATION", "default middleware")}',
        'Packages': ', '.join(f'{name} {_version(name)}' for name in _PACKAGES),
    }
    return described


def _processor() -> str:
    for line in _lines(Path('/proc/cpuinfo')):
        if line.startswith('model name'):
            return line.partition(':')[2].strip()
    return platform.processor() or platform.machine()


def _memory() -> str:
    for line in _lines(Path('/proc/meminfo')):
        if line.startswith('MemTotal'):
            return f'{int(line.split()[1]) / 2**20:.1f} GiB'
    return 'unknown'


def _system() -> str:
    try:
        return platform.freedesktop_os_release().get('PRETTY_NAME', platform.system())
    except OSError:
        return platform.system()


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding='utf-8').splitlines() if path.is_file() else []


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return 'not installed'
