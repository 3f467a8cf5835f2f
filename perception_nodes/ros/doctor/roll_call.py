"""Who of this host's processes has a participant on a domain, and who has been found there."""

from __future__ import annotations

from collections.abc import Iterable

from rclpy.node import Node

from perception_nodes.ros.doctor.processes import process_half
from perception_nodes.ros.domains import PROC, domains_of_process

# Every ROS participant writes here who it is (rmw_dds_common), without a name prefix.
_INTRODUCTIONS = 'ros_discovery_info'


class RollCall:
    """
    Compares the open ports of a domain with the participants that one node has found.

    A newcomer may have to wait for others to announce themselves anew; whoever has ports on the
    domain and was not found yet must not be called missing.

    :param node: sees what was found on its domain.
    :param process_ids: processes on this host with Fast DDS, whose identifiers tell the process.
    """

    def __init__(self, node: Node, domain_id: int, process_ids: Iterable[int]) -> None:
        self._node = node
        self._awaited = {
            number for number in process_ids if domain_id in domains_of_process(number)
        }

    def missing(self) -> set[int]:
        """Return the living processes that have ports on the domain and were not found yet."""
        if self._awaited:
            found = self._node.get_publishers_info_by_topic(_INTRODUCTIONS, no_mangle=True)
            halves = {process_half(item.endpoint_gid) for item in found}
            self._awaited = {
                number
                for number in self._awaited
                if number & 0xFFFF not in halves and (PROC / str(number)).exists()
            }
        return set(self._awaited)
