"""Frames of a recording as pictures to label, without those that show the same as the last."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from perception_nodes.curation.fingerprint import Fingerprints, fingerprint, nearest_before
from perception_nodes.imaging.calibration import write_calibration
from perception_nodes.imaging.compressed import encode_compressed
from perception_nodes.imaging.encodings import ImageView
from perception_nodes.imaging.sources.bag import BagSource
from perception_nodes.imaging.sources.source import RecordedFrame
from perception_nodes.structures import ColorOrder, Frame

INDEX, CALIBRATION = 'frames.jsonl', 'camera_info.yaml'
_JPEG_START = b'\xff\xd8'
_NS = 1e9


@dataclass(frozen=True, kw_only=True)
class FrameChoice:
    """
    Which frames to take.

    :param every_s: least time between two, by their stamps; 0 takes all.
    :param limit: most frames; None takes all.
    :param keep_duplicates: keep what shows the same as the frame taken last.
    """

    every_s: float = 0.0
    limit: int | None = None
    keep_duplicates: bool = False

    def __post_init__(self) -> None:
        """Refuse values that mean nothing."""
        if not self.every_s >= 0 or (self.limit is not None and self.limit < 1):
            raise ValueError(
                f'every {self.every_s} must be 0 s or more, limit {self.limit} 1 or more'
            )


@dataclass(frozen=True, kw_only=True)
class BagImport:
    """
    What became of the frames.

    :param written: pictures.
    :param same: left out because they show the same as the one before.
    :param too_soon: left out for the time between frames.
    :param unreadable: how many could not be read, by reason.
    :param calibrated: whether there is a calibration beside the pictures.
    """

    written: int
    same: int
    too_soon: int
    unreadable: dict[str, int]
    calibrated: bool


def import_frames(
    source: BagSource,
    name: str,
    folder: Path,
    choice: FrameChoice,
    advance: Callable[[], object] = lambda: None,
) -> BagImport:
    """
    Write ``<name>_000000.png`` …, an index, and the calibration where the recording has one.

    JPEG and PNG are written byte for byte as they were recorded, raw frames as PNG with 8 bits.
    A line of the index has file, stamp in ns, topic and frame.

    :param name: what the pictures are called; with the numbers, ``split_by_time`` reads it.
    :param advance: called after each frame that was read.
    :raises ValueError: when the folder has an index, or not one frame could be read.
    """
    if (folder / INDEX).exists():
        raise ValueError(f'{folder / INDEX} is there already; give another --out, or remove it')
    folder.mkdir(parents=True, exist_ok=True)
    filter_ = _Filter(choice)
    written = 0
    with (folder / INDEX).open('w', encoding='utf-8') as index:
        for frame in source:
            advance()
            if not filter_.takes(frame):
                continue
            file = _write(frame, folder / f'{name}_{written:06d}')
            row = {'file': file, 'stamp_ns': frame.stamp_ns, 'topic': source.topic}
            index.write(json.dumps({**row, 'frame_id': frame.frame_id}) + '\n')
            written += 1
            if written == choice.limit:
                break
    if not written:
        (folder / INDEX).unlink()
        reasons = ', '.join(f'{count}× {reason}' for reason, count in source.skipped.items())
        raise ValueError(
            f'{source.topic}: not one frame could be read: {reasons or "it is empty"}'
        )
    calibration = source.calibration()
    if calibration is not None:
        write_calibration(folder / CALIBRATION, calibration, name)
    return BagImport(
        written=written,
        same=filter_.same,
        too_soon=filter_.too_soon,
        unreadable=dict(source.skipped),
        calibrated=calibration is not None,
    )


class _Filter:
    """Decides frame by frame, and counts what it leaves out."""

    def __init__(self, choice: FrameChoice) -> None:
        self.same = self.too_soon = 0
        self._choice = choice
        self._stamp_ns: int | None = None
        self._prints: tuple[np.ndarray, np.ndarray] | None = None

    def takes(self, frame: Frame) -> bool:
        """Tell whether to write the frame, and remember it if so."""
        if self._stamp_ns is not None:
            # A clock that jumps back starts anew.
            passed_s = (frame.stamp_ns - self._stamp_ns) / _NS
            if 0 <= passed_s < self._choice.every_s:
                self.too_soon += 1
                return False
        if not self._choice.keep_duplicates:
            prints = fingerprint(frame.in_order(ColorOrder.BGR))
            if self._prints is not None and show_the_same(self._prints, prints):
                self.same += 1
                return False
            self._prints = prints
        self._stamp_ns = frame.stamp_ns
        return True


def show_the_same(*pair: tuple[np.ndarray, np.ndarray]) -> bool:
    """Compare two fingerprints; two pictures without structure, such as a covered lens, agree."""
    if not any(hashes.any() for hashes, _ in pair):
        return True
    nearest, _ = nearest_before(Fingerprints.of(pair), np.zeros(2), same_group=True)
    return bool(nearest[1] == 0)


def _write(frame: Frame, stem: Path) -> str:
    """Write a frame and return the name of its file."""
    if isinstance(frame, RecordedFrame) and frame.compressed:
        content = frame.compressed
    else:
        content = encode_compressed(ImageView.from_frame(frame), 'png')
    path = stem.with_name(f'{stem.name}{".jpg" if content[:2] == _JPEG_START else ".png"}')
    path.write_bytes(content)
    return path.name
