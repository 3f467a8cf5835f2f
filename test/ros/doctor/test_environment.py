"""Checks of the machine on described machines."""

from dataclasses import replace

import pytest

from perception_nodes.ros.doctor.environment import ENVIRONMENT_CHECKS, examine_environment
from perception_nodes.ros.doctor.finding import Severity
from perception_nodes.ros.doctor.surroundings import Surroundings, read_surroundings

GIB = 2**30


@pytest.fixture
def sound(tmp_path):
    """Return a machine without any fault."""
    profile = tmp_path / 'profile.xml'
    profile.write_text('<dds><segment_size>67108864</segment_size></dds>')
    return Surroundings(
        environment={
            'ROS_DISTRO': 'jazzy',
            'FASTRTPS_DEFAULT_PROFILES_FILE': str(profile),
            'MALLOC_MMAP_THRESHOLD_': '33554432',
            'MALLOC_TRIM_THRESHOLD_': '268435456',
        },
        ros_prefix='/opt/ros/jazzy',
        versions={'numpy': '2.1.0', 'opencv-python': '5.0.0'},
        shm_free_bytes=GIB,
        disk_free_bytes=50 * GIB,
        models={'detector': ''},
    )


def test_sound_machine_passes_every_check_with_one_line_each(sound):
    findings = examine_environment(sound)
    assert {item.severity for item in findings} == {Severity.OK}
    assert [item.check for item in findings] == list(ENVIRONMENT_CHECKS)


def changed_environment(sound, **variables):
    return replace(sound, environment={**sound.environment, **variables})


SITUATIONS = {
    'old Python': ({'python': (3, 8)}, 'python', 'error', '3.10 to 3.13'),
    'new Python': ({'python': (3, 14)}, 'python', 'error', '3.10 to 3.13'),
    'no ROS': ({'rclpy_error': 'no module named rclpy'}, 'ros', 'error', 'activate.sh'),
    'no overlay': ({'missing_messages': ('vision_msgs',)}, 'messages', 'error', 'make setup'),
    'no EGL': ({'has_egl': False}, 'egl', 'warning', 'apt install'),
    'no /dev/shm': ({'shm_free_bytes': None}, 'shm', 'warning', 'tmpfs'),
    'small container': ({'shm_free_bytes': 60 << 20}, 'shm', 'error', '--shm-size'),
    'a few dead segments': (
        {'stale_segments': ('fastrtps_1',), 'stale_bytes': 1},
        'shm',
        'info',
        'fastdds shm clean',
    ),
    'many dead segments': (
        {'stale_segments': ('fastrtps_1',), 'stale_bytes': GIB},
        'shm',
        'warning',
        'fastdds shm clean',
    ),
    'no NumPy': ({'versions': {}}, 'opencv', 'error', 'pip install'),
    'cv_bridge of ROS 1': (
        {'versions': {'numpy': '1.26.4', 'cv-bridge': '1.13.0'}},
        'opencv',
        'error',
        'pip uninstall cv-bridge',
    ),
    'cv_bridge of apt beside NumPy 2': (
        {'cv_bridge_path': '/opt/ros/jazzy/lib/python3.12/site-packages/cv_bridge/__init__.py'},
        'opencv',
        'warning',
        'constraints-system-ros.txt',
    ),
    'torch for the CPU beside a GPU': (
        {'has_gpu': True, 'cuda_error': 'built for the CPU only'},
        'device',
        'warning',
        'nvidia-smi',
    ),
    'ONNX Runtime for the CPU beside a GPU': (
        {'has_gpu': True, 'providers': ('CPUExecutionProvider',)},
        'device',
        'warning',
        'onnxruntime-gpu',
    ),
    'tampered model': ({'models': {'detector': 'wrong hash'}}, 'models', 'error', 'reinstall'),
    'no bundled model': ({'models': {}}, 'models', 'info', 'perception models list'),
    'full disk': ({'disk_free_bytes': GIB}, 'disk', 'warning', 'bags'),
}


@pytest.mark.parametrize('situation', SITUATIONS)
def test_defect_of_a_machine_is_named_alone(sound, situation):
    changes, check, severity, word = SITUATIONS[situation]
    found = [i for i in examine_environment(replace(sound, **changes)) if i.severity != 'ok']
    assert [(item.check, item.severity.value) for item in found] == [(check, severity)]
    assert word in found[0].cure


@pytest.mark.parametrize(
    ('variables', 'check', 'severity'),
    [
        ({'RMW_IMPLEMENTATION': 'rmw_cyclonedds_cpp'}, 'rmw', 'info'),
        ({'ROS_DOMAIN_ID': 'seven'}, 'domain_id', 'error'),
        ({'ROS_DOMAIN_ID': '300'}, 'domain_id', 'error'),
        ({'ROS_DOMAIN_ID': '150'}, 'domain_id', 'warning'),
        ({'ROS_AUTOMATIC_DISCOVERY_RANGE': 'OFF'}, 'domain_id', 'error'),
        ({'ROS_AUTOMATIC_DISCOVERY_RANGE': 'HERE'}, 'domain_id', 'warning'),
        ({'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST'}, 'domain_id', 'info'),
        ({'ROS_LOCALHOST_ONLY': '1'}, 'domain_id', 'info'),
        ({'FASTRTPS_DEFAULT_PROFILES_FILE': '/nowhere.xml'}, 'profile', 'error'),
        ({'FASTRTPS_DEFAULT_PROFILES_FILE': ''}, 'profile', 'info'),
    ],
)
def test_variable_is_judged(sound, variables, check, severity):
    around = changed_environment(sound, **variables)
    found = [item for item in examine_environment(around) if item.severity != 'ok']
    assert [(item.check, item.severity.value) for item in found] == [(check, severity)]


def test_profile_without_segment_is_named(sound, tmp_path):
    profile = tmp_path / 'other.xml'
    profile.write_text('<dds/>')
    around = changed_environment(sound, FASTRTPS_DEFAULT_PROFILES_FILE=str(profile))
    found = [item for item in examine_environment(around) if item.severity != 'ok']
    assert [item.check for item in found] == ['profile']
    assert 'segment_size' in found[0].what


def test_missing_malloc_thresholds_are_told_with_their_values(sound):
    kept = {k: v for k, v in sound.environment.items() if not k.startswith('MALLOC')}
    found = [
        item
        for item in examine_environment(replace(sound, environment=kept))
        if item.severity != 'ok'
    ]
    assert [item.check for item in found] == ['malloc']
    assert 'MALLOC_TRIM_THRESHOLD_=268435456' in found[0].cure


def test_this_machine_is_read(tmp_path):
    around = read_surroundings()
    assert around.versions['numpy'][0].isdigit()
    assert around.disk_free_bytes > 0
    assert {item.check for item in examine_environment(around)} == set(ENVIRONMENT_CHECKS)
