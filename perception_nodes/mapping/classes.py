"""
What a class means on the floor: its cost, whether one can drive on it, how long it is believed.

A robot drives on ground classes; everything else stands on the floor. The order of the table is
the order of the class ids in the semantic grid.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from perception_nodes.inference.resources import resource_path
from perception_nodes.structures import check_settings, setting

SIMULATOR_TABLE = 'config/map_classes/simulator.yaml'
"""Below the share folder of the package."""
UNKNOWN = 255
"""Mask value and class id of what is not known; it marks nothing."""
MAX_CLASSES = 64
"""More would only be a mistake in the file; the grid holds one layer per class."""


class MapClassesError(ValueError):
    """A table of classes that cannot be used; the message names the place and the cure."""


@dataclass(frozen=True, kw_only=True)
class MapClass:
    """What one class means on the map."""

    name: str = setting('', 'name as in the label information of the mask')
    cost: int = setting(100, 'cost of a cell, 0 free to 100 lethal', minimum=0, maximum=100)
    ground: bool = setting(False, 'drivable surface: lies flat, and a look at it frees the cell')
    dynamic: bool = setting(False, 'moves by itself: lives in the fast layer')
    half_life_s: float = setting(
        120.0, 'seconds until half of the evidence is forgotten; .inf keeps it', minimum=0.05
    )

    def __post_init__(self) -> None:
        """Check every value and refuse ground that walks."""
        check_settings(self)
        if not self.name:
            raise MapClassesError('a class needs a name that is not empty')
        if self.ground and self.dynamic:
            raise MapClassesError(f'class {self.name!r} is ground and dynamic; choose one')


@dataclass(frozen=True, kw_only=True)
class MapClasses:
    """
    The table of classes of one map.

    :param classes: 1 to 64 with different names; the index is the class id. At least one is
        ground, or no cell could ever become free.
    """

    classes: tuple[MapClass, ...]

    def __post_init__(self) -> None:
        """Refuse empty tables, double names and tables without ground."""
        names = self.names
        if not 1 <= len(names) <= MAX_CLASSES:
            raise MapClassesError(f'a map needs 1 to {MAX_CLASSES} classes, got {len(names)}')
        double = sorted({name for name in names if names.count(name) > 1})
        if double:
            raise MapClassesError(f'class names must differ, given twice: {", ".join(double)}')
        if not any(item.ground for item in self.classes):
            raise MapClassesError('no class has "ground: true", so no cell could become free')

    def __len__(self) -> int:
        """Return the number of classes."""
        return len(self.classes)

    @property
    def names(self) -> tuple[str, ...]:
        """Names in the order of the class ids."""
        return tuple(item.name for item in self.classes)

    @property
    def costs(self) -> np.ndarray:
        """(C,) int8 costs, 0..100."""
        return np.array([item.cost for item in self.classes], np.int8)

    @property
    def ground(self) -> np.ndarray:
        """(C,) bool, whether one can drive on it."""
        return np.array([item.ground for item in self.classes])

    @property
    def dynamic(self) -> np.ndarray:
        """(C,) bool, whether it lives in the fast layer."""
        return np.array([item.dynamic for item in self.classes])

    @property
    def half_lives_s(self) -> np.ndarray:
        """(C,) float64 seconds."""
        return np.array([item.half_life_s for item in self.classes])

    def id_table(self, labels: Mapping[int, str] | None = None) -> np.ndarray:
        """
        Return the (256,) uint8 table from mask values to class ids; 255 marks nothing.

        :param labels: class name per mask value, as the segmentation node publishes it; without
            it mask values are class ids. Names that the map does not know mark nothing; see
            :meth:`unknown_labels`.
        """
        table = np.full(256, UNKNOWN, np.uint8)
        known = {name: index for index, name in enumerate(self.names)}
        for value, name in (labels or dict(enumerate(self.names))).items():
            if not 0 <= value < UNKNOWN:
                raise MapClassesError(f'mask values are 0..254, got {value!r} for {name!r}')
            table[value] = known.get(name, UNKNOWN)
        return table

    def unknown_labels(self, labels: Mapping[int, str]) -> tuple[str, ...]:
        """Return the names that the mask has and the map does not: they mark nothing."""
        return tuple(name for name in labels.values() if name not in self.names)


_FIELDS = tuple(item.name for item in fields(MapClass))
_KINDS: dict[str, tuple[type, ...]] = {
    'cost': (int,),
    'ground': (bool,),
    'dynamic': (bool,),
    'half_life_s': (int, float),
}


def _class_from(name: Any, entry: Any, origin: str) -> MapClass:
    """Return one class of a document; unknown keys and wrong types are errors."""
    place = f'{origin}, class {name!r}'
    if not isinstance(name, str):
        raise MapClassesError(f'{place}: the name must be text; quote it')
    if not isinstance(entry, dict):
        raise MapClassesError(f'{place}: expected a mapping such as {{cost: 100}}, got {entry!r}')
    for key, value in entry.items():
        if key not in _KINDS:
            raise MapClassesError(
                f'{place}: unknown key {key!r}; allowed: {", ".join(_FIELDS[1:])}'
            )
        is_wrong_bool = isinstance(value, bool) and bool not in _KINDS[key]
        if is_wrong_bool or not isinstance(value, _KINDS[key]):
            kinds = ' or '.join(kind.__name__ for kind in _KINDS[key])
            raise MapClassesError(f'{place}: {key} must be {kinds}, got {value!r}')
    if 'cost' not in entry:
        raise MapClassesError(f'{place}: "cost" is missing; give 0 (free) to 100 (lethal)')
    try:
        return MapClass(name=name, **entry)
    except ValueError as error:
        raise MapClassesError(f'{place}: {error}') from error


def parse_map_classes(text: str, origin: str = 'map classes') -> MapClasses:
    """
    Return the table that a YAML text describes: ``classes: {name: {cost: 0, ground: true}}``.

    :param origin: what to call the text in errors.
    :raises MapClassesError: what is wrong, where, and what is allowed.
    """
    try:
        document = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError) as error:
        raise MapClassesError(f'{origin} is not YAML: {error}') from error
    if not isinstance(document, dict) or not isinstance(document.get('classes'), dict):
        raise MapClassesError(f'{origin} needs a mapping "classes" from names to their values')
    extra = sorted(str(key) for key in document if key != 'classes')
    if extra:
        raise MapClassesError(f'{origin}: unknown key {", ".join(extra)}; allowed: classes')
    return MapClasses(
        classes=tuple(
            _class_from(name, entry, origin) for name, entry in document['classes'].items()
        )
    )


def load_map_classes(path: Path) -> MapClasses:
    """
    Return the table in a YAML file.

    :raises MapClassesError: no such file, or a broken one.
    """
    try:
        text = path.read_text(encoding='utf-8')
    except (OSError, UnicodeDecodeError) as error:
        raise MapClassesError(f'cannot read the map classes {path}: {error}') from error
    return parse_map_classes(text, str(path))


SIMULATOR_CLASSES = load_map_classes(resource_path(SIMULATOR_TABLE))
"""The classes of the embedded simulator, in the order of its mask values."""
