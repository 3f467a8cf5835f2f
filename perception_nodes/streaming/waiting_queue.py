"""Items that wait for something else to come, with time as an argument."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar('T')
R = TypeVar('R')


class NotYetError(LookupError):
    """
    What an item needs is not there yet.

    :ivar reason: short name for a counter.
    :ivar may_come: whether waiting can help.
    """

    def __init__(self, reason: str, message: str, *, may_come: bool = True) -> None:
        super().__init__(message)
        self.reason = reason
        self.may_come = may_come


@dataclass(frozen=True, kw_only=True)
class GivenUp(Generic[T]):
    """
    An item that did not get what it needs.

    :param error: what was missing at last.
    """

    item: T
    error: NotYetError


class WaitingQueue(Generic[T, R]):
    """
    Holds items in the order of arrival until each can be completed, or its deadline is over.

    :param complete: returns the completed item or raises :class:`NotYetError`.
    :param deadline_ns: steady time that an item may wait.
    :param capacity: most items that wait; the oldest is given up for a new one.
    """

    def __init__(
        self, complete: Callable[[T], R], *, deadline_ns: int, capacity: int = 16
    ) -> None:
        if deadline_ns < 0 or capacity < 1:
            raise ValueError(
                f'needs deadline_ns ≥ 0 and capacity ≥ 1, got {deadline_ns} and {capacity}'
            )
        self._complete = complete
        self._deadline_ns = deadline_ns
        self._capacity = capacity
        self._waiting: deque[tuple[int, T]] = deque()

    def __len__(self) -> int:
        """Return how many items wait."""
        return len(self._waiting)

    def add(self, item: T, now_ns: int) -> None:
        """Let an item wait from now on; :meth:`poll` tells when it is ready."""
        self._waiting.append((now_ns, item))

    def poll(self, now_ns: int) -> tuple[list[R], list[GivenUp[T]]]:
        """Return what is complete now and what was given up, both in the order of arrival."""
        ready: list[R] = []
        given_up: list[GivenUp[T]] = []
        still: deque[tuple[int, T]] = deque()
        overflow = len(self._waiting) - self._capacity
        for index, (arrived_ns, item) in enumerate(self._waiting):
            try:
                ready.append(self._complete(item))
            except NotYetError as error:
                is_late = now_ns - arrived_ns >= self._deadline_ns
                if is_late or not error.may_come or index < overflow:
                    given_up.append(GivenUp(item=item, error=error))
                else:
                    still.append((arrived_ns, item))
        self._waiting = still
        return ready, given_up

    def clear(self) -> None:
        """Forget everything that waits."""
        self._waiting.clear()
