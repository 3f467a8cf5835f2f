"""
The files of Nav2's map_server, with a picture of the classes beside them.

Modes as map_server defines them: ``trinary`` keeps free, occupied and unknown; ``scale`` keeps
grades as grey and the unknown as transparency, which PGM cannot hold, so it is written as PNG;
``raw`` keeps every value as it is. map_server passes over the key ``cells`` and its picture.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import yaml

from perception_nodes.mapping.map_format import MapFault, MapFileError, MapFormat, MapMode
from perception_nodes.mapping.map_pictures import (
    cells_from_pixels,
    costs_from_pixels,
    pixels_from_cells,
    pixels_from_costs,
    read_picture,
    replace_file,
    write_picture,
)
from perception_nodes.mapping.occupancy import CellClasses, OccupancyMap

FREE_THRESHOLD = 0.196
"""Below it trinary and scale maps are free. Unknown is grey 205, an occupancy of 0.19608:
map_saver's default of 0.25 would load every unknown cell as free. The thresholds by which a
cell was written as free or occupied need not be those by which its grey is read."""
OCCUPIED_THRESHOLD = 0.65


def save_map(stem: Path, map_: OccupancyMap, format_: MapFormat | None = None) -> Path:
    """
    Write ``stem.yaml`` and its picture for map_server; ``stem_cells.png`` with classes, if known.

    :return: path of the YAML file.
    :raises MapFileError: the folder cannot be written.
    """
    format_ = MapFormat() if format_ is None else format_
    picture = pixels_from_costs(map_.costs, format_)
    names = {'image': f'{stem.name}.{format_.picture}', 'cells': f'{stem.name}_cells.png'}
    document = _description(names, map_, format_)
    yaml_path = stem.with_name(stem.name + '.yaml')
    try:
        stem.parent.mkdir(parents=True, exist_ok=True)
        write_picture(stem.with_name(names['image']), picture)
        if map_.cells is not None:
            write_picture(stem.with_name(names['cells']), pixels_from_cells(map_.cells))
        replace_file(yaml_path, yaml.safe_dump(document, sort_keys=False).encode())
    except OSError as error:
        raise MapFileError(
            MapFault.WRITING, f'cannot write the map {yaml_path}: {error}'
        ) from error
    return yaml_path


def _description(names: dict[str, str], map_: OccupancyMap, format_: MapFormat) -> dict[str, Any]:
    is_scale = format_.mode is MapMode.SCALE
    document: dict[str, Any] = {
        'image': names['image'],
        'mode': format_.mode.value,
        'resolution': float(map_.resolution_m),
        'origin': [float(map_.origin_xy[0]), float(map_.origin_xy[1]), 0.0],
        'negate': 0,
        # In scale mode the whole range of grey is graded.
        'occupied_thresh': 1.0 if is_scale else OCCUPIED_THRESHOLD,
        'free_thresh': 0.0 if is_scale else FREE_THRESHOLD,
    }
    if map_.cells is not None:
        document['cells'] = {'image': names['cells'], 'classes': list(map_.cells.names)}
    return document


def load_map(yaml_path: Path) -> OccupancyMap:
    """
    Read a map as map_server does, with its classes where they were saved.

    :raises MapFileError: what is missing or out of range.
    """
    document = _read_description(yaml_path)
    mode_name = document.get('mode', MapMode.TRINARY.value)
    if mode_name not in [*MapMode]:
        allowed = ', '.join(MapMode)
        raise _wrong(yaml_path, f'mode {mode_name!r} is not one of {allowed}')
    origin = document.get('origin')
    if not isinstance(origin, list) or len(origin) != 3:
        raise _wrong(yaml_path, f'origin must be [x, y, yaw], got {origin!r}')
    x_m, y_m, yaw_rad = (_number(value, 'origin', yaml_path) for value in origin)
    if yaw_rad != 0:
        raise _wrong(yaml_path, f'a turned map (yaw {yaw_rad}) cannot be used')
    costs = _read_costs(yaml_path, document, MapMode(mode_name))
    resolution_m = _number(document.get('resolution'), 'resolution', yaml_path)
    try:
        return OccupancyMap(
            costs=costs,
            resolution_m=resolution_m,
            origin_xy=(x_m, y_m),
            cells=_read_cells(yaml_path, document),
        )
    except MapFileError:
        raise
    except ValueError as error:
        raise _wrong(yaml_path, str(error)) from error


def _wrong(path: Path, words: str) -> MapFileError:
    return MapFileError(MapFault.DESCRIPTION, f'{path}: {words}')


def _read_description(yaml_path: Path) -> dict[str, Any]:
    try:
        document = yaml.safe_load(yaml_path.read_text(encoding='utf-8'))
    except OSError as error:
        raise MapFileError(
            MapFault.NOT_THERE, f'cannot read the map {yaml_path}: {error}'
        ) from error
    except (UnicodeDecodeError, yaml.YAMLError, ValueError) as error:
        raise _wrong(yaml_path, f'cannot read the map: {error}') from error
    if not isinstance(document, dict) or not isinstance(document.get('image'), str):
        raise _wrong(yaml_path, f'expected a mapping with "image", got {document!r:.100}')
    return document


def _number(value: Any, key: str, path: Path) -> float:
    """Return a finite number of the YAML file."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not np.isfinite(value):
        raise _wrong(path, f'{key} must be a finite number, got {value!r}')
    return float(value)


def _read_costs(yaml_path: Path, document: dict[str, Any], mode: MapMode) -> np.ndarray:
    """Return the costs in the picture of a map, lowest y first."""
    free = occupied = 0.0
    if mode is not MapMode.RAW:
        occupied = _number(document.get('occupied_thresh'), 'occupied_thresh', yaml_path)
        free = _number(document.get('free_thresh'), 'free_thresh', yaml_path)
        if not 0 <= free < occupied <= 1:
            raise _wrong(
                yaml_path,
                f'needs 0 ≤ free_thresh < occupied_thresh ≤ 1, got {free} and {occupied}',
            )
    pixels = read_picture(yaml_path.parent / document['image'])
    negate = bool(document.get('negate', 0))
    return costs_from_pixels(pixels, mode, free=free, occupied=occupied, negate=negate)


def _read_cells(yaml_path: Path, document: dict[str, Any]) -> CellClasses | None:
    """Return the classes of the cells, None for a map of another program."""
    entry = document.get('cells')
    if entry is None:
        return None
    names = entry.get('classes') if isinstance(entry, dict) else None
    if not isinstance(names, list) or not isinstance(entry.get('image'), str):
        raise _wrong(yaml_path, f'cells needs "image" and "classes", got {entry!r:.100}')
    return cells_from_pixels(
        read_picture(yaml_path.parent / entry['image']), tuple(map(str, names))
    )
