"""
Videos that browsers play, written with what OpenCV brings along.

WebM with VP8 is the choice: OpenCV's build holds libvpx (BSD licence), every browser plays it, and
neither H.264 patents nor a GPL encoder come in. MP4 (MPEG-4 part 2) and AVI (Motion JPEG) are
there for other programs; browsers do not play them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

import cv2
import numpy as np

from perception_nodes.structures import ColorOrder, Frame

FOURCC_OF_SUFFIX = {'.webm': 'VP80', '.mp4': 'mp4v', '.avi': 'MJPG'}
"""Codec by file name; only ``.webm`` plays in browsers."""


class VideoWriter:
    """
    Writes frames of one size at a fixed rate; use it as a context manager.

    The file is opened at the first frame, so that a video without frames leaves no broken file.

    :param path: its suffix chooses the codec, see :data:`FOURCC_OF_SUFFIX`.
    :param fps: frames per second of the video.
    :raises ValueError: for an unknown suffix or a rate that is not above 0.
    """

    def __init__(self, path: Path, fps: float) -> None:
        if path.suffix.lower() not in FOURCC_OF_SUFFIX:
            known = ', '.join(FOURCC_OF_SUFFIX)
            raise ValueError(f'{path.name}: unknown video suffix; use one of {known}')
        if not fps > 0:
            raise ValueError(f'{path.name}: fps must be above 0, got {fps!r}')
        self._path = path
        self._fps = fps
        self._writer: cv2.VideoWriter | None = None
        self._size_wh = (0, 0)
        self.frame_count = 0

    def write(self, frame: Frame) -> None:
        """
        Append a frame.

        :raises ValueError: when its size differs from the first one's.
        :raises OSError: when the file cannot be written, or the codec is missing.
        """
        if self._writer is None:
            self._size_wh = frame.size_wh
            self._writer = self._open()
        if frame.size_wh != self._size_wh:
            raise ValueError(f'{self._path.name}: frame {frame.size_wh}, video {self._size_wh}')
        self._writer.write(np.ascontiguousarray(frame.in_order(ColorOrder.BGR)))
        self.frame_count += 1

    def close(self) -> None:
        """Finish the file; may be called twice."""
        if self._writer is not None:
            self._writer.release()
            self._writer = None

    def __enter__(self) -> VideoWriter:
        """Return the writer itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Finish the file, also after an error: what was written stays playable."""
        self.close()

    def _open(self) -> cv2.VideoWriter:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fourcc = cv2.VideoWriter.fourcc(*FOURCC_OF_SUFFIX[self._path.suffix.lower()])
        with _quiet_stderr():
            writer = cv2.VideoWriter(str(self._path), fourcc, self._fps, self._size_wh)
        if not writer.isOpened():
            raise OSError(
                f'cannot write {self._path}: folder not writeable, or this OpenCV lacks the codec '
                f'{FOURCC_OF_SUFFIX[self._path.suffix.lower()]} (cure: pip install opencv-python)'
            )
        return writer


@contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Hold back what FFmpeg prints past Python: it complains about VP8's tag, and then works."""
    sys.stderr.flush()
    kept = os.dup(2)
    sink = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(sink, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(sink)
