"""
Costs of a map at one moment, and the files of Nav2's map_server.

Modes as map_server defines them: ``trinary`` keeps free, occupied and unknown; ``scale`` keeps
grades as grey and the unknown as transparency, which PGM cannot hold, so it is written as PNG;
``raw`` keeps every value as it is.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml

UNKNOWN_COST = -1
FREE_THRESHOLD = 0.196
"""Below it trinary and scale maps are free. Unknown is grey 205, an occupancy of 0.19608:
map_saver's default of 0.25 would load every unknown cell as free."""
OCCUPIED_THRESHOLD = 0.65
_FREE_BELOW, _OCCUPIED_FROM = 25, 65
"""Costs that map_saver writes as free (at most) and occupied (at least) in a trinary map."""
_WHITE, _GREY, _BLACK, _RAW_UNKNOWN = 254, 205, 0, 255


class MapFileError(ValueError):
    """A map file that cannot be read or written; the message names it and the cure."""


class MapMode(str, Enum):
    """How costs become pixels."""

    TRINARY = 'trinary'
    SCALE = 'scale'
    RAW = 'raw'


@dataclass(frozen=True, eq=False, kw_only=True)
class OccupancyMap:
    """
    Costs of a piece of the world.

    :param costs: (rows, columns) int8, 0 free to 100 lethal, -1 unknown; row 0 has the lowest y.
    :param resolution_m: side of a cell.
    :param origin_xy: corner of cell (0, 0) in the map's frame, metres.
    """

    costs: np.ndarray
    resolution_m: float
    origin_xy: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        """Refuse anything but int8 costs in -1..100."""
        costs = self.costs
        if costs.ndim != 2 or costs.dtype != np.int8 or 0 in costs.shape:
            raise ValueError(
                f'costs must be (rows, columns) int8, got {costs.shape} {costs.dtype}'
            )
        if costs.min() < UNKNOWN_COST or costs.max() > 100:
            raise ValueError('costs must lie in -1..100')
        if not (np.isfinite(self.resolution_m) and self.resolution_m > 0):
            raise ValueError(f'resolution_m must be > 0, got {self.resolution_m!r}')


def save_map(stem: Path, map_: OccupancyMap, mode: MapMode = MapMode.TRINARY) -> Path:
    """
    Write ``stem.yaml`` and ``stem.pgm`` (``stem.png`` in scale mode) for map_server.

    :return: path of the YAML file.
    :raises MapFileError: the folder cannot be written.
    """
    mode = MapMode(mode)
    image_path = stem.with_name(stem.name + ('.png' if mode is MapMode.SCALE else '.pgm'))
    yaml_path = stem.with_name(stem.name + '.yaml')
    pixels = np.ascontiguousarray(_PIXELS_FROM_COSTS[mode](map_.costs)[::-1])
    document = {
        'image': image_path.name,
        'mode': mode.value,
        'resolution': float(map_.resolution_m),
        'origin': [float(map_.origin_xy[0]), float(map_.origin_xy[1]), 0.0],
        'negate': 0,
        # In scale mode the whole range of grey is graded.
        'occupied_thresh': 1.0 if mode is MapMode.SCALE else OCCUPIED_THRESHOLD,
        'free_thresh': 0.0 if mode is MapMode.SCALE else FREE_THRESHOLD,
    }
    try:
        stem.parent.mkdir(parents=True, exist_ok=True)
        _, encoded = cv2.imencode(image_path.suffix, pixels)
        _replace(image_path, encoded.tobytes())
        _replace(yaml_path, yaml.safe_dump(document, sort_keys=False).encode())
    except OSError as error:
        raise MapFileError(f'cannot write the map {yaml_path}: {error}') from error
    return yaml_path


def _replace(path: Path, content: bytes) -> None:
    """Write a file so that no reader ever sees half of it."""
    part = path.with_name(path.name + '.part')
    part.write_bytes(content)
    os.replace(part, path)


def load_map(yaml_path: Path) -> OccupancyMap:
    """
    Read a map as map_server does.

    :raises MapFileError: what is missing or out of range.
    """
    try:
        document = yaml.safe_load(yaml_path.read_text(encoding='utf-8'))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValueError) as error:
        raise MapFileError(f'cannot read the map {yaml_path}: {error}') from error
    if not isinstance(document, dict) or not isinstance(document.get('image'), str):
        raise MapFileError(f'{yaml_path}: expected a mapping with "image", got {document!r:.100}')
    mode_name = document.get('mode', MapMode.TRINARY.value)
    if mode_name not in {mode.value for mode in MapMode}:
        allowed = ', '.join(mode.value for mode in MapMode)
        raise MapFileError(f'{yaml_path}: mode {mode_name!r} is not one of {allowed}')
    origin = document.get('origin')
    if not isinstance(origin, list) or len(origin) != 3:
        raise MapFileError(f'{yaml_path}: origin must be [x, y, yaw], got {origin!r}')
    x_m, y_m, yaw_rad = (_number(value, 'origin', yaml_path) for value in origin)
    if yaw_rad != 0:
        raise MapFileError(f'{yaml_path}: a turned map (yaw {yaw_rad}) cannot be used')
    costs = _read_costs(yaml_path, document, MapMode(mode_name))
    resolution_m = _number(document.get('resolution'), 'resolution', yaml_path)
    try:
        return OccupancyMap(costs=costs, resolution_m=resolution_m, origin_xy=(x_m, y_m))
    except ValueError as error:
        raise MapFileError(f'{yaml_path}: {error}') from error


def _number(value: Any, key: str, path: Path) -> float:
    """Return a finite number of the YAML file."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not np.isfinite(value):
        raise MapFileError(f'{path}: {key} must be a finite number, got {value!r}')
    return float(value)


def _read_costs(yaml_path: Path, document: dict[str, Any], mode: MapMode) -> np.ndarray:
    """Return the costs in the picture of a map, lowest y first."""
    image_path = yaml_path.parent / document['image']
    try:
        encoded = np.frombuffer(image_path.read_bytes(), np.uint8)
    except OSError as error:
        raise MapFileError(f'{yaml_path}: cannot read the picture: {error}') from error
    try:
        pixels = cv2.imdecode(encoded, cv2.IMREAD_UNCHANGED) if len(encoded) else None
    except cv2.error as error:
        raise MapFileError(f'{image_path} cannot be decoded: {error}') from error
    if pixels is None or pixels.dtype != np.uint8:
        raise MapFileError(f'{image_path} is not an 8-bit picture (PGM, PNG or BMP)')
    grey, alpha = _grey_and_alpha(pixels)
    if mode is MapMode.RAW:
        costs = np.where(grey <= 100, grey, UNKNOWN_COST)
    else:
        costs = _costs_from_grey(grey, alpha, mode, document, yaml_path)
    return np.ascontiguousarray(costs[::-1]).astype(np.int8)


def _grey_and_alpha(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (H, W) mean of the colours as float64 and (H, W) opacity, 255 opaque."""
    if pixels.ndim == 2:
        return pixels.astype(np.float64), np.full(pixels.shape, 255)
    channels = pixels.shape[2]
    colors = 1 if channels == 2 else 3
    opaque = np.full(pixels.shape[:2], 255)
    alpha = pixels[:, :, -1] if channels in (2, 4) else opaque
    return pixels[:, :, :colors].mean(axis=2), alpha


def _costs_from_grey(
    grey: np.ndarray, alpha: np.ndarray, mode: MapMode, document: dict[str, Any], path: Path
) -> np.ndarray:
    """Return float costs by map_server's rules for trinary and scale."""
    occupied = _number(document.get('occupied_thresh'), 'occupied_thresh', path)
    free = _number(document.get('free_thresh'), 'free_thresh', path)
    if not 0 <= free < occupied <= 1:
        raise MapFileError(
            f'{path}: needs 0 ≤ free_thresh < occupied_thresh ≤ 1, got {free} and {occupied}'
        )
    occupancy = grey / 255 if document.get('negate', 0) else (255 - grey) / 255
    if mode is MapMode.TRINARY:
        between = np.full(grey.shape, float(UNKNOWN_COST))
    else:
        between = np.rint((occupancy - free) / (occupied - free) * 100)
    costs = np.where(occupancy > occupied, 100, np.where(occupancy < free, 0, between))
    if mode is MapMode.SCALE:
        costs = np.where(alpha < 255, UNKNOWN_COST, costs)
    return costs


def _trinary_pixels(costs: np.ndarray) -> np.ndarray:
    pixels = np.full(costs.shape, _GREY, np.uint8)
    pixels[(costs >= 0) & (costs <= _FREE_BELOW)] = _WHITE
    pixels[costs >= _OCCUPIED_FROM] = _BLACK
    return pixels


def _scale_pixels(costs: np.ndarray) -> np.ndarray:
    """Return (rows, columns, 4) uint8: grey three times, and opacity."""
    grey = np.rint((100 - np.maximum(costs, 0).astype(np.float64)) * 2.55).astype(np.uint8)
    alpha = np.where(costs == UNKNOWN_COST, 0, 255).astype(np.uint8)
    return np.stack([grey, grey, grey, alpha], axis=2)


def _raw_pixels(costs: np.ndarray) -> np.ndarray:
    return np.where(costs == UNKNOWN_COST, _RAW_UNKNOWN, costs).astype(np.uint8)


_PIXELS_FROM_COSTS: dict[MapMode, Callable[[np.ndarray], np.ndarray]] = {
    MapMode.TRINARY: _trinary_pixels,
    MapMode.SCALE: _scale_pixels,
    MapMode.RAW: _raw_pixels,
}
