"""The environment that launch files set, and that Fast DDS really takes the profile."""

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

pytest.importorskip('rclpy')

from perception_nodes.ros.transport import (
    MALLOC_VARIABLES,
    PROFILE,
    PROFILE_VARIABLES,
    own_profile,
    transport_environment,
    transport_notes,
)

SEGMENT_BYTES = 64 * 1024 * 1024


def test_bare_environment_gets_profile_and_malloc_limits(project_root: Path):
    added = transport_environment({})
    assert set(added) == {*MALLOC_VARIABLES, *PROFILE_VARIABLES}
    assert {Path(added[name]) for name in PROFILE_VARIABLES} == {project_root / PROFILE}
    assert transport_notes({}) == []


def test_environment_that_is_complete_gets_nothing():
    complete = transport_environment({})
    assert transport_environment(complete) == {}
    assert own_profile(complete) == ''
    assert transport_notes(complete) == []


@pytest.mark.parametrize('name', PROFILE_VARIABLES)
def test_profile_of_the_user_is_never_overwritten(name: str):
    present = {name: '/home/somebody/profile.xml'}
    assert set(transport_environment(present)) == set(MALLOC_VARIABLES)
    assert '/home/somebody/profile.xml is kept' in transport_notes(present)[0]


def test_malloc_limit_of_the_user_is_kept():
    added = transport_environment({'MALLOC_TRIM_THRESHOLD_': '1'})
    assert 'MALLOC_TRIM_THRESHOLD_' not in added
    assert 'MALLOC_MMAP_THRESHOLD_' in added


def test_other_middleware_gets_no_profile_and_a_note():
    present = {'RMW_IMPLEMENTATION': 'rmw_cyclonedds_cpp'}
    assert set(transport_environment(present)) == set(MALLOC_VARIABLES)
    assert 'rmw_cyclonedds_cpp' in transport_notes(present)[0]


def test_profile_keeps_udp_for_other_machines(project_root: Path):
    space = '{http://www.eprosima.com/XMLSchemas/fastRTPS_Profiles}'
    tree = ET.parse(project_root / PROFILE)
    assert [item.text for item in tree.iter(f'{space}segment_size')] == [str(SEGMENT_BYTES)]
    assert {item.text for item in tree.iter(f'{space}type')} == {'SHM', 'UDPv4'}
    defined = {
        item.findtext(f'{space}transport_id') for item in tree.iter(f'{space}transport_descriptor')
    }
    used = {item.text for item in tree.find(f'.//{space}userTransports')}
    assert used == defined


@pytest.mark.ros
@pytest.mark.parametrize(('with_profile', 'large'), [(True, True), (False, False)])
def test_fast_dds_takes_the_segment_of_the_profile(with_profile: bool, large: bool):
    script = (
        'import rclpy; rclpy.init(); node = rclpy.create_node("sized");'
        'from sensor_msgs.msg import Image; node.create_publisher(Image, "image", 5);'
        'print(open("/proc/self/maps").read())'
    )
    environment = {k: v for k, v in os.environ.items() if k not in PROFILE_VARIABLES}
    if with_profile:
        environment |= transport_environment(environment)
    output = subprocess.run(
        [sys.executable, '-c', script], env=environment, capture_output=True, text=True, timeout=60
    )
    assert output.returncode == 0, output.stderr
    mapped = re.findall(r'^(\w+)-(\w+) .*/dev/shm/fastrtps_', output.stdout, re.M)
    sizes = [int(end, 16) - int(start, 16) for start, end in mapped]
    assert sizes, 'Fast DDS uses no shared memory'
    assert any(size >= SEGMENT_BYTES for size in sizes) is large
    assert 'XMLPARSER' not in output.stderr
