"""Pairing of streams by the stamps in their headers, with time as an argument."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar('T')


@dataclass(frozen=True, kw_only=True)
class Joined(Generic[T]):
    """
    One item of every stream that belong together.

    :param stamp_ns: stamp of the first stream's item.
    :param items: ``{stream: item}``.
    :param waited_ns: steady time between the first arrival of the set and its completion.
    """

    stamp_ns: int
    items: dict[str, T]
    waited_ns: int


@dataclass(frozen=True, kw_only=True)
class _Entry(Generic[T]):
    stamp_ns: int
    arrived_ns: int
    item: T


class StampJoin(Generic[T]):
    """
    Joins N streams whose items carry stamps; order of arrival does not matter.

    A set is complete when, for an item of the first stream, every other stream has an unused
    item within the tolerance; the nearest stamp is taken. Keep the tolerance below half the
    period of the fastest stream, otherwise an early neighbour may be taken for the right one.
    Memory is bounded by ``capacity`` items a stream. Not thread safe: call it from one thread.

    Every item that leaves unjoined is counted once in ``drops``, under one of these reasons:
    ``duplicate`` (its stamp came before in the same stream), ``overflow`` (too many waiting),
    ``jump_back`` (time in the stamps was set back), and ``<stream>_without_<streams>``
    (the deadline passed and these partners were missing).

    :param streams: at least two different names.
    :param tolerance_ns: largest stamp difference to the first stream's item; 0 means equal.
    :param deadline_ns: steady time an item may wait for its partners.
    :param capacity: most items that wait in one stream.
    :param jump_back_ns: a stamp this far before the newest one of its stream is a jump of the
        clock (a bag that starts again, a simulator that was reset); less is reordering.
    :param on_lost: told (stream, item, missing streams) for each item that waited in vain, beyond
        the deadline or until too many waited.
    """

    def __init__(
        self,
        streams: Sequence[str],
        *,
        tolerance_ns: int = 0,
        deadline_ns: int = 500_000_000,
        capacity: int = 16,
        jump_back_ns: int = 1_000_000_000,
        on_lost: Callable[[str, T, Sequence[str]], object] = lambda stream, item, missing: None,
    ) -> None:
        if len(streams) < 2 or len(set(streams)) != len(streams):
            raise ValueError(f'StampJoin needs two or more different streams, got {streams!r}')
        if tolerance_ns < 0 or deadline_ns <= 0 or capacity < 1 or jump_back_ns <= 0:
            raise ValueError(
                'StampJoin needs tolerance_ns ≥ 0, deadline_ns > 0, capacity ≥ 1, '
                f'jump_back_ns > 0, got {tolerance_ns}, {deadline_ns}, {capacity}, {jump_back_ns}'
            )
        self._streams = tuple(streams)
        self._tolerance_ns = tolerance_ns
        self._deadline_ns = deadline_ns
        self._capacity = capacity
        self._jump_back_ns = jump_back_ns
        self._on_lost = on_lost
        self._waiting: dict[str, list[_Entry[T]]] = {name: [] for name in streams}
        self._newest_ns: dict[str, int] = {}
        self._used_ns: dict[str, deque[int]] = {name: deque(maxlen=capacity) for name in streams}
        self._drops: Counter[str] = Counter()
        self._jumps = 0
        self._joined = 0

    def add(self, stream: str, stamp_ns: int, item: T, now_ns: int) -> Joined[T] | None:
        """
        Add one item and return the set that it completes, if any.

        :param stream: one of the names given to the constructor.
        :param stamp_ns: the item's own time.
        :param now_ns: steady time of arrival.
        :raises ValueError: for an unknown stream.
        """
        if stream not in self._waiting:
            raise ValueError(f'StampJoin: unknown stream {stream!r}; known: {self._streams}')
        self.expire(now_ns)
        self._notice_jump(stream, stamp_ns)
        entries = self._waiting[stream]
        if stamp_ns in self._used_ns[stream]:
            self._drops['duplicate'] += 1
            return None
        if any(entry.stamp_ns == stamp_ns for entry in entries):
            self._drops['duplicate'] += 1
            entries[:] = [entry for entry in entries if entry.stamp_ns != stamp_ns]
        entries.append(_Entry(stamp_ns=stamp_ns, arrived_ns=now_ns, item=item))
        joined = self._complete(stream, entries[-1], now_ns)
        if len(entries) > self._capacity:
            self._drops['overflow'] += 1
            oldest = entries.pop(0)
            self._on_lost(stream, oldest.item, self._missing(stream, oldest))
        return joined

    def expire(self, now_ns: int) -> int:
        """Drop what waited beyond the deadline; returns how many items went."""
        late = [
            (stream, entry)
            for stream, entries in self._waiting.items()
            for entry in entries
            if now_ns - entry.arrived_ns > self._deadline_ns
        ]
        missing = [self._missing(stream, entry) for stream, entry in late]
        for (stream, entry), names in zip(late, missing, strict=True):
            self._drops[f'{stream}_without_{"_".join(names)}'] += 1
            self._waiting[stream].remove(entry)
            self._on_lost(stream, entry.item, names)
        return len(late)

    def reset(self) -> None:
        """Forget waiting items and stamps, uncounted; the counters stay."""
        for name in self._streams:
            self._waiting[name].clear()
            self._used_ns[name].clear()
        self._newest_ns.clear()

    @property
    def drops(self) -> dict[str, int]:
        """``{reason: items that left unjoined}``."""
        return dict(self._drops)

    @property
    def jumps(self) -> int:
        """How often a stream's stamps were set back."""
        return self._jumps

    @property
    def joined(self) -> int:
        """How many sets were completed."""
        return self._joined

    @property
    def waiting(self) -> dict[str, int]:
        """``{stream: items that wait for partners}``."""
        return {name: len(entries) for name, entries in self._waiting.items()}

    def _notice_jump(self, stream: str, stamp_ns: int) -> None:
        """
        Drop what comes from before a jump back.

        Only items later than the new time go: a stream that jumps second must not throw away
        what the first one has delivered since.
        """
        newest_ns = self._newest_ns.get(stream, stamp_ns)
        if stamp_ns > newest_ns - self._jump_back_ns:
            self._newest_ns[stream] = max(newest_ns, stamp_ns)
            return
        self._jumps += 1
        self._newest_ns[stream] = stamp_ns
        self._used_ns[stream].clear()
        limit_ns = stamp_ns + self._jump_back_ns
        for entries in self._waiting.values():
            kept = [entry for entry in entries if entry.stamp_ns < limit_ns]
            self._drops['jump_back'] += len(entries) - len(kept)
            entries[:] = kept
        self._drops += Counter()  # leaves no reason with a count of zero

    def _complete(self, stream: str, added: _Entry[T], now_ns: int) -> Joined[T] | None:
        """Return the set around the reference nearest to the added item."""
        first = self._streams[0]
        references = [added] if stream == first else self._partners(first, added.stamp_ns)
        for reference in references:
            chosen = {first: reference}
            for name in self._streams[1:]:
                partners = self._partners(name, reference.stamp_ns)
                if not partners:
                    break
                chosen[name] = partners[0]
            else:
                return self._take(chosen, now_ns)
        return None

    def _partners(self, stream: str, stamp_ns: int) -> list[_Entry[T]]:
        """Return the waiting items within the tolerance, nearest stamp first."""
        near = [
            entry
            for entry in self._waiting[stream]
            if abs(entry.stamp_ns - stamp_ns) <= self._tolerance_ns
        ]
        return sorted(near, key=lambda entry: abs(entry.stamp_ns - stamp_ns))

    def _take(self, chosen: dict[str, _Entry[T]], now_ns: int) -> Joined[T]:
        for name, entry in chosen.items():
            self._waiting[name] = [other for other in self._waiting[name] if other is not entry]
            self._used_ns[name].append(entry.stamp_ns)
        self._joined += 1
        return Joined(
            stamp_ns=chosen[self._streams[0]].stamp_ns,
            items={name: entry.item for name, entry in chosen.items()},
            waited_ns=now_ns - min(entry.arrived_ns for entry in chosen.values()),
        )

    def _missing(self, stream: str, entry: _Entry[T]) -> list[str]:
        """Return the streams without a partner for a waiting item."""
        missing = [
            name
            for name in self._streams
            if name != stream and not self._partners(name, entry.stamp_ns)
        ]
        return missing or ['complete_set']
