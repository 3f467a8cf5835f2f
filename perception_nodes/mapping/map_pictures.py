"""Costs and classes as pictures: map_server's three modes, and the classes beside them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from perception_nodes.mapping.map_format import MapFault, MapFileError, MapFormat, MapMode
from perception_nodes.mapping.occupancy import UNKNOWN_COST, CellClasses

_WHITE, _GREY, _BLACK, _RAW_UNKNOWN = 254, 205, 0, 255


def write_picture(path: Path, pixels: np.ndarray) -> None:
    """
    Write rows with the lowest y first as a picture, whose first row has the highest.

    No reader ever sees half of it.

    :raises OSError: the folder cannot be written.
    """
    _, encoded = cv2.imencode(path.suffix, np.ascontiguousarray(pixels[::-1]))
    replace_file(path, encoded.tobytes())


def replace_file(path: Path, content: bytes) -> None:
    """Write a file so that no reader ever sees half of it."""
    part = path.with_name(path.name + '.part')
    part.write_bytes(content)
    os.replace(part, path)


def read_picture(path: Path) -> np.ndarray:
    """Return the pixels of a picture as OpenCV reads them, row with the lowest y first."""
    try:
        encoded = np.frombuffer(path.read_bytes(), np.uint8)
    except OSError as error:
        raise MapFileError(MapFault.PICTURE, f'cannot read the picture {path}: {error}') from error
    try:
        pixels = cv2.imdecode(encoded, cv2.IMREAD_UNCHANGED) if len(encoded) else None
    except cv2.error as error:
        raise MapFileError(MapFault.PICTURE, f'{path} cannot be decoded: {error}') from error
    if pixels is None or pixels.dtype != np.uint8:
        raise MapFileError(MapFault.PICTURE, f'{path} is not an 8-bit picture (PGM, PNG or BMP)')
    return pixels[::-1]


def pixels_from_costs(costs: np.ndarray, format_: MapFormat) -> np.ndarray:
    """Return the picture of costs: (rows, columns) uint8, with colours and opacity for scale."""
    return _PIXELS_FROM_COSTS[format_.mode](costs, format_)


def costs_from_pixels(
    pixels: np.ndarray, mode: MapMode, *, free: float, occupied: float, negate: bool
) -> np.ndarray:
    """
    Return the costs of a picture by map_server's rules.

    :param free: ``free_thresh``; without effect in raw mode, as ``occupied`` and ``negate``.
    :param occupied: ``occupied_thresh``.
    :returns: (rows, columns) int8, -1 unknown.
    """
    grey, alpha = _grey_and_alpha(pixels)
    if mode is MapMode.RAW:
        return np.where(grey <= 100, grey, UNKNOWN_COST).astype(np.int8)
    occupancy = grey / 255 if negate else (255 - grey) / 255
    if mode is MapMode.TRINARY:
        between = np.full(grey.shape, float(UNKNOWN_COST))
    else:
        between = np.rint((occupancy - free) / (occupied - free) * 100)
    costs = np.where(occupancy > occupied, 100, np.where(occupancy < free, 0, between))
    if mode is MapMode.SCALE:
        costs = np.where(alpha < 255, UNKNOWN_COST, costs)
    return costs.astype(np.int8)


def _grey_and_alpha(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (H, W) mean of the colours as float64 and (H, W) opacity, 255 opaque."""
    if pixels.ndim == 2:
        return pixels.astype(np.float64), np.full(pixels.shape, 255)
    channels = pixels.shape[2]
    colors = 1 if channels == 2 else 3
    opaque = np.full(pixels.shape[:2], 255)
    alpha = pixels[:, :, -1] if channels in (2, 4) else opaque
    return pixels[:, :, :colors].mean(axis=2), alpha


def _trinary_pixels(costs: np.ndarray, format_: MapFormat) -> np.ndarray:
    pixels = np.full(costs.shape, _GREY, np.uint8)
    pixels[(costs >= 0) & (costs <= round(format_.free_threshold * 100))] = _WHITE
    pixels[costs >= round(format_.occupied_threshold * 100)] = _BLACK
    return pixels


def _scale_pixels(costs: np.ndarray, _: MapFormat) -> np.ndarray:
    """Return (rows, columns, 4) uint8: grey three times, and opacity."""
    grey = np.rint((100 - np.maximum(costs, 0).astype(np.float64)) * 2.55).astype(np.uint8)
    alpha = np.where(costs == UNKNOWN_COST, 0, 255).astype(np.uint8)
    return np.stack([grey, grey, grey, alpha], axis=2)


def _raw_pixels(costs: np.ndarray, _: MapFormat) -> np.ndarray:
    return np.where(costs == UNKNOWN_COST, _RAW_UNKNOWN, costs).astype(np.uint8)


_PIXELS_FROM_COSTS: dict[MapMode, Callable[[np.ndarray, MapFormat], np.ndarray]] = {
    MapMode.TRINARY: _trinary_pixels,
    MapMode.SCALE: _scale_pixels,
    MapMode.RAW: _raw_pixels,
}


def pixels_from_cells(cells: CellClasses) -> np.ndarray:
    """Return (rows, columns, 3) uint8, OpenCV's order: red is the class id, green how sure."""
    return np.stack([np.zeros_like(cells.ids), cells.confidence, cells.ids], axis=2)


def cells_from_pixels(pixels: np.ndarray, names: tuple[str, ...]) -> CellClasses:
    """
    Return the classes in a picture of :func:`pixels_from_cells`.

    :raises ValueError: for a picture without colours, and for ids without a name.
    """
    if pixels.ndim != 3:
        raise ValueError('the picture of the classes has no colours')
    return CellClasses(ids=pixels[:, :, 2].copy(), confidence=pixels[:, :, 1].copy(), names=names)
