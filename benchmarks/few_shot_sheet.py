"""A contact sheet of what the few-shot benchmark got right, wrong, and rejected."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from perception_nodes.fewshot.protocol import OpenSetResult

_COLUMNS = 12
_TILE_PX, _GAP_PX, _LABEL_PX = 72, 4, 22


def write_sheet(
    target: Path, paths: Sequence[Path], open_paths: Sequence[Path], result: OpenSetResult
) -> None:
    """
    Write the sheet; pictures are spread evenly over those that fit a row.

    :param target: JPEG to write.
    :param paths: of the crops of known classes, as the protocol had them.
    :param open_paths: of the crops of others.
    :param result: what the protocol found.
    """
    right = _spread(np.flatnonzero(result.correct & result.known_accepted))
    wrong = _spread(np.flatnonzero(~result.correct))
    missed = _spread(np.flatnonzero(result.correct & ~result.known_accepted))
    open_right = _spread(np.flatnonzero(~result.open_accepted[0]))
    open_wrong = _spread(np.flatnonzero(result.open_accepted[0]))
    queries = [paths[number] for number in result.queries]
    support = [_support(paths, *pair) for pair in zip(queries, result.nearest, strict=True)]
    rows = {
        'a support of the class named': [support[i] for i in right],
        'right': [queries[i] for i in right],
        'wrong: a support of the class named': [support[i] for i in wrong],
        'wrong: what was shown': [queries[i] for i in wrong],
        'known, but called unknown': [queries[i] for i in missed],
        'other signs, called unknown': [open_paths[i] for i in open_right],
        'other signs, taken for known ones': [open_paths[i] for i in open_wrong],
    }
    sheet = np.concatenate([_row(words, shown) for words, shown in rows.items()])
    target.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(target), sheet, [cv2.IMWRITE_JPEG_QUALITY, 88])


def _support(paths: Sequence[Path], query: Path, name: str) -> Path:
    """Return a crop that the bank of a query's fold holds: of the class, of a later track."""

    def tracks(of: str) -> list[str]:
        return sorted({path.stem.split('_')[1] for path in paths if path.parent.name == of})

    fold = tracks(query.parent.name).index(query.stem.split('_')[1])
    track = tracks(name)[(fold + 1) % len(tracks(name))]
    return next(p for p in paths if p.parent.name == name and p.stem.split('_')[1] == track)


def _spread(numbers: np.ndarray) -> list[int]:
    """Return at most a row of numbers, evenly spread."""
    places = np.linspace(0, len(numbers) - 1, min(_COLUMNS, len(numbers))).round().astype(int)
    return [int(number) for number in numbers[places]]


def _row(words: str, shown: Sequence[Path]) -> np.ndarray:
    """Return a labelled row of tiles, BGR."""
    step = _TILE_PX + _GAP_PX
    row = np.full((_LABEL_PX + step, _COLUMNS * step, 3), 255, np.uint8)
    place = (2, _LABEL_PX - 6)
    cv2.putText(row, words, place, cv2.FONT_HERSHEY_SIMPLEX, 0.5, (40, 40, 40), 1, cv2.LINE_AA)
    for column, path in enumerate(shown):
        tile = cv2.resize(cv2.imread(str(path)), (_TILE_PX, _TILE_PX))
        left = column * step
        row[_LABEL_PX : _LABEL_PX + _TILE_PX, left : left + _TILE_PX] = tile
    return row
