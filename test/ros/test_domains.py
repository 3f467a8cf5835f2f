"""Which ROS domains are in use on this host, and which one is free."""

import os
import socket
import subprocess
import sys

import pytest

from perception_nodes.ros import domains as domain_module
from perception_nodes.ros.domains import domains_of_pairs, free_domain, udp_ports

OFFSET = 2 + os.getpid() % 7  # as free in RTPS as the real one


@pytest.mark.parametrize(
    ('ports', 'domains'),
    [
        ([], set()),
        ([7400, 7401], set()),  # multicast ports of domain 0: no participant yet
        ([7410, 7411], {0}),
        ([7411, 7412], set()),
        ([7410], set()),
        ([7412, 7413, 7400 + 250 * 42 + 10, 7400 + 250 * 42 + 11], {0, 42}),
        ([53, 54, 5353], set()),
        ([7400 + 250 * 233 + 10, 7400 + 250 * 233 + 11], set()),
    ],
)
def test_domains_of_port_pairs(ports, domains):
    assert domains_of_pairs(ports) == domains


def test_open_udp_port_is_listed():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        opened.bind(('127.0.0.1', 0))
        inode = os.fstat(opened.fileno()).st_ino
        assert udp_ports()[str(inode)] == opened.getsockname()[1]


@pytest.fixture
def use(monkeypatch):
    """Return a function that leaves only the named domains free, apart from all real claims."""
    monkeypatch.setattr(domain_module, '_claims', claims := [])
    monkeypatch.setattr(domain_module, '_CLAIM_OFFSET', OFFSET)

    def leave_free(*domains):
        used = set(range(1, 102)) - set(domains)
        monkeypatch.setattr(domain_module, 'local_domains', lambda process_ids: used)

    yield leave_free
    for claim in claims:
        claim.close()


def test_free_domain_is_not_one_in_use(use):
    use(3, 50, 51)
    assert free_domain(2) == 50
    assert free_domain() == 3


CLAIM = f"""
from perception_nodes.ros import domains
domains._CLAIM_OFFSET = {OFFSET}
domains.local_domains = lambda process_ids: set(range(1, 102)) - {{3}}
print(domains.free_domain(), flush=True)
input()
"""


def test_domain_belongs_to_who_asked_first_until_that_process_ends(use):
    use(3)
    command = [sys.executable, '-c', CLAIM]
    pipes = {'stdin': subprocess.PIPE, 'stdout': subprocess.PIPE, 'text': True}
    with subprocess.Popen(command, **pipes) as other:
        assert other.stdout.readline() == '3\n'
        with pytest.raises(ValueError, match='end old processes'):
            free_domain()
        other.kill()
    assert free_domain() == 3


def test_no_free_domain_is_said_with_the_cure(monkeypatch):
    monkeypatch.setattr(domain_module, 'local_domains', lambda process_ids: set(range(233)))
    with pytest.raises(ValueError, match='end old processes'):
        free_domain()
