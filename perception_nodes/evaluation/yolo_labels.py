"""Labels in YOLO text files: ``class x y width height`` a line, as shares of the picture."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from perception_nodes.evaluation.ground_truth import (
    GroundTruth,
    GroundTruthError,
    LabelFault,
    Problem,
    coco_content,
    refuse,
)
from perception_nodes.imaging.compressed import PICTURE_SUFFIXES, compressed_size_wh
from perception_nodes.imaging.image_error import ImageError


def read_yolo(card: Path, split: str = '', on_problem: Problem | None = None) -> GroundTruth:
    """
    Read a set that a ``data.yaml`` describes: ``path``, ``names``, a folder of each split.

    The label of ``…/images/a.jpg`` is ``…/labels/a.txt``; a picture without one shows nothing.

    :param split: ``train``, ``val`` or another key; empty takes ``val``.
    :param on_problem: takes pictures and lines that are wrong; without it the first one is an
        error.
    :raises GroundTruthError: naming the file and what is wrong.
    """
    content = _card(card)
    names = _names(content.get('names'), card)
    folder, pictures = _pictures(content, card, split or 'val')
    images: list[dict[str, Any]] = []
    boxes: list[tuple[int, str, tuple[float, ...], bool]] = []
    for image_id, path in enumerate(pictures, start=1):
        width, height = _size_wh(path, on_problem)
        images.append({'id': image_id, 'file_name': path.name, 'width': width, 'height': height})
        boxes += [
            (image_id, name, box, False)
            for name, box in _boxes(label_of(path), names, (width, height), on_problem)
        ]
    return GroundTruth(coco_content(images, boxes, list(names.values())), folder)


def yolo_splits(card: Path) -> list[str]:
    """Return which of train, val and test a ``data.yaml`` names."""
    content = _card(card)
    return [name for name in ('train', 'val', 'test') if content.get(name)]


def label_of(picture: Path) -> Path:
    """Return the label of a picture: the last folder ``images`` becomes ``labels``."""
    parts = list(picture.with_suffix('.txt').parts)
    if 'images' in parts:
        parts[len(parts) - 1 - parts[::-1].index('images')] = 'labels'
    return Path(*parts)


def _pictures(content: Mapping[str, Any], card: Path, split: str) -> tuple[Path, list[Path]]:
    """Return the folder of a split and the pictures in it."""
    place = content.get(split)
    if not isinstance(place, str):
        raise GroundTruthError(f'{card}: {split} is {place!r}; it must name a folder')
    folder = card.parent / str(content.get('path') or '') / place
    pictures = sorted(path for path in folder.glob('*') if path.suffix.lower() in PICTURE_SUFFIXES)
    if not pictures:
        raise GroundTruthError(f'{folder}: holds no picture ({", ".join(PICTURE_SUFFIXES)})')
    return folder, pictures


def _card(path: Path) -> Mapping[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding='utf-8'))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise GroundTruthError(f'{path}: cannot be read as YAML: {error}') from error
    if not isinstance(content, dict):
        raise GroundTruthError(f'{path}: must map path, names, train and val')
    return content


def _names(value: Any, card: Path) -> dict[int, str]:
    """Return the class names by number, from a list or a mapping."""
    entries: Any = dict(enumerate(value)) if isinstance(value, list) else value
    try:
        names = {int(number): str(name) for number, name in dict(entries or {}).items()}
    except (TypeError, ValueError) as error:
        raise GroundTruthError(f'{card}: names: {error}') from error
    if not names:
        raise GroundTruthError(f'{card}: names is {value!r}; it must list the classes')
    return names


def _size_wh(path: Path, on_problem: Problem | None) -> tuple[int, int]:
    try:
        return compressed_size_wh(path.read_bytes())
    except (OSError, ImageError) as error:
        words = f'cannot be read as a picture: {error}'
        refuse(LabelFault.UNREADABLE, path, words, on_problem)
        return 0, 0


def _boxes(
    label: Path, names: Mapping[int, str], size_wh: tuple[int, int], on_problem: Problem | None
) -> Iterator[tuple[str, tuple[float, ...]]]:
    """Yield class and box of each line of a label; none when there is no file."""
    try:
        lines = label.read_text(encoding='utf-8').splitlines() if label.is_file() else []
    except (OSError, UnicodeDecodeError) as error:
        refuse(LabelFault.BROKEN, label, f'cannot be read: {error}', on_problem)
        return
    for line in filter(str.strip, lines):
        try:
            number, box = _box(line, size_wh)
        except ValueError as error:
            refuse(LabelFault.BROKEN, label, f'{line.strip()!r}: {error}', on_problem)
            continue
        if number not in names:
            words = f'class {number} is not one of {min(names)}..{max(names)}'
            refuse(LabelFault.CLASS, label, words, on_problem)
            continue
        yield names[number], box


def _box(line: str, size_wh: tuple[int, int]) -> tuple[int, tuple[float, ...]]:
    """Return the class number and left, top, right, bottom in pixels of one line."""
    words = line.split()
    if len(words) != 5:
        raise ValueError('needs class, x, y, width, height')
    number, (x, y, width, height) = int(words[0]), map(float, words[1:])
    if not math.isfinite(x + y + width + height):
        raise ValueError('needs finite numbers')
    columns, rows = size_wh
    return number, (
        (x - width / 2) * columns, (y - height / 2) * rows,
        (x + width / 2) * columns, (y + height / 2) * rows,
    )  # fmt: skip
