"""What the values of a mask mean for a path."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

UNKNOWN = 255
"""Mask value of pixels that nobody knows."""


class Role(IntEnum):
    """What a pixel says about the path; values of role pictures."""

    BESIDE = 0
    """Seen, and not path: an edge to it is an edge of the path."""
    ROAD = 1
    """One may drive there."""
    MARKING = 2
    """A painted or taped line beside or between lanes."""
    BLOCKED = 3
    """A thing that hides the floor: where the path ends at it is no edge of the path."""
    UNKNOWN = 4
    """Nobody knows: unlabelled, not trusted, or outside the picture."""


@dataclass(frozen=True, kw_only=True)
class PathClasses:
    """
    Class names by what they mean; names that are in none of the lists lie beside the path.

    :param road: one may drive there, at least one name, unless ``markings`` has one.
    :param markings: lines.
    :param blocking: things that stand on the floor and hide it.
    """

    road: tuple[str, ...] = ('lane',)
    markings: tuple[str, ...] = ('tape',)
    blocking: tuple[str, ...] = ('person', 'traffic_cone', 'box', 'barrel', 'sign')

    def __post_init__(self) -> None:
        """Refuse an empty table and names with two meanings."""
        names = [*self.road, *self.markings, *self.blocking]
        double = sorted({name for name in names if names.count(name) > 1})
        if double:
            raise ValueError(f'a class can have one meaning only: {", ".join(double)}')
        if not (self.road or self.markings):
            raise ValueError('road and markings are both empty: no pixel could be a path')

    def role_table(self, labels: Mapping[int, str]) -> np.ndarray:
        """
        Return the (256,) uint8 table from mask values to :class:`Role`.

        :param labels: class name per mask value, 0..254, as the segmentation node publishes it.
        :raises ValueError: when the mask has none of the classes that make a path.
        """
        table = np.full(256, Role.UNKNOWN, np.uint8)
        for value, name in labels.items():
            if not 0 <= value < UNKNOWN:
                raise ValueError(f'mask values are 0..254, got {value!r} for {name!r}')
            table[value] = self._role_of(name)
        if not np.isin(table, (Role.ROAD, Role.MARKING)).any():
            raise ValueError(
                f'the mask has the classes {", ".join(labels.values()) or "none"}, and no path: '
                f'expected one of {", ".join((*self.road, *self.markings))}; set the names'
            )
        return table

    def _role_of(self, name: str) -> Role:
        if name in self.road:
            return Role.ROAD
        if name in self.markings:
            return Role.MARKING
        return Role.BLOCKED if name in self.blocking else Role.BESIDE
