"""Parts of a set: blocks of time without neighbours on the other side, even choices."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

T = TypeVar('T')

_SHORTEST_RUN = 20  # pictures; of a shorter one nothing is cut


@dataclass(frozen=True, kw_only=True)
class Split:
    """
    Indices of the pictures, rising.

    :param kept: to learn from.
    :param cut: to choose with.
    :param dropped: between the two, too much like both.
    """

    kept: tuple[int, ...]
    cut: tuple[int, ...]
    dropped: tuple[int, ...]


def split_by_time(names: Sequence[str], *, part: float, gap: int) -> Split:
    """
    Cut the middle of every recording as one block of time.

    Pictures of a video are near-duplicates of their neighbours: a part drawn at random would
    only measure memory. A recording is what precedes the number at the end of a name; a jump
    of the numbers starts a new one.

    :param names: of the pictures, such as ``0016E5_00390``.
    :param part: of each recording that is cut, 0..1.
    :param gap: pictures dropped on each side of the block.
    :raises ValueError: a name without a number, or a part outside 0..1.
    """
    if not 0.0 <= part < 1.0 or gap < 0:
        raise ValueError(f'part {part} must lie in 0..1 and gap {gap} must not be negative')
    cut: list[int] = []
    dropped: list[int] = []
    for run in recordings(names):
        length = round(part * len(run)) if len(run) >= _SHORTEST_RUN else 0
        if length:
            start = (len(run) - length) // 2
            cut += run[start : start + length]
            dropped += run[max(start - gap, 0) : start]
            dropped += run[start + length : start + length + gap]
    kept = sorted(set(range(len(names))) - set(cut) - set(dropped))
    return Split(kept=tuple(kept), cut=tuple(sorted(cut)), dropped=tuple(sorted(dropped)))


def recordings(names: Sequence[str]) -> list[list[int]]:
    """Return the indices of each uninterrupted recording in the order of time."""
    places: dict[str, list[tuple[int, int]]] = {}
    for index, name in enumerate(names):
        found = re.fullmatch(r'(.*?)(\d+)', name)
        if not found:
            raise ValueError(f'{name!r} does not end in a number that tells its time')
        places.setdefault(found[1], []).append((int(found[2]), index))
    runs = []
    for frames in places.values():
        frames.sort()
        steps = np.diff([number for number, _ in frames])
        usual = np.median(steps) if len(steps) else 0
        breaks = np.flatnonzero(steps > 2 * usual) + 1
        runs += [part.tolist() for part in np.split([index for _, index in frames], breaks)]
    return runs


def spread_over(items: Sequence[T], most: int) -> list[T]:
    """
    Return up to ``most`` items at equal distances; neighbours may come from one scene.

    :param most: 0 for all.
    """
    count = min(most or len(items), len(items))
    return [items[int(index)] for index in np.linspace(0, len(items) - 1, count).round()]
