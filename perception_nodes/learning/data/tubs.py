"""Records of donkeycars (version 2): a manifest, catalogues of JSON lines, pictures."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

IMAGE, ANGLE, INDEX = 'cam/image_array', 'user/angle', '_index'


@dataclass(frozen=True, kw_only=True)
class SteeringRecord:
    """
    One picture and how the driver steered.

    :param index: number of the record, in the order of time.
    :param angle: -1 full left … 1 full right.
    """

    index: int
    path: Path
    angle: float


@dataclass(frozen=True, kw_only=True)
class Tub:
    """
    What could be used of a recording.

    :param records: in the order of time.
    :param skipped: how many could not, by reason.
    """

    records: tuple[SteeringRecord, ...]
    skipped: Mapping[str, int]


class _BrokenRecordError(ValueError):
    """A record that cannot be used; the text is the reason."""


def read_tub(folder: Path, part: str = '') -> Tub:
    """
    Read a recording; broken records are left out and counted.

    :param part: ``first:last`` numbers of records, last not included; empty takes all.
    :raises ValueError: when the folder holds no recording, or the part is none.
    """
    first, last = _bounds(part)
    catalogues = sorted(folder.glob('catalog_*.catalog'), key=_number_of)
    if not catalogues:
        raise ValueError(
            f'{folder}: no catalog_*.catalog; give the folder of a donkeycar recording, version 2'
        )
    deleted, skipped, records = _deleted(folder), Counter[str](), []
    for line in _lines(catalogues):
        try:
            record = _record(folder, line, deleted)
        except _BrokenRecordError as error:
            skipped[str(error)] += 1
            continue
        if first <= record.index < last:
            records.append(record)
    records.sort(key=lambda record: record.index)
    return Tub(records=tuple(records), skipped=dict(skipped))


def _lines(catalogues: list[Path]) -> Iterator[str]:
    for catalogue in catalogues:
        text = catalogue.read_text(encoding='utf-8', errors='replace')
        yield from (line for line in text.splitlines() if line.strip())


def _record(folder: Path, line: str, deleted: set[int]) -> SteeringRecord:
    """Return the record of a line, or raise for one that cannot be used."""
    try:
        content = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _BrokenRecordError('not JSON') from error
    if not isinstance(content, dict):
        raise _BrokenRecordError('no record')
    index, name = content.get(INDEX), content.get(IMAGE)
    if not isinstance(index, int) or isinstance(index, bool):
        raise _BrokenRecordError(f'no {INDEX}')
    if index in deleted:
        raise _BrokenRecordError('deleted by its owner')
    if not isinstance(name, str) or Path(name).name != name:
        raise _BrokenRecordError(f'no {IMAGE}')
    angle = _angle(content.get(ANGLE))
    path = folder / 'images' / name
    if not path.is_file():
        raise _BrokenRecordError('picture is missing')
    return SteeringRecord(index=index, path=path, angle=angle)


def _angle(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise _BrokenRecordError(f'no {ANGLE}')
    if abs(value) > 1:
        raise _BrokenRecordError(f'{ANGLE} outside -1..1')
    return float(value)


def _bounds(part: str) -> tuple[float, float]:
    """Return the first and one after the last index of ``first:last``."""
    begin, separator, end = part.partition(':')
    try:
        first = int(begin) if begin else 0
        last: float = int(end) if end else math.inf
    except ValueError:
        separator = ''
        first, last = 0, 0
    if part and (not separator or first >= last):
        raise ValueError(f'{part!r} is no part of a recording; write FIRST:LAST, such as 0:440')
    return first, math.inf if not part else last


def _deleted(folder: Path) -> set[int]:
    """Return the numbers that the manifest, if there is a readable one, calls deleted."""
    try:
        last = (folder / 'manifest.json').read_text(encoding='utf-8').splitlines()[-1]
        listed = json.loads(last).get('deleted_indexes', [])
    except (OSError, ValueError, IndexError, AttributeError):
        return set()
    return {number for number in listed if isinstance(number, int)}


def _number_of(catalogue: Path) -> tuple[int, str]:
    digits = catalogue.stem.rpartition('_')[2]
    return (int(digits) if digits.isdecimal() else 0), catalogue.name
