"""Addresses of labelled sets: ``kind:place@split``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

T = TypeVar('T')


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
