"""Messages of a recorded bag, handed to whoever wants their topic; without ROS."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rosbags.highlevel import AnyReader


def read_topics(bag: Path, handlers: Mapping[str, Callable[[int, Any], object]]) -> None:
    """
    Call handlers with the messages of their topics, in the order of recording.

    :param bag: rosbag2 folder.
    :param handlers: by topic; called with the recorded time in ns and the message. Topics that
        the bag lacks are never called.
    """
    with AnyReader([bag]) as reader:
        wanted = [item for item in reader.connections if item.topic in handlers]
        for connection, time_ns, data in reader.messages(connections=wanted):
            handlers[connection.topic](time_ns, reader.deserialize(data, connection.msgtype))


def stamp_ns(stamp: Any) -> int:
    """Return a ``builtin_interfaces/Time`` in nanoseconds."""
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)


def class_names_of(label_info: Any) -> list[str]:
    """Return the names of a ``vision_msgs/LabelInfo`` by their numbers."""
    return [item.class_name for item in sorted(label_info.class_map, key=lambda c: c.class_id)]
