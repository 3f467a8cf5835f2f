"""Frames of folders, videos and bags in memory, each scene once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from perception_nodes.curation.bag_frames import show_the_same
from perception_nodes.curation.fingerprint import Fingerprints, fingerprint, nearest_before
from perception_nodes.evaluation.picture_folders import pictures_in
from perception_nodes.imaging.sources.folder import SUFFIXES, FolderSource
from perception_nodes.imaging.sources.registry import open_source
from perception_nodes.imaging.sources.source import FrameSource, SourceError, SourceOptions
from perception_nodes.structures import ColorOrder, Frame


@dataclass(frozen=True, eq=False, kw_only=True)
class FrameSet:
    """
    Frames that differ.

    :param pictures: (H, W, 3) uint8 RGB each.
    :param names: ``<number of the source>_<number>``, as ``split_by_time`` reads them.
    :param same: how many were left out because they show what another one shows.
    :param skipped: how many could not be read, by reason.
    """

    pictures: tuple[np.ndarray, ...]
    names: tuple[str, ...]
    same: int
    skipped: dict[str, int]

    def part(self, indices: Sequence[int]) -> list[np.ndarray]:
        """Return some of the pictures."""
        return [self.pictures[index] for index in indices]


def gather_frames(
    places: Sequence[str],
    *,
    side_px: int,
    every: int = 1,
    topic: str = '',
    advance: Callable[[], object] = lambda: None,
) -> FrameSet:
    """
    Read frames and keep of those that show the same the first.

    :param places: folders, also with pictures in their subfolders; pictures; videos; bags.
    :param side_px: frames whose shorter side is longer are shrunk to it.
    :param every: take every so many frames of each source, at least 1.
    :param topic: image topic of bags; empty takes the only one.
    :param advance: called after each frame that was looked at.
    :raises SourceError: for a place that holds no frames, or a camera.
    :raises ValueError: when not one frame could be read.
    """
    if every < 1 or side_px < 1:
        raise ValueError(f'every {every} and side_px {side_px} must be 1 or more')
    pictures, prints, numbers = [], [], []
    same, skipped = 0, Counter[str]()
    for number, source in enumerate(_opened(places, SourceOptions(topic=topic))):
        last = None
        with source:
            for index, frame in enumerate(source):
                if index % every:
                    continue
                advance()
                print_ = fingerprint(frame.in_order(ColorOrder.BGR))
                if last is not None and show_the_same(last, print_):
                    same += 1
                    continue
                last = print_
                pictures.append(_shrunk(frame, side_px))
                prints.append(print_)
                numbers.append(number)
        skipped.update(source.skipped)
    if not pictures:
        reasons = ', '.join(f'{count}× {reason}' for reason, count in skipped.items())
        raise ValueError(f'{", ".join(places)}: not one frame could be read: {reasons or "empty"}')
    partner, _ = nearest_before(Fingerprints.of(prints), np.zeros(len(prints)), same_group=True)
    kept = np.flatnonzero(partner < 0).tolist()
    return FrameSet(
        pictures=tuple(pictures[index] for index in kept),
        names=tuple(_names([numbers[index] for index in kept])),
        same=same + len(pictures) - len(kept),
        skipped=dict(skipped),
    )


def _opened(places: Sequence[str], options: SourceOptions) -> Iterator[FrameSource]:
    """Yield the sources of all places; a folder of folders is a source for each of them."""
    for place in places:
        for path in _folders(place) or [place]:
            source = FolderSource(path, options) if path is not place else open_source(
                place, options
            )  # fmt: skip
            if source.live:
                source.close()
                raise SourceError(f'{place}: a camera never ends; record a video or a bag first')
            yield source


def _folders(place: str) -> list[str]:
    """Return the folders below a folder that has pictures only in them, else none."""
    path = Path(place).expanduser()
    if not path.is_dir() or any(item.suffix.lower() in SUFFIXES for item in path.iterdir()):
        return []
    return sorted({str(picture.parent) for picture in pictures_in(path)})


def _shrunk(frame: Frame, side_px: int) -> np.ndarray:
    """Return (H, W, 3) uint8 RGB, its shorter side at most that long."""
    rgb = np.ascontiguousarray(frame.in_order(ColorOrder.RGB))
    factor = side_px / min(frame.size_wh)
    if factor >= 1:
        return rgb
    width, height = (max(1, round(side * factor)) for side in frame.size_wh)
    return np.asarray(cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA))


def _names(numbers: Sequence[int]) -> Iterator[str]:
    """Yield a name for each frame: its source, and its place among the frames of the source."""
    seen = Counter[int]()
    for number in numbers:
        yield f'{number:04d}_{seen[number]:06d}'
        seen[number] += 1
