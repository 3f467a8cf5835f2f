"""The contract that every source of frames fulfils."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Protocol, TypeVar

from perception_nodes.imaging.encodings import MAX_PIXELS
from perception_nodes.structures import Frame

S = TypeVar('S')

#: Where recordings without a clock begin. Not 0, which TF understands as "the latest".
FIRST_STAMP_NS = 1_000_000_000


class SourceError(ValueError):
    """A source that cannot be opened or that broke; the text names it and the cure."""


class FolderStamps(str, Enum):
    """Where the stamps of a folder of pictures come from."""

    RATE = 'rate'
    FILE_NAMES = 'file_names'


@dataclass(frozen=True, kw_only=True)
class SourceOptions:
    """
    How to read a source; each source takes what concerns it.

    :param frame_id: optical frame of the camera; empty keeps what a bag says.
    :param rate_hz: frames per second of a folder with ``rate`` stamps.
    :param stamps: stamps of a folder.
    :param topic: image topic of a bag; empty takes the only one.
    :param max_pixels: larger pictures are refused before they are decoded.
    :param first_stamp_ns: stamp of the first frame where a recording has no clock of its own.
    """

    frame_id: str = ''
    rate_hz: float = 10.0
    stamps: FolderStamps = FolderStamps.RATE
    topic: str = ''
    max_pixels: int = MAX_PIXELS
    first_stamp_ns: int = FIRST_STAMP_NS

    def __post_init__(self) -> None:
        """Refuse a rate that is not a rate."""
        if not self.rate_hz > 0:
            raise SourceError(f'rate_hz {self.rate_hz!r} must be above 0, for example 10.0')
        object.__setattr__(self, 'stamps', FolderStamps(self.stamps))


@dataclass(frozen=True, eq=False, kw_only=True)
class RecordedFrame(Frame):
    """
    A frame that was stored compressed, with the bytes as they were recorded.

    :param compressed: JPEG or PNG bytes.
    :param compressed_format: as in ``sensor_msgs/CompressedImage``.
    """

    compressed: bytes = b''
    compressed_format: str = ''


class FrameSource(Protocol):
    """
    Frames of a recording or a camera.

    Each iteration starts at the first frame again, except for live cameras. What cannot be read
    is skipped, logged and counted, and never ends the iteration of the rest.

    :ivar skipped: ``{reason: count}`` of what could not be read.
    :ivar live: frames are of now, and cannot be read twice.
    """

    skipped: Counter[str]
    live: bool

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height of the first frame in pixels; later ones of a folder may differ."""

    @property
    def rate_hz(self) -> float:
        """Frames per second as recorded; 0 when the source does not know."""

    @property
    def length(self) -> int | None:
        """How many frames there are, as the container says; None for live sources."""

    def __iter__(self) -> Iterator[Frame]:
        """Yield frames with stamps."""

    def close(self) -> None:
        """Give back files and devices; may be called twice."""

    def __enter__(self: S) -> S:
        """Return the source itself."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the source."""


class ClosingSource:
    """What sources share: counting, and closing at the end of a ``with`` block."""

    live = False

    def __init__(self) -> None:
        self.skipped: Counter[str] = Counter()

    def close(self) -> None:
        """Give back files and devices; may be called twice."""

    def __enter__(self: S) -> S:
        """Return the source itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the source."""
        self.close()


def existing(path: str | Path) -> Path:
    """
    Return the path.

    :raises SourceError: when nothing is there.
    """
    found = Path(path).expanduser()
    if not found.exists():
        raise SourceError(f'{str(path)!r} does not exist; give an existing file or folder')
    return found
