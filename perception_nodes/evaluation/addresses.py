"""Addresses of labelled sets: ``kind:place@split``, ``kind:place[start:stop:step]``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeVar

T = TypeVar('T')

_SLICED = re.compile(r'(.*)\[(\d*):(\d*)(?::(\d*))?\]')


def reader_of(address: str, readers: Mapping[str, T], example: str) -> tuple[T, str]:
    """
    Return the reader of a kind of set and the place that follows the colon.

    :param readers: by kind.
    :param example: an address, for errors.
    :raises ValueError: for another kind, naming the known ones.
    """
    kind, separator, place = address.partition(':')
    if kind not in readers or not separator or not place:
        raise ValueError(
            f'data: {address!r} must be KIND:PLACE with one of the kinds {", ".join(readers)}, '
            f'for example {example}'
        )
    return readers[kind], place


def part_of(address: str) -> tuple[str, slice]:
    """
    Return the address of a whole set and which of its pictures are meant.

    :param address: may end in ``[start:stop:step]``, as Python slices: ``[::10]`` is every tenth.
    :raises ValueError: the step is 0.
    """
    match = _SLICED.fullmatch(address)
    if match is None:
        return address, slice(None)
    start, stop, step = (int(word) if word else None for word in match.groups()[1:])
    if step == 0:
        raise ValueError(f'data: {address!r} has the step 0; every tenth picture is [::10]')
    return match[1], slice(start, stop, step)
