"""Checks of the machine: everything that must hold before a graph can work."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from perception_nodes.ros.doctor.finding import Finding, error, info, passed, warning
from perception_nodes.ros.doctor.processes import (
    NEW_PROFILE_VARIABLE,
    OLD_PROFILE_VARIABLE,
    profile_path,
    profile_segment_bytes,
)
from perception_nodes.ros.doctor.surroundings import Surroundings
from perception_nodes.ros.domains import HIGHEST_DOMAIN
from perception_nodes.ros.transport import MALLOC_VARIABLES

OLDEST_PYTHON, NEWEST_PYTHON = (3, 10), (3, 13)
FAST_DDS = ('rmw_fastrtps_cpp', 'rmw_fastrtps_dynamic_cpp')
# One 64 MB segment for a camera, one for its consumers.
MIN_SHM_BYTES = 128 * 2**20
MIN_DISK_BYTES = 2 * 2**30
MANY_STALE_BYTES = 64 * 2**20
# Above, RTPS ports meet those that Linux hands to anybody.
HIGHEST_SAFE_DOMAIN = 101
RANGES = ('OFF', 'LOCALHOST', 'SUBNET', 'SYSTEM_DEFAULT')

EnvironmentCheck = Callable[[Surroundings], list[Finding]]


def check_python(around: Surroundings) -> list[Finding]:
    """Compare with the versions that the suite and the ROS wheels run on."""
    version = '.'.join(map(str, around.python))
    if OLDEST_PYTHON <= around.python <= NEWEST_PYTHON:
        return [passed('python', f'Python {version}', around.executable)]
    cure = 'use Python 3.10 to 3.13, on a robot the one ROS was built with (/usr/bin/python3)'
    return [error('python', f'Python {version}', 'outside 3.10 to 3.13', cure)]


def check_ros(around: Surroundings) -> list[Finding]:
    """Tell whether rclpy imports, with its libraries and its RMW."""
    if not around.rclpy_error:
        distribution = around.environment.get('ROS_DISTRO', 'unknown distribution')
        return [passed('ros', f'ROS 2 {distribution}', around.ros_prefix)]
    cure = 'source environment/activate.sh (after `make setup`), or /opt/ros/<distro>/setup.bash'
    return [error('ros', 'rclpy', f'not importable: {around.rclpy_error}', cure)]


def check_rmw(around: Surroundings) -> list[Finding]:
    """Say when the shared-memory profile does not apply."""
    rmw = around.environment.get('RMW_IMPLEMENTATION', '')
    if not rmw:
        return [passed('rmw', 'RMW_IMPLEMENTATION', 'unset: the default, rmw_fastrtps_cpp')]
    if rmw in FAST_DDS:
        return [passed('rmw', 'RMW_IMPLEMENTATION', rmw)]
    what = f'{rmw}: the shipped shared-memory profile is for Fast DDS'
    cure = f'unset RMW_IMPLEMENTATION, or tune {rmw} for big images'
    return [info('rmw', 'RMW_IMPLEMENTATION', what, cure)]


def check_messages(around: Surroundings) -> list[Finding]:
    """Name message packages that neither ROS nor the overlay provides."""
    missing = around.missing_messages
    if not missing:
        return [passed('messages', 'message packages', 'all importable')]
    cure = (
        'make setup && source environment/activate.sh; on a robot: rosdep install --from-paths .'
    )
    return [error('messages', ', '.join(missing), 'not importable', cure)]


def check_egl(around: Surroundings) -> list[Finding]:
    """Look for what the simulator renders with."""
    if around.has_egl:
        return [passed('egl', 'EGL', 'found')]
    what = 'libEGL not found: the simulator cannot render'
    return [warning('egl', 'EGL', what, 'sudo apt install libegl1 libegl-mesa0')]


def check_profile(around: Surroundings) -> list[Finding]:
    """Look for the large segment that publishers of big images need."""
    path = profile_path(around.environment)
    if path is None:
        what = 'no shared-memory profile in this shell (launch files set it by themselves)'
        return [info('profile', OLD_PROFILE_VARIABLE, what, _export_profile(around))]
    if not path.is_file():
        what = f'names {path}, which does not exist; Fast DDS then ignores it silently'
        return [error('profile', OLD_PROFILE_VARIABLE, what, _export_profile(around))]
    segment = profile_segment_bytes(around.environment)
    if segment is None:
        what = f'{path} sets no segment_size: images above 0.5 MB get lost with best effort'
        return [warning('profile', OLD_PROFILE_VARIABLE, what, _export_profile(around))]
    return [passed('profile', OLD_PROFILE_VARIABLE, f'segment of {segment / 2**20:.0f} MB')]


def _export_profile(around: Surroundings) -> str:
    path = around.shipped_profile or '<profile.xml with segment_size>'
    return (
        f'for a bare ros2 run: export {OLD_PROFILE_VARIABLE}={path} {NEW_PROFILE_VARIABLE}={path}'
    )


def check_malloc(around: Surroundings) -> list[Finding]:
    """Look for the thresholds that spare each big image a fresh memory map."""
    missing = {k: v for k, v in MALLOC_VARIABLES.items() if k not in around.environment}
    if not missing:
        return [passed('malloc', 'MALLOC_*_THRESHOLD_', 'set')]
    what = 'unset in this shell: big images cost three times the latency (launch files set it)'
    words = ' '.join(f'{name}={value}' for name, value in missing.items())
    return [info('malloc', ', '.join(missing), what, f'for a bare ros2 run: export {words}')]


def check_shared_memory(around: Surroundings) -> list[Finding]:
    """Measure the room for segments, and what killed nodes left there."""
    free = around.shm_free_bytes
    findings = []
    if free is None:
        cure = 'mount a tmpfs there'
        findings.append(warning('shm', '/dev/shm', 'does not exist: no shared memory', cure))
    elif free < MIN_SHM_BYTES:
        cure = 'fastdds shm clean; in a container: --shm-size=512m (or --ipc=host)'
        findings.append(error('shm', '/dev/shm', f'only {free / 2**20:.0f} MB free', cure))
    else:
        findings.append(passed('shm', '/dev/shm', f'{free / 2**20:.0f} MB free'))
    if around.stale_segments:
        findings.append(_stale_finding(around))
    return findings


def _stale_finding(around: Surroundings) -> Finding:
    megabytes = around.stale_bytes / 2**20
    what = f'{len(around.stale_segments)} files of killed nodes hold {megabytes:.1f} MB'
    make = warning if around.stale_bytes > MANY_STALE_BYTES else info
    return make('shm', '/dev/shm/fastrtps_*', what, 'fastdds shm clean')


def check_opencv(around: Surroundings) -> list[Finding]:
    """Name known bad combinations of NumPy, OpenCV and cv_bridge."""
    numpy = around.versions.get('numpy', '')
    words = f'NumPy {numpy or "missing"}, OpenCV {around.versions.get("opencv-python", "of apt")}'
    if not numpy:
        cure = 'pip install -c environment/constraints.txt numpy'
        return [error('opencv', 'NumPy', 'not installed', cure)]
    if 'cv-bridge' in around.versions:
        what = "PyPI's cv-bridge is the one of ROS 1 and breaks image conversion"
        return [error('opencv', 'cv_bridge', what, 'pip uninstall cv-bridge')]
    if around.cv_bridge_path.startswith('/opt/ros') and int(numpy.split('.')[0]) >= 2:
        what = f'{words}: the cv_bridge of apt is built against NumPy 1'
        cure = 'pip install -c environment/constraints-system-ros.txt numpy opencv-python'
        return [warning('opencv', 'cv_bridge', what, cure)]
    bridge = 'with cv_bridge' if around.cv_bridge_path else 'no cv_bridge (native encodings only)'
    return [passed('opencv', words, bridge)]


def check_device(around: Surroundings) -> list[Finding]:
    """Say why a GPU that is there is not used."""
    if not around.has_gpu:
        return [passed('device', 'inference', 'no NVIDIA GPU here: on the CPU')]
    findings = []
    if around.cuda_error:
        cure = 'install the torch build for the driver that nvidia-smi shows (pytorch.org)'
        findings.append(warning('device', 'torch', around.cuda_error, cure))
    if around.providers and 'CUDAExecutionProvider' not in around.providers:
        what = 'a GPU is here, but ONNX Runtime offers only ' + ', '.join(around.providers)
        cure = 'pip uninstall onnxruntime && pip install onnxruntime-gpu'
        findings.append(warning('device', 'onnxruntime', what, cure))
    return findings or [passed('device', 'inference', 'GPU usable')]


def check_models(around: Surroundings) -> list[Finding]:
    """Name bundled models that are incomplete or changed."""
    findings = [
        error('models', name, defect, 'reinstall the package, or restore the folder from git')
        for name, defect in around.models.items()
        if defect
    ]
    sound = sorted(name for name, defect in around.models.items() if not defect)
    if sound:
        findings.append(passed('models', ', '.join(sound), 'hashes verified'))
    if not around.models:
        cure = 'perception models list; then give the nodes one with -p model:=<name or folder>'
        findings.append(info('models', 'bundled models', 'none found', cure))
    return findings


def check_domain(around: Surroundings) -> list[Finding]:
    """Judge the variables that decide who can see whom."""
    text = around.environment.get('ROS_DOMAIN_ID', '')
    discovery = around.environment.get('ROS_AUTOMATIC_DISCOVERY_RANGE', '')
    findings = []
    if text and not (text.isdigit() and int(text) <= HIGHEST_DOMAIN):
        cure = f'export ROS_DOMAIN_ID=0 (0 to {HIGHEST_SAFE_DOMAIN}), everywhere the same'
        findings.append(error('domain_id', 'ROS_DOMAIN_ID', f'{text!r} is no domain', cure))
    elif text and int(text) > HIGHEST_SAFE_DOMAIN:
        what = f'{text}: its ports overlap those Linux hands to anybody'
        cure = f'use a domain from 0 to {HIGHEST_SAFE_DOMAIN}'
        findings.append(warning('domain_id', 'ROS_DOMAIN_ID', what, cure))
    if discovery.upper() == 'OFF':
        cure = 'unset ROS_AUTOMATIC_DISCOVERY_RANGE, or set LOCALHOST or SUBNET'
        what = 'OFF: no node finds another'
        findings.append(error('domain_id', 'ROS_AUTOMATIC_DISCOVERY_RANGE', what, cure))
    elif discovery and discovery.upper() not in RANGES:
        cure = f'use one of {", ".join(RANGES)}'
        what = f'{discovery!r} is not known'
        findings.append(warning('domain_id', 'ROS_AUTOMATIC_DISCOVERY_RANGE', what, cure))
    return findings or [_visibility(around, text or '0', discovery)]


def _visibility(around: Surroundings, domain: str, discovery: str) -> Finding:
    """Say who can be seen with the present variables."""
    is_local = around.environment.get('ROS_LOCALHOST_ONLY') == '1'
    if is_local or discovery.upper() == 'LOCALHOST':
        what = f'domain {domain}, this machine only'
        cure = 'for nodes on other machines: unset ROS_LOCALHOST_ONLY and set the range to SUBNET'
        return info('domain_id', 'discovery', what, cure)
    return passed('domain_id', 'discovery', f'domain {domain}, range {discovery or "SUBNET"}')


def check_disk(around: Surroundings) -> list[Finding]:
    """Measure the room for bags, models and engines."""
    free = around.disk_free_bytes
    if free >= MIN_DISK_BYTES:
        return [passed('disk', str(Path.home()), f'{free / 2**30:.0f} GB free')]
    what = f'only {free / 2**30:.1f} GB free'
    return [warning('disk', str(Path.home()), what, 'delete old bags and caches')]


ENVIRONMENT_CHECKS: dict[str, EnvironmentCheck] = {
    'python': check_python,
    'ros': check_ros,
    'rmw': check_rmw,
    'messages': check_messages,
    'domain_id': check_domain,
    'profile': check_profile,
    'malloc': check_malloc,
    'shm': check_shared_memory,
    'opencv': check_opencv,
    'device': check_device,
    'models': check_models,
    'egl': check_egl,
    'disk': check_disk,
}


def examine_environment(around: Surroundings) -> list[Finding]:
    """Run all checks of the machine, in the order in which to cure."""
    return [finding for check in ENVIRONMENT_CHECKS.values() for finding in check(around)]
