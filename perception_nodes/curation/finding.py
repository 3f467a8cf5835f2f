"""What the check of labelled sets says: one finding is one check with all its places."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any


class Severity(str, Enum):
    """How much a finding matters; only errors make the command fail."""

    WARNING = 'warning'
    ERROR = 'error'


@dataclass(frozen=True, kw_only=True)
class Check:
    """
    Something that can be wrong.

    :param what: is wrong with the places.
    :param cure: what to do, one line.
    """

    severity: Severity
    what: str
    cure: str


def _error(what: str, cure: str) -> Check:
    return Check(severity=Severity.ERROR, what=what, cure=cure)


def _warning(what: str, cure: str) -> Check:
    return Check(severity=Severity.WARNING, what=what, cure=cure)


CHECKS: dict[str, Check] = {
    'picture_unreadable': _error(
        'pictures that cannot be decoded, or are cut off', 'copy them again or take them out'
    ),
    'picture_missing': _error('labels whose picture is missing', 'copy it or drop the label'),
    'picture_size': _error(
        'pictures of another size than their labels say', 'label the picture as it is stored'
    ),
    'label_broken': _error('labels that cannot be used', 'repair the line or export again'),
    'label_missing': _warning(
        'pictures without labels', 'label them; leave them in only if they show nothing'
    ),
    'class_unknown': _error(
        'labels of a class that is not in the list', 'correct the number or complete the list'
    ),
    'class_spelling': _warning('classes that differ only in spelling', 'write them alike'),
    'box_inverted': _error('boxes whose right is left of left', 'swap the corners'),
    'box_empty': _error('boxes without area', 'take them out'),
    'box_outside': _error('boxes outside their picture', 'correct or take them out'),
    'box_cut': _warning('boxes that reach beyond their picture', 'cut them at its edge'),
    'box_tiny': _warning('boxes too small to learn from', 'mark them as crowd or take them out'),
    'mask_missing': _error('pictures without a mask', 'label them or take them out'),
    'mask_broken': _error(
        'masks that cannot be read or hold numbers without a class',
        'write PNGs of class numbers, not of colours',
    ),
    'mask_size': _error('masks of another size than their picture', 'export the mask again'),
    'imbalance': _warning(
        'classes that are rare', 'collect more of them, or balance the classes in the recipe'
    ),
    'contradiction': _error('one picture under two classes', 'decide for one'),
    'duplicate': _warning(
        'pictures that show the same as an earlier one of the set', 'keep one of each'
    ),
    'leak': _error(
        'pictures that show the same as one of another split',
        'split by recording or by block of time, not by picture',
    ),
}


@dataclass(frozen=True, kw_only=True)
class Place:
    """
    Where something is wrong.

    :param path: of the picture or the label.
    :param words: what exactly.
    :param other: the picture it is compared with.
    :param xyxy: the box in question, pixels.
    """

    path: Path
    words: str = ''
    other: Path | None = None
    xyxy: tuple[float, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON, without what is empty."""
        full = {
            'path': str(self.path),
            'words': self.words,
            'other': str(self.other or ''),
            'xyxy': [round(value, 2) for value in self.xyxy],
        }
        return {key: value for key, value in full.items() if value}


@dataclass(frozen=True, kw_only=True)
class DataFinding:
    """
    All places of one set where one check fails.

    :param check: a key of :data:`CHECKS`.
    :param data: address of the set.
    :param places: at least one.
    """

    check: str
    data: str
    places: tuple[Place, ...]

    @property
    def severity(self) -> Severity:
        """How much it matters."""
        return CHECKS[self.check].severity

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        kind = CHECKS[self.check]
        return {
            'check': self.check,
            'severity': kind.severity.value,
            'data': self.data,
            'what': kind.what,
            'cure': kind.cure,
            'count': len(self.places),
            'places': [place.to_dict() for place in self.places],
        }
