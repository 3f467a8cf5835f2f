"""Which ROS domains are in use on this host, and which one is free."""

import os
import socket

import pytest

from perception_nodes.ros import domains as domain_module
from perception_nodes.ros.domains import domains_of_pairs, free_domain, udp_ports


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


def test_free_domain_is_not_one_in_use(monkeypatch):
    used = set(range(1, 102)) - {40, 50, 51}
    monkeypatch.setattr(domain_module, 'local_domains', lambda process_ids: used)
    assert free_domain() in {40, 50, 51}
    assert free_domain(2) == 50


def test_no_free_domain_is_said_with_the_cure(monkeypatch):
    monkeypatch.setattr(domain_module, 'local_domains', lambda process_ids: set(range(233)))
    with pytest.raises(ValueError, match='end old processes'):
        free_domain()
