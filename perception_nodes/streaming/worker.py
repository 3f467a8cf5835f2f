"""The thread in which inference runs, so that no callback ever does."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from perception_nodes.streaming.mailbox import NewestMailbox

T = TypeVar('T')

_log = logging.getLogger(__name__)

#: How often an idle worker wakes to call ``on_idle``; nothing else depends on it.
IDLE_PERIOD_S = 0.25


@dataclass(frozen=True, kw_only=True)
class WorkerCounts:
    """
    What a worker did.

    :param processed: items for which the function returned.
    :param failed: items for which it raised.
    :param busy_s: steady seconds spent inside the function.
    """

    processed: int = 0
    failed: int = 0
    busy_s: float = 0.0


class Worker(Generic[T]):
    """
    One daemon thread that takes from a mailbox and calls a function.

    An exception of the function goes to ``on_error`` and never ends the thread.

    :param mailbox: where items come from; ``stop`` closes it.
    :param function: called with each item, in the worker's thread.
    :param on_error: called with (item, exception), in the worker's thread.
    :param on_idle: called when no item came for a while, for example as a watchdog.
    :param name: the thread's name, as debuggers and ``top -H`` show it.
    """

    def __init__(
        self,
        mailbox: NewestMailbox[T],
        function: Callable[[T], object],
        *,
        on_error: Callable[[T, Exception], object],
        on_idle: Callable[[], object] | None = None,
        name: str = 'worker',
    ) -> None:
        self._mailbox = mailbox
        self._function = function
        self._on_error = on_error
        self._on_idle = on_idle
        self._counts = WorkerCounts()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread; a worker runs once."""
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> bool:
        """
        Close the mailbox and wait for the thread; the item in work is finished.

        :returns: False when the thread still runs after ``timeout_s`` seconds of steady time,
            or when it is the thread itself that asks (it ends after the present item).
        """
        self._mailbox.close()
        if self._thread.ident is None:
            return True
        if self._thread is threading.current_thread():
            return False
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    @property
    def counts(self) -> WorkerCounts:
        """A consistent snapshot of the counters."""
        return self._counts

    def _run(self) -> None:
        while not self._mailbox.closed:
            item = self._mailbox.take(IDLE_PERIOD_S)
            if item is not None:
                self._work_on(item)
            elif self._on_idle is not None and not self._mailbox.closed:
                self._guarded(self._on_idle)

    def _work_on(self, item: T) -> None:
        start_s = time.monotonic()
        try:
            self._function(item)
            failed = 0
        except Exception as error:
            failed = 1
            self._guarded(self._on_error, item, error)
        # Replacing the whole frozen value is one atomic store: readers need no lock.
        self._counts = WorkerCounts(
            processed=self._counts.processed + 1 - failed,
            failed=self._counts.failed + failed,
            busy_s=self._counts.busy_s + time.monotonic() - start_s,
        )

    def _guarded(self, callback: Callable[..., object], *arguments: object) -> None:
        """Call a reporting callback; its own failure is logged, since nobody is left to tell."""
        try:
            callback(*arguments)
        except Exception:
            _log.exception('%s: a callback of the worker failed', self._thread.name)
