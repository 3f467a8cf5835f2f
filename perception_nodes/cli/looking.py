"""Going through sources: one look at every frame, an overlay for each, what fails is named."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import cv2
import numpy as np

from perception_nodes.cli.progress import console, progress_bar
from perception_nodes.cli.sources import Source
from perception_nodes.structures import ColorOrder, Frame
from perception_nodes.visualization import VideoWriter

OVERLAYS = 'overlays'

Look = Callable[[Frame, str], tuple[Callable[[], np.ndarray], str]]
"""From a frame and its name to a function that draws its BGR overlay, and words on progress."""


def look_at_all(sources: list[Source], words: str, look: Look, overlays: Path | None) -> int:
    """
    Look at every frame of the sources; return how many sources could not be read.

    :param words: of the progress bar.
    :param look: called in order.
    :param overlays: folder for the overlays, None draws none.
    """
    failed = 0
    total = sum(source.frame_count for source in sources)
    with progress_bar(words, total) as advance:
        for source in sources:
            try:
                _look_at(source, look, overlays, advance)
            except ValueError as error:
                failed += 1
                console.print(f'skipped: {error}', style='yellow', markup=False)
    return failed


def _look_at(
    source: Source, look: Look, overlays: Path | None, advance: Callable[..., None]
) -> None:
    with ExitStack() as stack:
        writer = None
        if overlays is not None and source.is_video:
            path = overlays / f'{source.path.stem}.webm'
            writer = stack.enter_context(VideoWriter(path, source.fps))
        for index, frame in enumerate(source.frames()):
            name = f'{source.path}#{index:06d}' if source.is_video else str(source.path)
            draw, words = look(frame, name)
            if overlays is not None:
                _write(writer, overlays / f'{source.path.stem}.jpg', draw())
            advance(1, f'{words} in {source.path.name}')


def _write(writer: VideoWriter | None, path: Path, bgr: np.ndarray) -> None:
    """Append to the video, or write a picture."""
    if writer is not None:
        writer.write(Frame(pixels=bgr, color_order=ColorOrder.BGR))
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), bgr)
