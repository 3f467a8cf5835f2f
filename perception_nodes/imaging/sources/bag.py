"""rosbag2 recordings (sqlite3 and MCAP), read without ROS."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from rosbags.highlevel import AnyReader, AnyReaderError
from rosbags.typesys import Stores, get_typestore

from perception_nodes.imaging.calibration import CameraCalibration
from perception_nodes.imaging.compressed import compressed_size_wh, decode_compressed
from perception_nodes.imaging.encodings import decode_image
from perception_nodes.imaging.image_error import ImageError
from perception_nodes.imaging.sources.source import (
    ClosingSource,
    RecordedFrame,
    SourceError,
    SourceOptions,
    existing,
)
from perception_nodes.structures import Frame

_log = logging.getLogger(__name__)

_RAW = 'sensor_msgs/msg/Image'
_COMPRESSED = 'sensor_msgs/msg/CompressedImage'
_INFO = 'sensor_msgs/msg/CameraInfo'
_NS = 1_000_000_000


class BagSource(ClosingSource):
    """
    Frames of one image topic of a bag, with the stamps of their headers.

    :param path: folder of a rosbag2, or a single ``.mcap`` or ``.db3`` file.
    :param options: ``topic``, ``frame_id`` and ``max_pixels`` are used.
    :raises SourceError: when the bag or the topic cannot be read; the text lists the image
        topics.
    """

    def __init__(self, path: str | Path, options: SourceOptions | None = None) -> None:
        super().__init__()
        self._path = existing(path)
        self._options = options or SourceOptions()
        self._reader = self._open()
        try:
            self._topic = self._choose_topic()
        except SourceError:
            self.close()
            raise
        self._size_wh: tuple[int, int] | None = None

    @property
    def topic(self) -> str:
        """The image topic that is read."""
        return self._topic

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height of the first readable frame."""
        if self._size_wh is None:
            self._size_wh = self._first_size_wh()
        return self._size_wh

    @property
    def rate_hz(self) -> float:
        """Mean frames per second over the bag's duration, 0 for fewer than two frames."""
        duration_s = self._reader.duration / _NS
        return (self.length - 1) / duration_s if self.length > 1 and duration_s > 0 else 0.0

    @property
    def length(self) -> int:
        """Number of messages on the topic, broken ones included."""
        return self._reader.topics[self._topic].msgcount

    def calibration(self) -> CameraCalibration | None:
        """Return what the first readable ``camera_info`` beside the image topic says."""
        base = self._topic.removesuffix('/compressed').rpartition('/')[0]
        info = self._reader.topics.get(f'{base}/camera_info')
        if info is None or info.msgtype != _INFO:
            return None
        for message, _ in self._messages(f'{base}/camera_info', counted=False):
            return CameraCalibration(
                size_wh=(int(message.width), int(message.height)),
                distortion_model=str(message.distortion_model),
                d=tuple(message.d.tolist()),
                k=tuple(message.k.tolist()),
                r=tuple(message.r.tolist()),
                p=tuple(message.p.tolist()),
            )
        return None

    def __iter__(self) -> Iterator[Frame]:
        """Yield the readable frames in the order of recording."""
        for message, recorded_ns in self._messages():
            try:
                frame = self._frame(message, recorded_ns)
            except ImageError as error:
                self.skipped[str(error.reason)] += 1
                _log.warning('%s: a frame skipped: %s', self._topic, error)
                continue
            yield frame

    def close(self) -> None:
        """Close the bag."""
        with suppress(AnyReaderError):  # says that it is closed already
            self._reader.close()

    def _open(self) -> AnyReader:
        # Bags before ROS 2 Iron hold no message definitions; the standard ones are stable.
        store = get_typestore(Stores.ROS2_HUMBLE)
        try:
            reader = AnyReader([self._path], default_typestore=store)
            reader.open()
        # The reader lets errors of its storage libraries through: sqlite3, struct, lz4, zstd.
        except Exception as error:
            raise SourceError(
                f'{self._path.name!r} is not a readable rosbag2 ({error}); give the folder with '
                'metadata.yaml, or a .mcap or .db3 file; ros2 bag reindex repairs a cut-off bag'
            ) from error
        return reader

    def _choose_topic(self) -> str:
        images = {
            name: info.msgtype
            for name, info in sorted(self._reader.topics.items())
            if info.msgtype in (_RAW, _COMPRESSED)
        }
        if self._options.topic in images:
            return self._options.topic
        if not self._options.topic and len(images) == 1:
            return next(iter(images))
        kinds = images or {name: str(info.msgtype) for name, info in self._reader.topics.items()}
        listed = ', '.join(f'{name} [{kind.rpartition("/")[2]}]' for name, kind in kinds.items())
        if not images:
            listed = f'none; other topics: {listed or "none"}'
        wanted = repr(self._options.topic) if self._options.topic else 'no topic given'
        raise SourceError(f'{self._path.name!r}: {wanted}; image topics in this bag: {listed}')

    def _messages(self, topic: str = '', *, counted: bool = True) -> Iterator[tuple[Any, int]]:
        wanted = topic or self._topic
        connections = [item for item in self._reader.connections if item.topic == wanted]
        for connection, recorded_ns, data in self._reader.messages(connections):
            try:
                message = self._reader.deserialize(data, connection.msgtype)
            # Damaged bytes surface as whatever the generated reader stumbles over.
            except Exception as error:
                if counted:
                    self.skipped['broken_message'] += 1
                    _log.warning('%s: a message skipped: %s', self._topic, error)
                continue
            yield message, recorded_ns

    def _frame(self, message: Any, recorded_ns: int) -> Frame:
        stamp = message.header.stamp
        # Drivers that do not stamp leave zero; the time of recording is the next best.
        stamp_ns = stamp.sec * _NS + stamp.nanosec or recorded_ns
        frame_id = self._options.frame_id or message.header.frame_id
        limit = self._options.max_pixels
        if not hasattr(message, 'format'):
            view = decode_image(
                message.data,
                message.height,
                message.width,
                message.encoding,
                message.step,
                bool(message.is_bigendian),
                max_pixels=limit,
            )
            return view.to_frame(stamp_ns, frame_id)
        frame = decode_compressed(message.data, message.format, max_pixels=limit).to_frame()
        return RecordedFrame(
            pixels=frame.pixels,
            color_order=frame.color_order,
            stamp_ns=stamp_ns,
            frame_id=frame_id,
            compressed=message.data.tobytes(),
            compressed_format=message.format,
        )

    def _first_size_wh(self) -> tuple[int, int]:
        for message, _ in self._messages(counted=False):
            try:
                if hasattr(message, 'format'):
                    return compressed_size_wh(message.data)
                return message.width, message.height
            except ImageError:
                continue
        raise SourceError(f'{self._path.name!r}: topic {self._topic!r} holds no readable frame')
