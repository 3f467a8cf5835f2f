"""The hand-over between arrival and inference: the newest item wins, the rest is counted."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar('T')


@dataclass(frozen=True, kw_only=True)
class MailboxCounts:
    """
    What went through a mailbox; ``received == taken + dropped + waiting`` at all times.

    :param received: items put while the mailbox was open.
    :param taken: items handed to the taker.
    :param dropped: items replaced by a newer one, or left over when the mailbox was closed.
    :param waiting: 1 while an item lies in the mailbox, else 0.
    """

    received: int = 0
    taken: int = 0
    dropped: int = 0
    waiting: int = 0


class NewestMailbox(Generic[T]):
    """
    A mailbox of size one for any number of threads.

    ``put`` never blocks: a producer such as an executor callback is never held up by a slow
    consumer, and the consumer always works on the newest item.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._items: list[T] = []
        self._received = 0
        self._taken = 0
        self._dropped = 0
        self._closed = False

    def put(self, item: T) -> bool:
        """
        Leave an item, replacing the one that nobody took.

        :returns: False when the mailbox is closed; the item is then neither kept nor counted.
        """
        with self._changed:
            if self._closed:
                return False
            self._received += 1
            self._dropped += len(self._items)
            self._items[:] = [item]
            self._changed.notify()
            return True

    def take(self, timeout_s: float | None = None) -> T | None:
        """
        Take the item, waiting for one at most ``timeout_s`` seconds of steady time.

        :param timeout_s: 0 never waits, None waits until an item arrives or ``close`` is called.
        :returns: the item, or None when the time is over or the mailbox is closed.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._closed, timeout_s)
            if not self._items:
                return None
            self._taken += 1
            return self._items.pop()

    def clear(self) -> None:
        """Drop and count the waiting item."""
        with self._changed:
            self._dropped += len(self._items)
            self._items.clear()

    def close(self) -> None:
        """Drop the waiting item, refuse new ones and wake every waiting taker."""
        with self._changed:
            self._closed = True
            self._dropped += len(self._items)
            self._items.clear()
            self._changed.notify_all()

    @property
    def closed(self) -> bool:
        """Whether ``close`` was called."""
        with self._changed:
            return self._closed

    @property
    def counts(self) -> MailboxCounts:
        """A consistent snapshot of the counters."""
        with self._changed:
            return MailboxCounts(
                received=self._received,
                taken=self._taken,
                dropped=self._dropped,
                waiting=len(self._items),
            )
