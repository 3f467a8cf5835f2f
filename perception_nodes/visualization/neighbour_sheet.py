"""A sheet of pictures, each followed by those that a network finds most like it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

_HEIGHT_PX, _GAP_PX, _WIDE_GAP_PX = 72, 4, 16
_WHITE = 255


def nearest_pictures(asked: np.ndarray, known: np.ndarray, count: int) -> np.ndarray:
    """
    Return (Q, count) int64, the most alike first, by the cosine about the mean of the known.

    :param asked: (Q, C) features.
    :param known: (N, C) features, N at least 1; of fewer than ``count`` all are returned.
    """
    mean = known.mean(0)
    one, other = _unit(asked - mean), _unit(known - mean)
    return np.argsort(-(one @ other.T), axis=1, kind='stable')[:, :count]


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


def write_neighbour_sheet(
    path: Path,
    asked: Sequence[np.ndarray],
    known: Sequence[np.ndarray],
    nearest: np.ndarray,
) -> Path:
    """
    Write a row for each asked picture, on the left, and its neighbours.

    :param path: JPEG or PNG to write.
    :param asked: (H, W, 3) uint8 RGB, at least one.
    :param known: likewise; where the neighbours are found.
    :param nearest: (Q, K) index of the neighbours.
    """
    rows = []
    for picture, row in zip(asked, nearest, strict=True):
        tiles = [_tile(picture), np.full((_HEIGHT_PX, _WIDE_GAP_PX, 3), _WHITE, np.uint8)]
        for index in row:
            gap = np.full((_HEIGHT_PX, _GAP_PX, 3), _WHITE, np.uint8)
            tiles += [_tile(known[index]), gap]
        rows.append(np.concatenate(tiles, axis=1))
    width = max(row.shape[1] for row in rows)
    room = [((0, _GAP_PX), (0, width - row.shape[1]), (0, 0)) for row in rows]
    sheet = np.concatenate(
        [np.pad(row, pad, constant_values=_WHITE) for row, pad in zip(rows, room, strict=True)]
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))
    return path


def _tile(picture: np.ndarray) -> np.ndarray:
    """Return the picture in the height of a row."""
    height, width = picture.shape[:2]
    size = max(1, round(width * _HEIGHT_PX / height)), _HEIGHT_PX
    method = cv2.INTER_AREA if height > _HEIGHT_PX else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, size, interpolation=method))
