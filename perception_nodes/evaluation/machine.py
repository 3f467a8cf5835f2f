"""On what a run was measured, in words that belong beside every figure."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path

_VECTORS = {
    'avx2': 'AVX2', 'avx512f': 'AVX-512', 'avx_vnni': 'AVX-VNNI', 'avx512_vnni': 'AVX512-VNNI',
    'avx512_bf16': 'AVX512-BF16', 'amx_int8': 'AMX-INT8', 'amx_bf16': 'AMX-BF16',
    'neon': 'Arm NEON', 'asimd': 'Arm NEON', 'asimddp': 'Arm dot product', 'i8mm': 'Arm I8MM',
    'sve': 'Arm SVE',
}  # fmt: skip
"""Flags of the kernel and their usual names."""
_INT8 = ('AVX-VNNI', 'AVX512-VNNI', 'AMX-INT8', 'Arm dot product', 'Arm I8MM')
_PACKAGES = ('onnxruntime', 'torch', 'mujoco', 'opencv-python', 'numpy', 'rclpy')


def describe_machine() -> dict[str, str]:
    """Return processor, memory, system, software and the load from other programs right now."""
    described = {
        'Processor': f'{_processor()}, {os.cpu_count()} logical cores',
        'Vector instructions': ', '.join(vector_instructions()) or 'none that count here',
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


def vector_instructions() -> tuple[str, ...]:
    """Return the usual names of the processor's vector instructions that matter to networks."""
    for line in _lines(Path('/proc/cpuinfo')):
        key, _, value = line.partition(':')
        if key.strip() in ('flags', 'Features'):
            flags = set(value.split())
            known = (name for flag, name in _VECTORS.items() if flag in flags)
            return tuple(dict.fromkeys(known))
    return ()


def multiplies_int8() -> bool:
    """
    Return whether the processor multiplies 8-bit numbers exactly.

    Without such instructions x86 adds pairs of products in 16 bits, which overflow: int8
    networks then are slower, and less accurate than measured elsewhere.
    """
    return any(name in _INT8 for name in vector_instructions())


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
