"""Folders of pictures, in natural order, with stamps from a rate or from file names."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from perception_nodes.imaging.compressed import PICTURE_SUFFIXES, compressed_size_wh
from perception_nodes.imaging.encodings import check_size
from perception_nodes.imaging.image_error import ImageError, ImageReason
from perception_nodes.imaging.sources.source import (
    ClosingSource,
    FolderStamps,
    SourceError,
    SourceOptions,
    existing,
)
from perception_nodes.structures import ColorOrder, Frame

_log = logging.getLogger(__name__)

SUFFIXES = frozenset({'.jpg', '.jpeg', '.png', '.bmp', '.webp', '.tif', '.tiff', '.ppm', '.pgm'})
_NUMBER = re.compile(r'\d+(?:\.\d+)?')
#: Digits before the point of a time since 1970, and nanoseconds per unit: s, ms, µs, ns.
_UNIT_NS = {10: 1_000_000_000, 13: 1_000_000, 16: 1_000, 19: 1}


class FolderSource(ClosingSource):
    """
    Pictures of a folder, ordered so that ``frame_2`` comes before ``frame_10``.

    :param path: a folder, or one picture.
    :param options: ``frame_id``, ``rate_hz``, ``stamps``, ``max_pixels``, ``first_stamp_ns``.
    :raises SourceError: when there is no picture, or a file name without a time.
    """

    def __init__(self, path: str | Path, options: SourceOptions | None = None) -> None:
        super().__init__()
        self._options = options or SourceOptions()
        self.paths = _pictures(existing(path))
        self.stamps_ns = tuple(self._stamp_ns(index) for index in range(len(self.paths)))
        if self._options.stamps is FolderStamps.FILE_NAMES:
            order = np.argsort(np.array(self.stamps_ns, dtype=np.int64), kind='stable')
            self.paths = tuple(self.paths[index] for index in order)
            self.stamps_ns = tuple(self.stamps_ns[index] for index in order)
        self._size_wh: tuple[int, int] | None = None

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height of the first readable picture."""
        if self._size_wh is None:
            first = next((frame for frame in self._frames(quiet=True)), None)
            if first is None:
                raise SourceError(f'none of {len(self.paths)} pictures can be read')
            self._size_wh = first.size_wh
        return self._size_wh

    @property
    def rate_hz(self) -> float:
        """Frames per second by the stamps."""
        if len(self.stamps_ns) < 2 or self._options.stamps is FolderStamps.RATE:
            return self._options.rate_hz
        span_ns = self.stamps_ns[-1] - self.stamps_ns[0]
        return 1e9 * (len(self.stamps_ns) - 1) / span_ns if span_ns else 0.0

    @property
    def length(self) -> int:
        """Number of picture files, broken ones included."""
        return len(self.paths)

    def __iter__(self) -> Iterator[Frame]:
        """Yield the readable pictures; a broken one keeps its place in time."""
        return self._frames(quiet=False)

    def _frames(self, *, quiet: bool) -> Iterator[Frame]:
        for path, stamp_ns in zip(self.paths, self.stamps_ns, strict=True):
            try:
                pixels = read_picture(path, self._options.max_pixels)
            except (ImageError, OSError) as error:
                if not quiet:
                    self._skip(path, error)
                continue
            yield Frame(
                pixels=pixels,
                color_order=ColorOrder.BGR,
                stamp_ns=stamp_ns,
                frame_id=self._options.frame_id,
            )

    def _skip(self, path: Path, error: Exception) -> None:
        self.skipped[str(getattr(error, 'reason', 'unreadable_file'))] += 1
        _log.warning('%s skipped: %s', path.name, error)

    def _stamp_ns(self, index: int) -> int:
        if self._options.stamps is FolderStamps.FILE_NAMES:
            return stamp_ns_from_name(self.paths[index].stem)
        return self._options.first_stamp_ns + round(index * 1e9 / self._options.rate_hz)


def read_picture(path: Path, max_pixels: int) -> np.ndarray:
    """
    Return a picture file upright as (H, W, 3) uint8 BGR.

    :raises ImageError: when it is broken or too large.
    """
    data = path.read_bytes()
    if path.suffix.lower() in PICTURE_SUFFIXES:
        width, height = compressed_size_wh(data)
        check_size(height, width, max_pixels)
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    except cv2.error as error:
        raise ImageError(ImageReason.BROKEN_DATA, f'the decoder failed: {error.err}') from error
    if pixels is None:
        raise ImageError(ImageReason.BROKEN_DATA, 'not a picture; replace or remove the file')
    check_size(pixels.shape[0], pixels.shape[1], max_pixels)
    return pixels


def natural_key(name: str) -> list[tuple[int, int, str]]:
    """Return a sorting key in which runs of digits compare as numbers."""
    parts = re.split(r'(\d+)', name.lower())
    return [(0, int(part), '') if part.isdecimal() else (1, 0, part) for part in parts if part]


def stamp_ns_from_name(stem: str) -> int:
    """
    Return the time in a file name in nanoseconds.

    The last number with 10, 13, 16 or 19 digits before the point counts as seconds,
    milliseconds, microseconds or nanoseconds since 1970; ``1700000000.25`` is seconds.

    :raises SourceError: when there is none.
    """
    for number in reversed(_NUMBER.findall(stem)):
        whole, _, fraction = number.partition('.')
        unit_ns = _UNIT_NS.get(len(whole))
        if unit_ns is not None:
            digits = (fraction + '0' * 9)[:9]
            return int(whole) * unit_ns + int(digits) * unit_ns // 1_000_000_000
    raise SourceError(
        f'file name {stem!r} holds no time (10, 13, 16 or 19 digits: s, ms, µs, ns since 1970); '
        'rename the files, or take the stamps from the rate'
    )


def _pictures(path: Path) -> tuple[Path, ...]:
    candidates = [path] if path.is_file() else list(path.iterdir())
    found = [item for item in candidates if item.suffix.lower() in SUFFIXES and item.is_file()]
    if not found:
        raise SourceError(
            f'no picture in {path.name!r}; allowed suffixes: {", ".join(sorted(SUFFIXES))}'
        )
    return tuple(sorted(found, key=lambda item: (natural_key(item.name), item.name)))
