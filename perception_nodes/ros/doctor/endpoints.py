"""Publishers and subscriptions of the graph as plain data."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, LivelinessPolicy, ReliabilityPolicy

from perception_nodes.ros.doctor.processes import (
    EPROSIMA_VENDOR,
    host_of_gid,
    process_of_gid,
)
from perception_nodes.ros.doctor.snapshot import Endpoint, Qos

# Every node has these, always with the same QoS.
_EVERYWHERE = frozenset({'/rosout', '/parameter_events'})
# Durations from here on mean "for ever" in DDS.
_INFINITE_S = 1e9


class EndpointReader:
    """
    Reads the graph through one node.

    :param prefix: nodes whose names begin so are doctors and left out.
    """

    def __init__(self, node: Node, prefix: str) -> None:
        self._node = node
        self._prefix = prefix

    def read(
        self, process_ids: Collection[int]
    ) -> tuple[tuple[Endpoint, ...], tuple[Endpoint, ...]]:
        """
        Return (publishers, subscriptions).

        :param process_ids: processes on this host that may own them.
        """
        publishers: list[Any] = []
        subscriptions: list[Any] = []
        for topic, _ in self._node.get_topic_names_and_types():
            if topic not in _EVERYWHERE:
                found = self._node.get_publishers_info_by_topic(topic)
                publishers += [(topic, item) for item in found]
                found = self._node.get_subscriptions_info_by_topic(topic)
                subscriptions += [(topic, item) for item in found]
        host = self._own_host(publishers + subscriptions)
        return (
            self._plain(publishers, host, process_ids),
            self._plain(subscriptions, host, process_ids),
        )

    def _own_host(self, entries: list[Any]) -> bytes | None:
        """Return what marks this host in a gid, None before an endpoint of ours is seen."""
        own = (e for _, e in entries if e.node_name == self._node.get_name())
        first = next(own, None)
        return None if first is None else host_of_gid(first.endpoint_gid)

    def _plain(
        self, entries: list[Any], host: bytes | None, process_ids: Collection[int]
    ) -> tuple[Endpoint, ...]:
        return tuple(
            _endpoint(topic, entry, host, process_ids)
            for topic, entry in entries
            if not entry.node_name.startswith(self._prefix)
        )


def _endpoint(
    topic: str, entry: Any, host: bytes | None, process_ids: Collection[int]
) -> Endpoint:
    """Return one endpoint; those of other vendors count as local, since nothing is known."""
    gid = bytes(entry.endpoint_gid)
    is_local = host is None or gid[:2] != EPROSIMA_VENDOR or host_of_gid(gid) == host
    return Endpoint(
        topic=topic,
        type_name=entry.topic_type,
        node=f'{entry.node_namespace.rstrip("/")}/{entry.node_name}',
        qos=_qos(entry.qos_profile),
        process_id=process_of_gid(gid, process_ids) if is_local else None,
        is_local=is_local,
    )


def _qos(profile: Any) -> Qos:
    return Qos(
        reliable=profile.reliability != ReliabilityPolicy.BEST_EFFORT,
        transient_local=profile.durability == DurabilityPolicy.TRANSIENT_LOCAL,
        deadline_s=_seconds(profile.deadline),
        manual_liveliness=profile.liveliness == LivelinessPolicy.MANUAL_BY_TOPIC,
        lease_s=_seconds(profile.liveliness_lease_duration),
    )


def _seconds(duration: Duration) -> float | None:
    """Return a finite duration in seconds; zero means unset, as infinite does."""
    seconds = duration.nanoseconds / 1e9
    return seconds if 0 < seconds < _INFINITE_S else None
