"""A bag that is written in a thread of its own, so that no subscription waits for the disk."""

from __future__ import annotations

import logging
import queue
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rosbags.interfaces import (
    Connection,
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
)
from rosbags.rosbag2 import StoragePlugin, Writer

from perception_nodes.ros.recorder_types import bag_typestore

_log = logging.getLogger(__name__)

# Longer than any message waits for the disk; a thread that is stuck must not hang the program.
_CLOSE_TIMEOUT_S = 30.0
_FOREVER = QosTime(9223372036, 854775807)


@dataclass(frozen=True, kw_only=True)
class BagTopic:
    """
    One topic of a bag.

    :param name: absolute topic name.
    :param type_name: as in ``sensor_msgs/msg/Image``.
    :param latched: a player offers it transient local, as ``/tf_static`` needs it.
    :param convert: makes the bytes that are written of the bytes that came; runs in the writer's
        thread, and what it raises is counted as a drop.
    """

    name: str
    type_name: str
    latched: bool = False
    convert: Callable[[bytes], bytes] | None = None


@dataclass(frozen=True, kw_only=True)
class BagCounts:
    """
    Messages by topic; ``received == written + dropped + waiting`` for every topic.

    :param dropped: the queue was full, the conversion failed, or the disk did.
    """

    received: dict[str, int] = field(default_factory=dict)
    written: dict[str, int] = field(default_factory=dict)
    dropped: dict[str, int] = field(default_factory=dict)


class BagThread:
    """
    Writes serialised messages as a rosbag2 folder with one MCAP file.

    ``put`` never blocks and may be called from any thread. Nothing is lost without being counted.

    :param path: folder that does not exist yet.
    :param topics: what may be put.
    :param capacity: most messages that wait for the disk.
    :raises ValueError: when the folder exists, or a type is unknown.
    """

    def __init__(self, path: Path, topics: tuple[BagTopic, ...], *, capacity: int = 120) -> None:
        if path.exists():
            raise ValueError(f'{path} exists already; move it away or choose another folder')
        self._topics = {topic.name: topic for topic in topics}
        self._queue: queue.Queue[tuple[str, int, bytes] | None] = queue.Queue(capacity)
        self._lock = threading.Lock()
        self._received: Counter[str] = Counter()
        self._written: Counter[str] = Counter()
        self._dropped: Counter[str] = Counter()
        self._closed = False
        self._error: Exception | None = None
        self._writer = Writer(
            path, version=Writer.VERSION_LATEST, storage_plugin=StoragePlugin.MCAP
        )
        self._writer.open()
        self._connections = _connections(self._writer, topics)
        self._thread = threading.Thread(target=self._run, name='bag', daemon=True)
        self._thread.start()

    def put(self, topic: str, time_ns: int, data: bytes) -> bool:
        """
        Leave a message for the writer.

        :param topic: name of one of the topics.
        :param time_ns: time by which players order the messages.
        :param data: CDR bytes with their header.
        :returns: False when it was dropped, because the queue is full or the bag is closed.
        """
        with self._lock:
            self._received[topic] += 1
            if not self._closed:
                try:
                    self._queue.put_nowait((topic, time_ns, data))
                    return True
                except queue.Full:
                    pass
            self._dropped[topic] += 1
            return False

    @property
    def counts(self) -> BagCounts:
        """A consistent snapshot of the counters."""
        with self._lock:
            return BagCounts(
                received=dict(self._received),
                written=dict(self._written),
                dropped=dict(self._dropped),
            )

    def close(self) -> BagCounts:
        """
        Write what waits, finish the file and return the final counts; may be called twice.

        :raises OSError: when the disk failed; what was written before is kept.
        """
        with self._lock:
            first, self._closed = not self._closed, True
        if first:
            self._queue.put(None)
            self._thread.join(_CLOSE_TIMEOUT_S)
            self._writer.close()
        if isinstance(self._error, OSError):
            raise self._error
        return self.counts

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            topic, time_ns, data = item
            counter = self._written if self._write(topic, time_ns, data) else self._dropped
            with self._lock:
                counter[topic] += 1

    def _write(self, topic: str, time_ns: int, data: bytes) -> bool:
        convert = self._topics[topic].convert
        try:
            data = convert(data) if convert else data
            self._writer.write(self._connections[topic], time_ns, data)
        except (OSError, ValueError) as error:
            self._error = self._error or error
            _log.warning('%s: a message was not recorded: %s', topic, error)
            return False
        return True


def _connections(writer: Writer, topics: tuple[BagTopic, ...]) -> Mapping[str, Connection]:
    store = bag_typestore(tuple(topic.type_name for topic in topics))
    return {
        topic.name: writer.add_connection(
            topic.name,
            topic.type_name,
            typestore=store,
            offered_qos_profiles=[_qos(latched=topic.latched)],
        )
        for topic in topics
    }


def _qos(*, latched: bool) -> Qos:
    durability = QosDurability.TRANSIENT_LOCAL if latched else QosDurability.VOLATILE
    return Qos(
        history=QosHistory.KEEP_LAST,
        depth=1 if latched else 10,
        reliability=QosReliability.RELIABLE,
        durability=durability,
        deadline=_FOREVER,
        lifespan=_FOREVER,
        liveliness=QosLiveliness.AUTOMATIC,
        liveliness_lease_duration=_FOREVER,
        avoid_ros_namespace_conventions=False,
    )
