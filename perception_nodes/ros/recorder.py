"""
Topics of a graph into a bag, times as the publishers stamped them.

    with TopicRecorder(node, Path('out/bag'), topics) as recorder:
        …                              # spin the node
    recorder.counts.dropped            # {'/tf': 0, …}
"""

from __future__ import annotations

import array
import importlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.serialization import deserialize_message, serialize_message
from rclpy.subscription import Subscription
from sensor_msgs.msg import CompressedImage, Image

from perception_nodes.imaging.compressed import CompressedFormat, encode_compressed
from perception_nodes.imaging.encodings import decode_image
from perception_nodes.ros.recorder_bag import BagCounts, BagThread, BagTopic

# Large enough for a pause of the recorder of several seconds at camera rates.
_DEPTH = 100
_JPEG_QUALITY = 85


@dataclass(frozen=True, kw_only=True)
class RecordedTopic:
    """
    What to subscribe to and how to store it.

    :param name: topic name, resolved by the node.
    :param type_name: as in ``sensor_msgs/msg/Image``.
    :param latched: subscribe transient local.
    :param best_effort: the publisher offers nothing better.
    :param codec: ``jpeg`` or ``png`` stores images as ``CompressedImage`` on
        ``<topic>/compressed``; empty stores what came.
    :param every_s: store at most one message in this time, by the recorder's clock; 0 stores all.
    :param watch: called with the CDR bytes in the executor's thread, for example to count.
    """

    name: str
    type_name: str
    latched: bool = False
    best_effort: bool = False
    codec: str = ''
    every_s: float = 0.0
    watch: Callable[[bytes], object] | None = None


class TopicRecorder:
    """
    Subscribes without decoding and hands everything to a :class:`BagThread`.

    The bag's times are the publishers' wall clock, so that the difference between a picture and
    its detections is the latency of the graph, whatever the recorder was doing.

    :param node: on which to subscribe; the caller spins it.
    :param path: folder of the bag, which must not exist.
    """

    def __init__(self, node: Node, path: Path, topics: Sequence[RecordedTopic]) -> None:
        self._node = node
        stored = {topic.name: _stored(node, topic) for topic in topics}
        self._bag = BagThread(path, tuple(stored.values()))
        self._subscriptions: list[Subscription] = [
            node.create_subscription(
                _message_class(topic.type_name),
                topic.name,
                _listener(self._bag, stored[topic.name].name, topic),
                _qos(topic),
                raw=True,
            )
            for topic in topics
        ]

    @property
    def counts(self) -> BagCounts:
        """Messages received, written and dropped, by the topic they are stored under."""
        return self._bag.counts

    def close(self) -> BagCounts:
        """
        Subscribe no longer, finish the bag and return the final counts; may be called twice.

        Call it on the executor's thread, or when the executor no longer spins.
        """
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)
        self._subscriptions.clear()
        return self._bag.close()

    def __enter__(self) -> TopicRecorder:
        """Return the recorder itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Finish the bag, also after an error: what was recorded stays readable."""
        self.close()


def compressed_of_image(data: bytes, codec: str) -> bytes:
    """
    Return a serialised ``CompressedImage`` for a serialised ``Image``.

    :param codec: ``jpeg``, or ``png``, which loses nothing.
    :raises ValueError: when the image is broken or cannot be stored like this.
    """
    image = deserialize_message(data, Image)
    view = decode_image(
        image.data, image.height, image.width, image.encoding, image.step, bool(image.is_bigendian)
    )
    compressed = CompressedImage(
        header=image.header,
        format=str(CompressedFormat(codec=codec, encoding=image.encoding)),
        data=array.array('B', encode_compressed(view, codec, jpeg_quality=_JPEG_QUALITY)),
    )
    return serialize_message(compressed)


def _message_class(type_name: str) -> type:
    package, kind, name = type_name.split('/')
    return getattr(importlib.import_module(f'{package}.{kind}'), name)


def _stored(node: Node, topic: RecordedTopic) -> BagTopic:
    """Return what the bag holds of a topic."""
    name = node.resolve_topic_name(topic.name)
    if topic.codec:
        return BagTopic(
            name=f'{name}/compressed',
            type_name='sensor_msgs/msg/CompressedImage',
            convert=partial(compressed_of_image, codec=topic.codec),
        )
    return BagTopic(name=name, type_name=topic.type_name, latched=topic.latched)


def _listener(bag: BagThread, stored_name: str, topic: RecordedTopic) -> Callable[..., None]:
    """Return the subscription's callback; rclpy passes message information to two arguments."""
    due_s = 0.0

    def listen(data: bytes, info: Any) -> None:
        nonlocal due_s
        # Not by the publishers' stamps: those of several publishers come in any order.
        now_s = time.monotonic()
        if now_s >= due_s:
            due_s = now_s + topic.every_s
            published_ns = info.get('source_timestamp') if isinstance(info, dict) else 0
            bag.put(stored_name, published_ns or time.time_ns(), data)
        if topic.watch is not None:
            topic.watch(data)

    return listen


def _qos(topic: RecordedTopic) -> QoSProfile:
    durability = DurabilityPolicy.TRANSIENT_LOCAL if topic.latched else DurabilityPolicy.VOLATILE
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=_DEPTH,
        reliability=(
            ReliabilityPolicy.BEST_EFFORT if topic.best_effort else ReliabilityPolicy.RELIABLE
        ),
        durability=durability,
    )
