"""ROS domains on this host: which are in use, and which is free."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Collection, Iterable
from pathlib import Path

PROC = Path('/proc')
FAST_DDS_LIBRARIES = (b'libfastrtps', b'libfastdds')
DDS_LIBRARIES = (*FAST_DDS_LIBRARIES, b'libddsc', b'librticonnextdds')
# RTPS 2.2, 9.6.1.1: port = 7400 + 250 × domain + offset; unicast offsets begin at 10 in pairs.
PORT_BASE, PORTS_PER_DOMAIN, FIRST_UNICAST_OFFSET = 7400, 250, 10
HIGHEST_DOMAIN = 232
# Ports above are given to anybody, so that a number alone says nothing (see ip_local_port_range).
FIRST_EPHEMERAL_PORT = 32768
# Domain 0 is everybody's default; up to 101 the ports keep clear of the ephemeral ones.
_CANDIDATES = range(1, 102)
# Between the multicast and the unicast offsets: RTPS leaves this port of a domain alone.
_CLAIM_OFFSET = 9
# Open sockets; the system closes them with the process, however it ends.
_claims: list[socket.socket] = []


def free_domain(count: int = 1) -> int:
    """
    Return a domain that nobody on this host uses, and keep it for this process.

    Who asked before has it even while none of its nodes runs. Two processes that ask at the same
    time begin to look at different places.

    :param count: that many domains in a row must be free.
    :raises ValueError: when there is none.
    """
    used = local_domains(dds_process_ids())
    begin = os.getpid() % len(_CANDIDATES)
    for candidate in (*_CANDIDATES[begin:], *_CANDIDATES[:begin]):
        wanted = range(candidate, candidate + count)
        if used.isdisjoint(wanted) and wanted[-1] in _CANDIDATES and _claim(wanted):
            return candidate
    raise ValueError('every ROS domain from 1 to 101 is in use on this host: end old processes')


def _claim(domains: Iterable[int]) -> bool:
    """Take a port of each domain that only one process can have; False: somebody else has one."""
    taken: list[socket.socket] = []
    for domain in domains:
        taken.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        try:
            taken[-1].bind(('127.0.0.1', PORT_BASE + PORTS_PER_DOMAIN * domain + _CLAIM_OFFSET))
        except OSError:
            for item in taken:
                item.close()
            return False
    _claims.extend(taken)
    return True


def dds_process_ids(libraries: Collection[bytes] = DDS_LIBRARIES) -> list[int]:
    """
    Return the processes on this host that have a DDS library loaded, this one excepted.

    :param libraries: any of these file names.
    """
    process_ids = (int(path.name) for path in PROC.iterdir() if path.name.isdigit())
    return [n for n in process_ids if n != os.getpid() and _has_mapped(n, libraries)]


def _has_mapped(process_id: int, libraries: Iterable[bytes]) -> bool:
    try:
        maps = (PROC / str(process_id) / 'maps').read_bytes()
    except OSError:
        return False
    return any(library in maps for library in libraries)


def local_domains(process_ids: Iterable[int]) -> set[int]:
    """
    Return the ROS domains on which somebody on this host listens.

    :param process_ids: processes with DDS; their sockets tell exactly, and the table of all UDP
        ports covers the processes of other users.
    """
    ports = udp_ports().values()
    domains = set(domains_of_pairs(port for port in ports if port < FIRST_EPHEMERAL_PORT))
    return domains.union(*map(domains_of_process, process_ids))


def domains_of_process(process_id: int) -> set[int]:
    """Return the domains on which a process listens; of another user's process none is known."""
    ports = udp_ports()
    own = {ports[inode] for inode in _socket_inodes(process_id) if inode in ports}
    return domains_of_pairs(own)


def udp_ports() -> dict[str, int]:
    """Return ``{socket inode: local port}`` of all UDP sockets."""
    found = {}
    for table in ('udp', 'udp6'):
        try:
            lines = (PROC / 'net' / table).read_text().splitlines()[1:]
        except OSError:
            continue
        for fields in map(str.split, lines):
            found[fields[9]] = int(fields[1].rsplit(':', 1)[1], 16)
    return found


def domains_of_pairs(ports: Iterable[int]) -> set[int]:
    """Return the domains of RTPS participants: both ports of a unicast pair must be open."""
    known = set(ports)
    domains = set()
    for port in known:
        domain, offset = divmod(port - PORT_BASE, PORTS_PER_DOMAIN)
        is_first = offset >= FIRST_UNICAST_OFFSET and offset % 2 == 0
        if is_first and 0 <= domain <= HIGHEST_DOMAIN and port + 1 in known:
            domains.add(domain)
    return domains


def _socket_inodes(process_id: int) -> list[str]:
    inodes = []
    folder = PROC / str(process_id) / 'fd'
    try:
        for path in folder.iterdir():
            found = re.fullmatch(r'socket:\[(\d+)\]', os.readlink(path))
            if found:
                inodes.append(found[1])
    except OSError:
        return inodes
    return inodes
