"""What Linux tells about the processes behind a graph: variables, domains, segments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from xml.etree import ElementTree

from perception_nodes.ros.doctor.snapshot import ProcessState
from perception_nodes.ros.domains import PROC
from perception_nodes.ros.transport import PROFILE_VARIABLES

EPROSIMA_VENDOR = bytes((0x01, 0x0F))
# Fast DDS 3 renamed its variable; the distributions before Kilted have Fast DDS 2.
OLD_PROFILE_VARIABLE, NEW_PROFILE_VARIABLE = PROFILE_VARIABLES
DISTRIBUTIONS_WITH_FAST_DDS_2 = frozenset({'humble', 'iron', 'jazzy'})
# LARGE_DATA moves big messages to TCP, where no segment limits them.
LARGE_DATA_BYTES = 2**31


def process_of_gid(gid: Iterable[int], process_ids: Iterable[int]) -> int | None:
    """
    Return the process that made an endpoint, from the identifier alone.

    Fast DDS writes vendor, host and the low half of the process id into bytes 0 to 5.

    :param gid: endpoint gid as rclpy gives it, 16 or 24 bytes.
    :param process_ids: candidates, see ``domains.dds_process_ids``.
    """
    low_half = process_half(gid)
    matching = [number for number in process_ids if number & 0xFFFF == low_half]
    return matching[0] if len(matching) == 1 else None


def process_half(gid: Iterable[int]) -> int | None:
    """Return the low half of the process id in a gid of Fast DDS, None for other vendors."""
    octets = bytes(gid)
    return int.from_bytes(octets[4:6], 'little') if octets[:2] == EPROSIMA_VENDOR else None


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
