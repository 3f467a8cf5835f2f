"""Pictures from files, folders and videos, one by one."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2

from perception_nodes.evaluation.ground_truth import read_picture
from perception_nodes.imaging.compressed import PICTURE_SUFFIXES
from perception_nodes.structures import ColorOrder, Frame

VIDEOS = ('.mp4', '.avi', '.mov', '.mkv', '.webm', '.m4v')
_DEFAULT_FPS = 30.0


@dataclass(frozen=True, kw_only=True)
class Source:
    """
    A file to look at.

    :param path: picture or video.
    :param is_video: many frames instead of one.
    :param frame_count: how many frames there should be; a video's header may be wrong.
    :param fps: frames per second of a video.
    """

    path: Path
    is_video: bool = False
    frame_count: int = 1
    fps: float = _DEFAULT_FPS

    def frames(self) -> Iterator[Frame]:
        """
        Yield the frames.

        :raises ValueError: when the file cannot be read at all.
        """
        if self.is_video:
            yield from _video_frames(self.path, self.fps)
        else:
            yield read_picture(self.path)


def find_sources(arguments: Sequence[str]) -> list[Source]:
    """
    Return the files that the arguments name: files, folders (not their subfolders), patterns.

    :raises ValueError: for an argument that leads to nothing, naming the known suffixes.
    """
    sources = [_source(path) for argument in arguments for path in _paths(argument)]
    if not sources:
        raise ValueError('no source: give pictures, folders or videos')
    return sources


def _paths(argument: str) -> list[Path]:
    path = Path(argument).expanduser()
    if path.is_dir():
        known = [item for item in sorted(path.iterdir()) if _is_known(item)]
    elif path.is_file():
        known = [path] if _is_known(path) else []
    else:
        known = [Path(item) for item in sorted(glob.glob(argument)) if _is_known(Path(item))]
    if not known:
        raise ValueError(
            f'{argument}: no picture ({", ".join(PICTURE_SUFFIXES)}) or video '
            f'({", ".join(VIDEOS)}) there'
        )
    return known


def _is_known(path: Path) -> bool:
    return path.suffix.lower() in PICTURE_SUFFIXES + VIDEOS


def _source(path: Path) -> Source:
    if path.suffix.lower() in PICTURE_SUFFIXES:
        return Source(path=path)
    capture = cv2.VideoCapture(str(path))
    count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    fps = capture.get(cv2.CAP_PROP_FPS)
    capture.release()
    rate = fps if 0 < fps < 1000 else _DEFAULT_FPS
    return Source(path=path, is_video=True, frame_count=max(0, count), fps=rate)


def _video_frames(path: Path, fps: float) -> Iterator[Frame]:
    capture = cv2.VideoCapture(str(path))
    try:
        index = 0
        while True:
            ok, pixels = capture.read()
            if not ok:
                break
            stamp_ns = round(index / fps * 1e9)
            yield Frame(pixels=pixels, color_order=ColorOrder.BGR, stamp_ns=stamp_ns)
            index += 1
    finally:
        capture.release()
    if index == 0:
        raise ValueError(f'{path}: not one frame could be read; is it a video?')
