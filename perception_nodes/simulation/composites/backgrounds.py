"""Pictures of real places, taken over once into the folder of a set."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

from perception_nodes.evaluation.ground_truth import read_picture
from perception_nodes.imaging.picture_file import write_picture
from perception_nodes.imaging.sources.spread import spread_frames
from perception_nodes.structures import ColorOrder

FOLDER = 'backgrounds'
MOST = 1000
"""Backgrounds of a set, spread evenly over what there is."""
_LARGEST = 2.0  # sides of a kept background, in sides of the composites
_SMALLEST = 0.5  # likewise; smaller ones would be blurred
_MOST_ZOOM = 1.6
_DONE = 'complete'


def gather_backgrounds(
    addresses: Sequence[str],
    out: Path,
    size_wh: tuple[int, int],
    *,
    topic: str = '',
    advance: Callable[[], object] = lambda: None,
) -> int:
    """
    Write backgrounds as JPEG; return how many there are.

    What an earlier run has gathered stays, so that its pictures can be continued.

    :param addresses: folders of pictures, videos, bags.
    :param out: folder, made.
    :param size_wh: of the composites; pictures of less than half of it are left out.
    :param topic: image topic of bags; empty takes the only one.
    :param advance: called after each picture.
    :raises ValueError: when not one can be used, or a source cannot be opened.
    """
    out.mkdir(parents=True, exist_ok=True)
    marker = out / _DONE
    if marker.exists():
        return len(background_paths(out))
    count = small = 0
    for frame in spread_frames(addresses, MOST, topic=topic):
        parts = [have / wanted for have, wanted in zip(frame.size_wh, size_wh, strict=True)]
        if min(parts) < _SMALLEST:
            small += 1
        else:
            bgr = np.ascontiguousarray(frame.in_order(ColorOrder.BGR))
            if min(parts) > _LARGEST:
                factor = _LARGEST / min(parts)
                bgr = cv2.resize(bgr, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
            write_picture(out / f'{count:06d}.jpg', bgr)
            count += 1
        advance()
    if not count:
        raise ValueError(
            f'backgrounds: all {small} pictures of {", ".join(addresses)} have less than half of '
            f'{size_wh[0]}x{size_wh[1]}; give larger ones, or a smaller --size'
        )
    marker.touch()
    return count


def background_paths(folder: Path) -> list[Path]:
    """Return the files that were gathered."""
    return sorted(folder.glob('*.jpg'))


def random_view(path: Path, size_wh: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """
    Return a random part of a background in the wanted size, mirrored or not.

    :return: (H, W, 3) uint8 RGB.
    """
    rgb = read_picture(path).in_order(ColorOrder.RGB)
    height, width = rgb.shape[:2]
    # The largest window of the wanted shape, and up to a zoom smaller.
    side = min(width / size_wh[0], height / size_wh[1]) / rng.uniform(1.0, _MOST_ZOOM)
    columns = min(max(round(side * size_wh[0]), 1), width)
    rows = min(max(round(side * size_wh[1]), 1), height)
    left, top = (int(rng.integers(n + 1)) for n in (width - columns, height - rows))
    part = rgb[top : top + rows, left : left + columns]
    if rng.random() < 0.5:
        part = part[:, ::-1]
    how = cv2.INTER_AREA if columns > size_wh[0] else cv2.INTER_LINEAR
    return cv2.resize(np.ascontiguousarray(part), size_wh, interpolation=how)
