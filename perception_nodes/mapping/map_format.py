"""How maps are written for Nav2's map_server, and what can be wrong with their files."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class MapFault(str, Enum):
    """What is wrong with a map file."""

    NOT_THERE = 'not_there'
    DESCRIPTION = 'description'
    PICTURE = 'picture'
    WRITING = 'writing'


class MapFileError(ValueError):
    """
    A map file that cannot be read or written; the message names it and the cure.

    :ivar fault: which part of it.
    """

    def __init__(self, fault: MapFault, message: str) -> None:
        super().__init__(message)
        self.fault = fault


class MapMode(str, Enum):
    """How costs become pixels."""

    TRINARY = 'trinary'
    SCALE = 'scale'
    RAW = 'raw'


@dataclass(frozen=True, kw_only=True)
class MapFormat:
    """
    How a map is written.

    :param mode: how costs become pixels.
    :param picture: ``pgm``, ``png`` or ``bmp``; empty is PNG in scale mode, else PGM.
    :param free_threshold: in trinary mode, occupancy 0..1 up to which a cell is free.
    :param occupied_threshold: in trinary mode, occupancy 0..1 from which it is occupied.
    """

    mode: MapMode = MapMode.TRINARY
    picture: str = ''
    free_threshold: float = 0.25
    occupied_threshold: float = 0.65

    def __post_init__(self) -> None:
        """Choose the picture format and refuse what would lose something."""
        if self.mode not in [*MapMode]:
            raise ValueError(f'mode {self.mode!r} is not one of {", ".join(MapMode)}')
        object.__setattr__(self, 'mode', MapMode(self.mode))
        is_scale = self.mode is MapMode.SCALE
        picture = self.picture.lower() or ('png' if is_scale else 'pgm')
        allowed = ('png',) if is_scale else ('pgm', 'png', 'bmp')
        if picture not in allowed:
            raise ValueError(
                f'picture format {picture!r} in mode {self.mode.value}: allowed is '
                f'{", ".join(allowed)} (the unknown is transparent in mode scale)'
            )
        object.__setattr__(self, 'picture', picture)
        if not 0 <= self.free_threshold < self.occupied_threshold <= 1:
            raise ValueError(
                'needs 0 ≤ free_threshold < occupied_threshold ≤ 1, got '
                f'{self.free_threshold} and {self.occupied_threshold}'
            )
