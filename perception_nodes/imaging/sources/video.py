"""Video files, with stamps from the presentation times in the container."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

from perception_nodes.imaging.image_error import ImageError
from perception_nodes.imaging.sources.capture import Capture
from perception_nodes.imaging.sources.source import (
    ClosingSource,
    SourceError,
    SourceOptions,
    existing,
)
from perception_nodes.structures import ColorOrder, Frame

_log = logging.getLogger(__name__)

#: Rate for the rare container that names neither presentation times nor a rate.
_FALLBACK_RATE_HZ = 25.0
#: Containers announce one frame more or less than they hold.
_LENGTH_TOLERANCE = 2


class VideoSource(ClosingSource):
    """
    Frames of a video file.

    :param path: anything that OpenCV's FFmpeg reads.
    :param options: ``frame_id``, ``max_pixels`` and ``first_stamp_ns`` are used.
    :raises SourceError: when there is no readable video.
    """

    def __init__(self, path: str | Path, options: SourceOptions | None = None) -> None:
        super().__init__()
        self._path = existing(path)
        self._options = options or SourceOptions()
        self._capture: Capture | None = None
        with_header = self._open()
        self._size_wh = with_header.size_wh
        self._rate_hz = with_header.rate_hz
        self._length = with_header.length
        with_header.close()

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self._size_wh

    @property
    def rate_hz(self) -> float:
        """Frames per second as the container says."""
        return self._rate_hz

    @property
    def length(self) -> int | None:
        """Number of frames as the container says; it may be off by one."""
        return self._length

    def __iter__(self) -> Iterator[Frame]:
        """Yield frames from the first one; presentation times are kept strictly increasing."""
        self.close()
        capture = self._capture = self._open()
        period_ns = round(1e9 / (self._rate_hz or _FALLBACK_RATE_HZ))
        count, stamp_ns = 0, self._options.first_stamp_ns - period_ns
        while (pixels := capture.read()) is not None:
            presented_ns = self._options.first_stamp_ns + capture.position_ns
            stamp_ns = presented_ns if presented_ns > stamp_ns else stamp_ns + period_ns
            count += 1
            yield Frame(
                pixels=pixels,
                color_order=ColorOrder.BGR,
                stamp_ns=stamp_ns,
                frame_id=self._options.frame_id,
            )
        self._note_end(count)
        self.close()

    def close(self) -> None:
        """Close the file."""
        if self._capture is not None:
            self._capture.close()
            self._capture = None

    def _open(self) -> Capture:
        try:
            return Capture(str(self._path), self._options.max_pixels)
        except ImageError as error:
            raise SourceError(f'{self._path.name!r}: {error}') from error
        except OSError as error:
            raise SourceError(
                f'{self._path.name!r} is not a video that OpenCV can read; check the file, or '
                'convert it: ffmpeg -i <file> -c:v libx264 <new>.mp4'
            ) from error

    def _note_end(self, count: int) -> None:
        missing = (self._length or 0) - count
        if missing > _LENGTH_TOLERANCE:
            self.skipped['cut_off'] += missing
            _log.warning(
                '%s ends after %d of %d frames: cut off or damaged',
                self._path.name,
                count,
                self._length,
            )
