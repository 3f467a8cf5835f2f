"""Pairs pictures with their boxes by stamp and hands them to a live view, newest first."""

from __future__ import annotations

import struct
import time
from dataclasses import dataclass

from rclpy.serialization import deserialize_message
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2DArray, LabelInfo

from perception_nodes.ros.detections_conversion import detections_from_msg
from perception_nodes.ros.image_conversion import frame_from_msg
from perception_nodes.streaming import Joined, NewestMailbox, StampJoin, Worker
from perception_nodes.visualization.live import LiveView

_STREAMS = ('image', 'truth', 'found')
# A result may come this much later than its picture and is still shown.
_DEADLINE_NS = 2_000_000_000
_CAPACITY = 64


@dataclass(frozen=True, kw_only=True)
class _Arrived:
    data: bytes
    arrived_ns: int


class ViewFeed:
    """
    Takes serialised messages on the executor's thread; decodes and shows in a worker.

    A view that is slower than the camera shows the newest picture and skips the others.

    :param view: called from the worker's thread only.
    """

    def __init__(self, view: LiveView) -> None:
        self._view = view
        self._join: StampJoin[_Arrived] = StampJoin(
            _STREAMS, deadline_ns=_DEADLINE_NS, capacity=_CAPACITY
        )
        self._names: tuple[str, ...] = ()
        self._mailbox: NewestMailbox[Joined[_Arrived]] = NewestMailbox()
        self._errors: list[str] = []
        self._worker = Worker(self._mailbox, self._show, on_error=self._note, name='live_view')
        self._worker.start()

    @property
    def errors(self) -> list[str]:
        """What could not be shown, and why."""
        return self._errors

    def image(self, data: bytes) -> None:
        """Take a serialised ``Image``."""
        self._add('image', data)

    def truth(self, data: bytes) -> None:
        """Take the serialised ``Detection2DArray`` of true boxes."""
        self._add('truth', data)

    def found(self, data: bytes) -> None:
        """Take the serialised ``Detection2DArray`` of the detector."""
        self._add('found', data)

    def labels(self, data: bytes) -> None:
        """Take the serialised ``LabelInfo`` of the detector."""
        classes = deserialize_message(data, LabelInfo).class_map
        self._names = tuple(item.class_name for item in sorted(classes, key=lambda c: c.class_id))

    def close(self) -> None:
        """Show nothing any more."""
        self._worker.stop()
        self._view.close()

    def _add(self, stream: str, data: bytes) -> None:
        now_ns = time.monotonic_ns()
        item = _Arrived(data=data, arrived_ns=now_ns)
        joined = self._join.add(stream, stamp_of(data), item, now_ns)
        if joined is not None:
            self._mailbox.put(joined)

    def _show(self, joined: Joined[_Arrived]) -> None:
        image, truth, found = (joined.items[name] for name in _STREAMS)
        truth_message = deserialize_message(truth.data, Detection2DArray)
        names = self._known_names(truth_message)
        self._view.show(
            frame_from_msg(deserialize_message(image.data, Image)),
            detections_from_msg(deserialize_message(found.data, Detection2DArray), names),
            detections_from_msg(truth_message, names),
            names,
            (found.arrived_ns - image.arrived_ns) / 1e6,
        )

    def _known_names(self, truth: Detection2DArray) -> tuple[str, ...]:
        """Return the detector's classes, then true ones that it does not know."""
        true_names = {
            result.hypothesis.class_id for item in truth.detections for result in item.results
        }
        return self._names + tuple(sorted(true_names - set(self._names)))

    def _note(self, joined: Joined[_Arrived], error: Exception) -> None:
        if not self._errors:
            self._errors.append(f'{type(error).__name__}: {error}')


def stamp_of(data: bytes) -> int:
    """
    Return the stamp in nanoseconds of a serialised message that begins with a header.

    :param data: CDR bytes: 4 bytes of encapsulation, of which the second tells the byte order,
        then seconds and nanoseconds (OMG DDS-XTypes 1.3, 7.4.3).
    """
    seconds, nanoseconds = struct.unpack_from('<iI' if data[1] & 1 else '>iI', data, 4)
    return seconds * 1_000_000_000 + nanoseconds
