"""Which topics to listen to and how, so that looking at a graph does not load it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from perception_nodes.ros.doctor.snapshot import (
    CAMERA_INFO,
    COMPRESSED,
    DETECTIONS,
    PERCEPTION_TYPES,
    PICTURES,
    Endpoint,
)


@dataclass(frozen=True, kw_only=True)
class Listening:
    """How to subscribe to one topic."""

    topic: str
    type_name: str
    reliable: bool


def plan(publishers: Sequence[Endpoint], subscriptions: Sequence[Endpoint]) -> set[Listening]:
    """
    Return the subscriptions that tell most.

    Pictures count when somebody reads them or when they come from a source. Overlays and masks
    that nobody reads are left alone: their nodes draw only while somebody subscribes.
    """
    topics = {(endpoint.topic, endpoint.type_name) for endpoint in publishers}
    return {
        Listening(topic=topic, type_name=type_name, reliable=_reliable(topic, publishers, readers))
        for topic, type_name in topics
        for readers in [[item for item in subscriptions if item.topic == topic]]
        if type_name in DETECTIONS | {CAMERA_INFO}
        or (
            type_name in PICTURES
            and (readers or _is_source(topic, type_name, publishers, subscriptions))
        )
    }


def _is_source(
    topic: str, type_name: str, publishers: Sequence[Endpoint], subscriptions: Sequence[Endpoint]
) -> bool:
    """Tell whether a picture comes from a node that reads no pictures; raw before compressed."""
    nodes = {endpoint.node for endpoint in publishers if endpoint.topic == topic}
    if any(item.node in nodes and item.type_name in PICTURES for item in subscriptions):
        return False
    has_raw = any(
        item.node in nodes and item.type_name in PICTURES - {COMPRESSED} for item in publishers
    )
    return type_name != COMPRESSED or not has_raw


def _reliable(topic: str, publishers: Sequence[Endpoint], readers: Sequence[Endpoint]) -> bool:
    """Ask as the weakest reader does, and never for more than is offered."""
    offered = all(item.qos.reliable for item in publishers if item.topic == topic)
    return offered and all(item.qos.reliable for item in readers)


def misses_something(publishers: Sequence[Endpoint], subscriptions: Sequence[Endpoint]) -> bool:
    """Tell whether data is waited for, pictures go unread, or no picture is there at all."""
    published = {item.topic for item in publishers}
    read = {item.topic for item in subscriptions}
    pictures = {item.topic for item in publishers if item.type_name in PICTURES}
    starved = any(
        item.topic not in published and item.type_name in PERCEPTION_TYPES
        for item in subscriptions
    )
    return starved or not pictures or bool(pictures - read)
