"""
The environment that big images need on the default transport.

Measured with 1080p at 30 Hz between two processes: 64 MB of shared memory at the publisher and
these malloc limits at the subscriber bring the median latency from 33 ms to 5.5 ms and its CPU
load from 45 % to 10 % of a core. Both must be set before the process starts.
"""

from __future__ import annotations

from collections.abc import Mapping

from perception_nodes.inference.resources import resource_path

PROFILE = 'config/fastdds_shared_memory.xml'
# Fast DDS 2 (Jazzy, Humble) reads the first, Fast DDS 3 (Kilted) the second.
PROFILE_VARIABLES = ('FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE')
# Without these, every image is mapped and unmapped by the kernel, page fault by page fault.
MALLOC_VARIABLES = {
    'MALLOC_MMAP_THRESHOLD_': '33554432',
    'MALLOC_TRIM_THRESHOLD_': '268435456',
}
_FAST_DDS = ('', 'rmw_fastrtps_cpp', 'rmw_fastrtps_dynamic_cpp')


def transport_environment(present: Mapping[str, str]) -> dict[str, str]:
    """
    Return the variables to add to the environment of a node.

    What a user has set stays: a profile of his own under either name keeps both names out.

    :param present: the environment so far, for example ``os.environ``.
    """
    wanted = dict(MALLOC_VARIABLES)
    if uses_fast_dds(present) and not own_profile(present):
        profile = str(resource_path(PROFILE))
        wanted.update(dict.fromkeys(PROFILE_VARIABLES, profile))
    return {name: value for name, value in wanted.items() if not present.get(name)}


def transport_notes(present: Mapping[str, str]) -> list[str]:
    """Return what a user should know about the transport, in sentences; empty when all is set."""
    notes = []
    if not uses_fast_dds(present):
        notes.append(
            f'RMW_IMPLEMENTATION is {present["RMW_IMPLEMENTATION"]}: the shared-memory profile is '
            'for Fast DDS and is not used; check the limits of your middleware for large images'
        )
    elif profile := own_profile(present):
        notes.append(
            f'your own Fast DDS profile {profile} is kept: it should give shared memory a segment '
            'of 64 MB, see config/fastdds_shared_memory.xml'
        )
    return notes


def uses_fast_dds(present: Mapping[str, str]) -> bool:
    """Return whether nodes in this environment talk through Fast DDS, which is the default."""
    return present.get('RMW_IMPLEMENTATION', '') in _FAST_DDS


def own_profile(present: Mapping[str, str]) -> str:
    """Return the profile that the user has set, empty when it is ours or none."""
    ours = str(resource_path(PROFILE))
    for name in PROFILE_VARIABLES:
        value = present.get(name, '')
        if value and value != ours:
            return value
    return ''
