"""PNG files whose pixel values are numbers of classes, not colours; never JPEG."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, PngImagePlugin, UnidentifiedImageError

from perception_nodes.imaging.encodings import MAX_PIXELS, check_size
from perception_nodes.imaging.image_error import ImageError, ImageReason

_NUMBER_MODES = ('L', 'P', '1')  # grey, indexed, and two values
_NAMES_KEY = 'classes'
_PALETTE_SIZE = 256


@dataclass(frozen=True, eq=False, kw_only=True)
class IndexPicture:
    """
    Numbers of classes, and what they mean where the file says so.

    :param class_ids: (H, W) uint8.
    :param names: class names in the order of the numbers; empty when the file has none.
    """

    class_ids: np.ndarray
    names: tuple[str, ...] = ()


def read_index_png(path: Path) -> IndexPicture:
    """
    Return the numbers in a grey or indexed PNG; a palette is ignored.

    :raises ImageError: for anything else.
    :raises OSError: when the file cannot be read.
    """
    content = path.read_bytes()
    try:
        with Image.open(io.BytesIO(content), formats=('PNG',)) as picture:
            check_size(picture.height, picture.width, MAX_PIXELS)
            if picture.mode not in _NUMBER_MODES:
                raise ImageError(
                    ImageReason.WRONG_KIND,
                    f'{path}: holds colours ({picture.mode}), not class numbers; write it as a '
                    'grey or indexed PNG with 8 bits',
                )
            class_ids = np.array(picture, dtype=np.uint8)
            return IndexPicture(class_ids=class_ids, names=_names(picture.info))
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        if isinstance(error, ImageError):
            raise
        raise ImageError(
            ImageReason.BROKEN_DATA, f'{path}: cannot be read as PNG: {error}'
        ) from error


def write_index_png(
    path: Path,
    class_ids: np.ndarray,
    *,
    palette_rgb: Sequence[tuple[int, int, int]] = (),
    names: Sequence[str] = (),
) -> None:
    """
    Write class numbers.

    :param class_ids: (H, W) uint8.
    :param palette_rgb: colours with which viewers show the numbers 0, 1, …; without it the file
        is grey. The stored values are the numbers either way.
    :param names: class names, kept in a text entry of the file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width = class_ids.shape
    numbers = np.ascontiguousarray(class_ids, dtype=np.uint8).tobytes()
    picture = Image.frombytes('P' if palette_rgb else 'L', (width, height), numbers)
    if palette_rgb:
        # A full palette: with a short one Pillow saves so few bits that numbers above it change.
        colours = [*palette_rgb, *[(0, 0, 0)] * (_PALETTE_SIZE - len(palette_rgb))]
        picture.putpalette([value for colour in colours for value in colour])
    text = PngImagePlugin.PngInfo()
    if names:
        text.add_text(_NAMES_KEY, json.dumps(list(names)))
    picture.save(path, format='PNG', pnginfo=text)


def _names(entries: Mapping[Any, Any]) -> tuple[str, ...]:
    """Return the class names of the text entry; a file of other origin may hold anything."""
    try:
        names = json.loads(entries.get(_NAMES_KEY, '[]'))
    except (TypeError, ValueError, RecursionError):
        return ()
    is_list = isinstance(names, list) and all(isinstance(name, str) for name in names)
    return tuple(names) if is_list else ()
