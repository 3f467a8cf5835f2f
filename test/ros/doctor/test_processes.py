"""Ports, identifiers and environments of processes."""

import mmap
import os
import subprocess
import sys

import pytest

from perception_nodes.ros.doctor.processes import (
    process_of_gid,
    profile_segment_bytes,
    read_environment,
)
from perception_nodes.ros.doctor.surroundings import stale_segments

GID = bytes.fromhex('010f78fdd62f352b0000000000001303')


@pytest.mark.parametrize(
    ('gid', 'candidates', 'expected'),
    [
        (GID, [1, 0x2FD6], 0x2FD6),
        (GID, [0x12FD6], 0x12FD6),
        (GID, [0x2FD6, 0x12FD6], None),  # two candidates: say nothing
        (GID, [], None),
        (b'\x01\x10' + GID[2:], [0x2FD6], None),  # another vendor
    ],
)
def test_process_behind_an_endpoint(gid, candidates, expected):
    assert process_of_gid(gid, candidates) == expected


def test_environment_of_a_process_is_read():
    process = subprocess.Popen(
        [sys.executable, '-c', 'input(1)'],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, 'ROS_DOMAIN_ID': '77'},
    )
    process.stdout.read(1)  # written after exec, when the environment is in place
    assert read_environment(process.pid)['ROS_DOMAIN_ID'] == '77'
    process.communicate(b'\n')


def test_environment_of_a_process_that_is_gone_is_unknown():
    assert read_environment(2**30) is None


XML = '<dds xmlns="http://www.eprosima.com"><segment_size>{}</segment_size></dds>'


@pytest.mark.parametrize(
    ('content', 'expected'),
    [(XML.format(67108864), 67108864), (XML.format('big'), None), ('<dds', None), ('<d/>', None)],
)
def test_segment_of_a_profile(tmp_path, content, expected):
    path = tmp_path / 'profile.xml'
    path.write_text(content)
    assert profile_segment_bytes({'FASTDDS_DEFAULT_PROFILES_FILE': str(path)}) == expected


def test_new_variable_does_not_count_for_fast_dds_2(tmp_path):
    path = tmp_path / 'profile.xml'
    path.write_text(XML.format(1000))
    variables = {'ROS_DISTRO': 'jazzy', 'FASTDDS_DEFAULT_PROFILES_FILE': str(path)}
    assert profile_segment_bytes(variables) is None


def test_no_profile_means_the_default():
    assert profile_segment_bytes({}) is None


def test_stale_segments_are_those_that_nobody_maps(tmp_path):
    (tmp_path / 'fastrtps_dead').write_bytes(b'x')
    (tmp_path / 'fastrtps_dead_el').write_bytes(b'')
    (tmp_path / 'other').write_bytes(b'x')
    living = tmp_path / 'fastrtps_living'
    living.write_bytes(b'x' * 4096)
    with living.open('rb') as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ):
        assert [path.name for path in stale_segments(tmp_path)] == ['fastrtps_dead']
