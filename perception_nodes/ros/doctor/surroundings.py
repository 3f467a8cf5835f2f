"""What surrounds the graph on this machine, read once and handed to pure checks."""

from __future__ import annotations

import ctypes.util
import os
import platform
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module, metadata
from importlib.util import find_spec
from pathlib import Path

from perception_nodes.inference.bundle import read_bundle
from perception_nodes.inference.registry import bundled_models
from perception_nodes.inference.resources import share_folders
from perception_nodes.ros.domains import PROC

SHARED_MEMORY = Path('/dev/shm')
SEGMENT_PATTERN = 'fastrtps_*'
MESSAGE_PACKAGES = (
    'sensor_msgs',
    'diagnostic_msgs',
    'lifecycle_msgs',
    'nav_msgs',
    'vision_msgs',
    'tf2_msgs',
    'bond',
)
LIBRARIES = ('numpy', 'opencv-python', 'onnxruntime', 'torch', 'cv-bridge')
GPU_DEVICES = ('/dev/nvidiactl', '/dev/dxg')


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """
    Facts about the machine.

    :param ros_prefix: where rclpy comes from, empty when it is not found.
    :param rclpy_error: why rclpy does not import, empty when it does.
    :param missing_messages: message packages that are not importable.
    :param versions: installed PyPI distributions of :data:`LIBRARIES`.
    :param cv_bridge_path: file of cv_bridge, empty without it.
    :param shipped_profile: the transport profile of the suite, empty when not found.
    :param shm_free_bytes: free space for shared memory, None without such a file system.
    :param stale_segments: names of Fast DDS files that no living process holds.
    :param models: bundled model to its defect, empty text when it verifies.
    :param cuda_error: why an NVIDIA GPU is not used; empty without GPU, or when all is well.
    """

    environment: Mapping[str, str] = field(default_factory=dict)
    python: tuple[int, int] = (3, 12)
    executable: str = 'python3'
    ros_prefix: str = ''
    rclpy_error: str = ''
    missing_messages: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    cv_bridge_path: str = ''
    has_egl: bool = True
    shipped_profile: str = ''
    shm_free_bytes: int | None = None
    stale_segments: tuple[str, ...] = ()
    stale_bytes: int = 0
    disk_free_bytes: int = 0
    has_gpu: bool = False
    cuda_error: str = ''
    providers: tuple[str, ...] = ()
    models: Mapping[str, str] = field(default_factory=dict)


def read_surroundings() -> Surroundings:
    """Return the facts of this machine; takes about a second."""
    error, prefix = _rclpy()
    stale = stale_segments()
    has_gpu = any(Path(device).exists() for device in GPU_DEVICES)
    spec = find_spec('cv_bridge')
    return Surroundings(
        environment=dict(os.environ),
        python=sys.version_info[:2],
        executable=sys.executable,
        ros_prefix=prefix,
        rclpy_error=error,
        missing_messages=tuple(name for name in MESSAGE_PACKAGES if find_spec(name) is None),
        versions=_versions(),
        cv_bridge_path=(spec.origin or '') if spec else '',
        has_egl=ctypes.util.find_library('EGL') is not None,
        shipped_profile=_shipped_profile(),
        shm_free_bytes=shutil.disk_usage(SHARED_MEMORY).free if SHARED_MEMORY.is_dir() else None,
        stale_segments=tuple(path.name for path in stale),
        stale_bytes=sum(_size(path) for path in stale),
        disk_free_bytes=shutil.disk_usage(Path.home()).free,
        has_gpu=has_gpu,
        cuda_error=_cuda_error() if has_gpu else '',
        providers=_providers(),
        models={name: _defect(folder) for name, folder in bundled_models().items()},
    )


def _rclpy() -> tuple[str, str]:
    """Return (error, prefix); importing is the only honest test, libraries may be missing."""
    try:
        module = import_module('rclpy')
        # The RMW is loaded by the first call, not by the import.
        import_module('rclpy.utilities').get_rmw_implementation_identifier()
    except (ImportError, OSError, RuntimeError) as error:
        return f'{type(error).__name__}: {error}'.splitlines()[0], ''
    path = Path(module.__file__ or '')
    return '', str(path.parents[1])


def _versions() -> dict[str, str]:
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _shipped_profile() -> str:
    """Return the shipped XML file that sets a shared-memory segment."""
    for folder in share_folders():
        for path in sorted((folder / 'config').glob('**/*.xml')):
            if 'segment_size' in path.read_text(errors='replace'):
                return str(path)
    return ''


def stale_segments(folder: Path = SHARED_MEMORY) -> list[Path]:
    """
    Return the Fast DDS files of this user that no process has mapped.

    Killed nodes leave them; each costs memory until it is removed.
    """
    files = [path for path in folder.glob(SEGMENT_PATTERN) if not path.name.endswith('_el')]
    mapped = _mapped_names() if files else ''
    user = os.getuid()
    return [path for path in files if path.name not in mapped and _owner(path) == user]


def _mapped_names() -> str:
    """Return the lines of all memory maps that name a Fast DDS file."""
    lines: list[str] = []
    for process in PROC.iterdir():
        if process.name.isdigit():
            try:
                text = (process / 'maps').read_text(errors='replace')
            except OSError:
                continue
            lines += [line for line in text.splitlines() if 'fastrtps_' in line]
    return '\n'.join(lines)


def _owner(path: Path) -> int | None:
    try:
        return path.stat().st_uid
    except OSError:
        return None


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _cuda_error() -> str:
    """Return why torch does not use the GPU that is there."""
    try:
        torch = import_module('torch')
    except (ImportError, OSError):
        return ''
    if torch.cuda.is_available():
        return ''
    if torch.version.cuda is None:
        return f'torch {torch.__version__} is built for the CPU only'
    return f'torch {torch.__version__} for CUDA {torch.version.cuda} cannot use this driver'


def _providers() -> tuple[str, ...]:
    try:
        return tuple(import_module('onnxruntime').get_available_providers())
    except (ImportError, OSError):
        return ()


def _defect(folder: Path) -> str:
    """Return what is wrong with a bundle: its files, their hashes, its words."""
    try:
        read_bundle(folder)
    except (ValueError, OSError) as error:
        return str(error)
    return ''


def machine() -> str:
    """Return the machine in a few words."""
    return f'{platform.system()} {platform.machine()}, Python {platform.python_version()}'
