"""The few entries of a long run with the highest figures."""

from __future__ import annotations

import heapq
from typing import Generic, TypeVar

Entry = TypeVar('Entry')


class Ranking(Generic[Entry]):
    """
    Keeps the entries with the highest figures and lets go of the others as they come.

    :param size: how many are kept.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._seen = 0
        self._heap: list[tuple[float, int, Entry]] = []

    def add(self, figure: float, entry: Entry) -> None:
        """Keep an entry, if it is among the highest so far; of equals the earlier stays."""
        self._seen += 1
        heapq.heappush(self._heap, (figure, -self._seen, entry))
        if len(self._heap) > self._size:
            heapq.heappop(self._heap)

    def entries(self) -> list[Entry]:
        """Return what was kept, the highest first."""
        ranked = sorted(self._heap, key=lambda item: item[:2], reverse=True)
        return [entry for _, _, entry in ranked]
