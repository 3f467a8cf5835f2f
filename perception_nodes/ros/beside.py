"""Work beside the frame path: for who asks, never in the way."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from perception_nodes.streaming import NewestMailbox, Worker

T = TypeVar('T')

_POLITE = 19
"""Niceness of the thread: the frame path goes first."""
_STOP_TIMEOUT_S = 10.0

_log = logging.getLogger(__name__)


class StoppedError(Exception):
    """The node stops in the middle of the work."""


class Beside(Generic[T]):
    """
    A polite thread that takes one item at a time, when it has nothing else to do.

    :param name: of the thread.
    :param work: called in it with each item; long work calls :meth:`go_on` now and then.
    """

    def __init__(self, name: str, work: Callable[[T], object]) -> None:
        self._name, self._work = name, work
        self._stopping = threading.Event()
        self._busy = threading.Event()
        self._mailbox: NewestMailbox[T] = NewestMailbox()
        self._worker = Worker(self._mailbox, self._process, on_error=self._failed, name=name)
        self._worker.start()

    @property
    def is_busy(self) -> bool:
        """Whether an item is being worked on."""
        return self._busy.is_set()

    def offer(self, item: T) -> bool:
        """Take an item if nothing is being worked on; return whether it was taken."""
        if self._busy.is_set():
            return False
        self._busy.set()
        return self._mailbox.put(item)

    def go_on(self) -> None:
        """
        Return while the node runs.

        :raises StoppedError: when it stops.
        """
        if self._stopping.is_set():
            raise StoppedError

    def close(self) -> None:
        """End the thread, in the middle of its work if that calls :meth:`go_on`."""
        self._stopping.set()
        self._worker.stop(_STOP_TIMEOUT_S)

    def _process(self, item: T) -> None:
        try:
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _POLITE)
            self._work(item)
        except StoppedError:
            return
        finally:
            self._busy.clear()

    def _failed(self, _item: T, error: Exception) -> None:
        _log.error('%s failed: %s', self._name, error, exc_info=error)
