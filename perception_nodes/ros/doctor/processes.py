"""What Linux tells about the processes behind a graph: variables, domains, segments."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from xml.etree import ElementTree

from perception_nodes.ros.doctor.snapshot import ProcessState

PROC = Path('/proc')
DDS_LIBRARIES = (b'libfastrtps', b'libfastdds', b'libddsc', b'librticonnextdds')
# RTPS 2.2, 9.6.1.1: port = 7400 + 250 × domain + offset; unicast offsets begin at 10 in pairs.
PORT_BASE, PORTS_PER_DOMAIN, FIRST_UNICAST_OFFSET = 7400, 250, 10
HIGHEST_DOMAIN = 232
# Ports above are given to anybody, so that a number alone says nothing (see ip_local_port_range).
FIRST_EPHEMERAL_PORT = 32768
EPROSIMA_VENDOR = bytes((0x01, 0x0F))
# Fast DDS 3 renamed its variable; the distributions before Kilted have Fast DDS 2.
OLD_PROFILE_VARIABLE = 'FASTRTPS_DEFAULT_PROFILES_FILE'
NEW_PROFILE_VARIABLE = 'FASTDDS_DEFAULT_PROFILES_FILE'
DISTRIBUTIONS_WITH_FAST_DDS_2 = frozenset({'humble', 'iron', 'jazzy'})
# LARGE_DATA moves big messages to TCP, where no segment limits them.
LARGE_DATA_BYTES = 2**31


def dds_process_ids() -> list[int]:
    """Return the processes on this host that have a DDS library loaded, this one excepted."""
    process_ids = (int(path.name) for path in PROC.iterdir() if path.name.isdigit())
    return [number for number in process_ids if number != os.getpid() and _has_dds(number)]


def _has_dds(process_id: int) -> bool:
    try:
        maps = (PROC / str(process_id) / 'maps').read_bytes()
    except OSError:
        return False
    return any(library in maps for library in DDS_LIBRARIES)


def process_of_gid(gid: Iterable[int], process_ids: Iterable[int]) -> int | None:
    """
    Return the process that made an endpoint, from the identifier alone.

    Fast DDS writes vendor, host and the low half of the process id into bytes 0 to 5.

    :param gid: endpoint gid as rclpy gives it, 16 or 24 bytes.
    :param process_ids: candidates, see :func:`dds_process_ids`.
    """
    octets = bytes(gid)
    if octets[:2] != EPROSIMA_VENDOR:
        return None
    low_half = int.from_bytes(octets[4:6], 'little')
    matching = [number for number in process_ids if number & 0xFFFF == low_half]
    return matching[0] if len(matching) == 1 else None


def host_of_gid(gid: Iterable[int]) -> bytes:
    """Return the part of a gid that is equal for all processes of one host."""
    return bytes(gid)[:4]


def process_state(process_id: int) -> ProcessState:
    """Return a process with its environment, as far as it may be read."""
    environment = read_environment(process_id)
    return ProcessState(
        process_id=process_id,
        command=_command(process_id),
        environment=environment,
        segment_bytes=None if environment is None else profile_segment_bytes(environment),
    )


def read_environment(process_id: int) -> dict[str, str] | None:
    """Return the variables a process was started with, None when it belongs to another user."""
    try:
        content = (PROC / str(process_id) / 'environ').read_bytes()
    except OSError:
        return None
    entries = content.decode(errors='replace').split('\0')
    return dict(entry.split('=', 1) for entry in entries if '=' in entry)


def _command(process_id: int) -> str:
    try:
        content = (PROC / str(process_id) / 'cmdline').read_bytes()
    except OSError:
        return ''
    return content.replace(b'\0', b' ').decode(errors='replace').strip()


def profile_path(environment: Mapping[str, str]) -> Path | None:
    """Return the transport profile that counts in an environment, None without one."""
    name = environment.get(OLD_PROFILE_VARIABLE)
    if environment.get('ROS_DISTRO', '') not in DISTRIBUTIONS_WITH_FAST_DDS_2:
        name = environment.get(NEW_PROFILE_VARIABLE) or name
    return Path(name) if name else None


def profile_segment_bytes(environment: Mapping[str, str]) -> int | None:
    """Return the shared-memory segment that an environment asks for, None for the default."""
    if environment.get('FASTDDS_BUILTIN_TRANSPORTS', '').startswith('LARGE_DATA'):
        return LARGE_DATA_BYTES
    path = profile_path(environment)
    if path is None:
        return None
    try:
        elements = ElementTree.parse(path).iter()
        sizes = [int(e.text or 0) for e in elements if e.tag.endswith('segment_size')]
    except (OSError, ElementTree.ParseError, ValueError):
        return None
    return max(sizes, default=None)


def local_domains(process_ids: Iterable[int]) -> set[int]:
    """
    Return the ROS domains on which somebody on this host listens.

    :param process_ids: processes with DDS; their sockets tell exactly, and the table of all UDP
        ports covers the processes of other users.
    """
    ports = udp_ports()
    domains = set(domains_of_pairs(port for port in ports.values() if port < FIRST_EPHEMERAL_PORT))
    for process_id in process_ids:
        own = {ports[inode] for inode in _socket_inodes(process_id) if inode in ports}
        domains.update(domains_of_pairs(own))
    return domains


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
