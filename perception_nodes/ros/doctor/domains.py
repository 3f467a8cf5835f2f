"""Listen on other ROS domains of this host, where the missing half of a graph may be."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterable

import rclpy
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from perception_nodes.ros.doctor.patience import ANNOUNCED_S
from perception_nodes.ros.doctor.processes import read_environment
from perception_nodes.ros.doctor.roll_call import RollCall
from perception_nodes.ros.doctor.snapshot import DomainView
from perception_nodes.ros.domains import local_domains

# Each participant costs threads and a memory segment.
MAX_DOMAINS = 12
# What people use when they change it at all; looked at only where the network is open anyway.
USUAL_DOMAINS = (0, 1, 2)
CLOSED_RANGES = frozenset({'LOCALHOST', 'OFF'})


def plausible_domains(own: int, process_ids: Iterable[int]) -> list[int]:
    """
    Return the other domains worth a look, those seen on this host first.

    :param own: the domain that is observed anyway.
    :param process_ids: processes with DDS on this host.
    """
    numbers = list(process_ids)
    seen = local_domains(numbers)
    for environment in map(read_environment, numbers):
        text = (environment or {}).get('ROS_DOMAIN_ID', '')
        if text.isdigit():
            seen.add(int(text))
    is_open = os.environ.get('ROS_AUTOMATIC_DISCOVERY_RANGE', '').upper() not in CLOSED_RANGES
    usual = [number for number in USUAL_DOMAINS if is_open and number not in seen]
    return [number for number in sorted(seen) + usual if number != own][:MAX_DOMAINS]


class DomainListener:
    """
    A hidden participant on one domain that reads names and nothing else.

    :param process_ids: processes on this host that may be there.
    """

    def __init__(self, domain_id: int, process_ids: Collection[int]) -> None:
        self.domain_id = domain_id
        self._context = rclpy.Context()
        rclpy.init(
            context=self._context,
            domain_id=domain_id,
            signal_handler_options=SignalHandlerOptions.NO,
        )
        self._node = Node(
            f'_perception_doctor_{os.getpid()}',
            context=self._context,
            use_global_arguments=False,
            enable_rosout=False,
            start_parameter_services=False,
        )
        self._roll_call = RollCall(self._node, domain_id, process_ids)
        self._joined_s = time.monotonic()

    def is_complete(self) -> bool:
        """Tell whether everybody had the time to be found here."""
        is_due = time.monotonic() - self._joined_s >= ANNOUNCED_S
        return is_due and not self._roll_call.missing()

    def view(self, prefix: str) -> DomainView:
        """
        Return what is there now.

        :param prefix: nodes whose names begin so are doctors and left out.
        """
        nodes = [
            f'{namespace.rstrip("/")}/{name}'
            for name, namespace in self._node.get_node_names_and_namespaces()
            if not name.startswith(prefix)
        ]
        topics = [(name, types[0]) for name, types in self._node.get_topic_names_and_types()]
        return DomainView(
            domain_id=self.domain_id,
            nodes=tuple(sorted(nodes)),
            published={n: kind for n, kind in topics if self._node.count_publishers(n)},
            subscribed={n: kind for n, kind in topics if self._node.count_subscribers(n)},
        )

    def close(self) -> None:
        """Leave the domain."""
        self._node.destroy_node()
        self._context.try_shutdown()
