"""Cameras and network streams that OpenCV opens, stamped when the picture arrives."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from perception_nodes.imaging.image_error import ImageError
from perception_nodes.imaging.sources.capture import Capture
from perception_nodes.imaging.sources.source import ClosingSource, SourceError, SourceOptions
from perception_nodes.streaming import NewestMailbox
from perception_nodes.structures import ColorOrder, Frame

#: How often a silent camera is looked after.
_POLL_S = 0.1
#: A driver may hang in a read for longer than anybody wants to wait at the end.
_CLOSE_TIMEOUT_S = 2.0


class WebcamSource(ClosingSource):
    """
    Live frames, always the newest: those that come while nobody asks are dropped.

    A thread of its own empties the driver's queue, which would otherwise hand out old pictures
    to a slow reader.

    :param device: device number (``0``), device path (``/dev/video0``) or stream URL.
    :param options: ``frame_id`` and ``max_pixels`` are used.
    :param clock_ns: time of arrival since 1970 in nanoseconds.
    :raises SourceError: when the camera cannot be opened; the text lists those present.
    """

    live = True

    def __init__(
        self,
        device: str,
        options: SourceOptions | None = None,
        *,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        super().__init__()
        self._device = device
        self._options = options or SourceOptions()
        self._clock_ns = clock_ns
        self._capture = self._open()
        self._closed = threading.Event()
        self._frames: NewestMailbox[Frame] = NewestMailbox()
        self._reader = threading.Thread(target=self._read, name='camera', daemon=True)

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self._capture.size_wh

    @property
    def rate_hz(self) -> float:
        """Frames per second as the driver says, 0 when it does not."""
        return self._capture.rate_hz

    @property
    def length(self) -> None:
        """A camera has no end."""
        return

    def __iter__(self) -> Iterator[Frame]:
        """
        Yield the newest frame at each step until ``close`` is called.

        :raises SourceError: when the camera stops delivering.
        """
        if self._reader.ident is None:
            self._reader.start()
        while not self._closed.is_set():
            ended = not self._reader.is_alive()
            frame = self._frames.take(0 if ended else _POLL_S)
            if frame is not None:
                yield frame
            elif ended and not self._closed.is_set():
                raise SourceError(
                    f'camera {self._device!r} stopped delivering; check the cable and whether '
                    'another program took it'
                )

    def close(self) -> None:
        """Release the camera."""
        self._closed.set()
        if self._reader.ident is not None:
            self._reader.join(_CLOSE_TIMEOUT_S)
        # Releasing under a reader that hangs in the driver would crash the process.
        if not self._reader.is_alive():
            self._capture.close()

    def _read(self) -> None:
        while not self._closed.is_set():
            pixels = self._capture.read()
            if pixels is None:
                return
            self._frames.put(
                Frame(
                    pixels=pixels,
                    color_order=ColorOrder.BGR,
                    stamp_ns=self._clock_ns(),
                    frame_id=self._options.frame_id,
                )
            )

    def _open(self) -> Capture:
        target = int(self._device) if self._device.isdecimal() else self._device
        try:
            return Capture(target, self._options.max_pixels)
        except ImageError as error:
            raise SourceError(f'camera {self._device!r}: {error}') from error
        except OSError as error:
            present = ', '.join(sorted(str(path) for path in Path('/dev').glob('video*')))
            raise SourceError(
                f'camera {self._device!r} cannot be opened; cameras present: '
                f'{present or "none"}; check the cable, the group "video", and that no other '
                'program uses it'
            ) from error
