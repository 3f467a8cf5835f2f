"""Listen to topics and keep what the checks need, never the payload."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rosgraph_msgs.msg import Clock

from perception_nodes.ros.doctor.listening import Listening
from perception_nodes.ros.doctor.snapshot import (
    CAMERA_INFO,
    COMPRESSED,
    DETECTIONS_2D,
    DETECTIONS_3D,
    IMAGE,
    ClockSample,
    Diagnosis,
    Sample,
    Stream,
    TransformSample,
)

_DEPTH = 5
_MANY = 100
_COLOR_CHANNELS = 3
_FIELDS: dict[str, Callable[[Any], dict[str, Any]]] = {
    IMAGE: lambda m: {'size_bytes': len(m.data), 'encoding': m.encoding},
    COMPRESSED: lambda m: {'size_bytes': len(m.data), 'encoding': m.format},
    CAMERA_INFO: lambda m: {'size_bytes': m.width * m.height * _COLOR_CHANNELS},
    DETECTIONS_2D: lambda m: {'count': len(m.detections)},
    DETECTIONS_3D: lambda m: {'count': len(m.detections)},
}


def message_class(type_name: str) -> Any:
    """
    Return the class of ``package/msg/Name``.

    :raises ImportError: when the package is not built here.
    """
    package, _, name = type_name.split('/')
    return getattr(import_module(f'{package}.msg'), name)


class Recorder:
    """Everything that is heard on one node's executor."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self.clock: list[ClockSample] = []
        self.transforms: list[TransformSample] = []
        self.diagnostics: dict[str, Diagnosis] = {}
        self._samples: dict[Listening, list[Sample]] = {}
        self._since_s: dict[Listening, float] = {}
        self._subscriptions: dict[Listening, Any] = {}
        weak = QoSProfile(depth=_MANY, reliability=ReliabilityPolicy.BEST_EFFORT)
        node.create_subscription(Clock, '/clock', self._on_clock, weak)
        node.create_subscription(DiagnosticArray, '/diagnostics', self._on_diagnostics, weak)
        self._listen_to_transforms(weak)

    def _listen_to_transforms(self, weak: QoSProfile) -> None:
        """Subscribe where tf2_msgs is built; the environment checks name its absence."""
        try:
            kind = message_class('tf2_msgs/msg/TFMessage')
        except ImportError:
            return
        latched = QoSProfile(depth=_MANY, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self._node.create_subscription(kind, '/tf', self._on_transforms, weak)
        self._node.create_subscription(kind, '/tf_static', self._on_static_transforms, latched)

    def follow(self, wanted: set[Listening]) -> None:
        """Subscribe to what is wanted now; what changed its QoS begins anew."""
        topics = {item.topic for item in wanted}
        for old in [item for item in self._subscriptions if item not in wanted]:
            self._node.destroy_subscription(self._subscriptions.pop(old))
            if old.topic in topics:
                del self._samples[old]
        for new in wanted - set(self._subscriptions):
            self._listen(new)

    def _listen(self, item: Listening) -> None:
        try:
            kind = message_class(item.type_name)
        except ImportError:
            return
        policy = ReliabilityPolicy.RELIABLE if item.reliable else ReliabilityPolicy.BEST_EFFORT
        samples = self._samples.setdefault(item, [])
        self._since_s[item] = time.time()
        fields = _FIELDS[item.type_name]

        def record(message: Any, info: Mapping[str, int]) -> None:
            samples.append(self._sample(message.header, info, fields(message)))

        on_message: Any = record  # rclpy's annotation forgets callbacks with message info
        qos = QoSProfile(depth=_DEPTH, reliability=policy)
        subscription = self._node.create_subscription(kind, item.topic, on_message, qos)
        self._subscriptions[item] = subscription

    def _sample(self, header: Any, info: Mapping[str, int], values: dict[str, Any]) -> Sample:
        received_ns, source_ns = info.get('received_timestamp'), info.get('source_timestamp')
        return Sample(
            received_s=received_ns / 1e9 if received_ns else time.time(),
            source_s=source_ns / 1e9 if source_ns else None,
            stamp_s=_seconds(header.stamp),
            clock_s=self.clock[-1].clock_s if self.clock else None,
            frame_id=header.frame_id,
            sequence=info.get('publication_sequence_number'),
            **values,
        )

    def streams(self) -> tuple[Stream, ...]:
        """Return what was heard, topic by topic."""
        return tuple(
            Stream(
                topic=item.topic,
                type_name=item.type_name,
                reliable=item.reliable,
                samples=tuple(samples),
                since_s=self._since_s[item],
            )
            for item, samples in sorted(self._samples.items(), key=lambda pair: pair[0].topic)
        )

    def _on_clock(self, message: Clock) -> None:
        self.clock.append(ClockSample(received_s=time.time(), clock_s=_seconds(message.clock)))

    def _on_transforms(self, message: Any) -> None:
        self._add_transforms(message, is_static=False)

    def _on_static_transforms(self, message: Any) -> None:
        self._add_transforms(message, is_static=True)

    def _add_transforms(self, message: Any, *, is_static: bool) -> None:
        received_s = time.time()
        self.transforms += [
            TransformSample(
                parent=item.header.frame_id,
                child=item.child_frame_id,
                stamp_s=_seconds(item.header.stamp),
                received_s=received_s,
                is_static=is_static,
            )
            for item in message.transforms
        ]

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            self.diagnostics[status.name] = Diagnosis(
                name=status.name,
                level=int.from_bytes(status.level, 'little'),
                message=status.message,
                values={item.key: item.value for item in status.values},
            )


def _seconds(stamp: Any) -> float:
    """Return builtin_interfaces/Time in seconds."""
    return stamp.sec + stamp.nanosec / 1e9
