"""The thread in which a simulated world lives: it is made, advanced and closed there."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

_log = logging.getLogger(__name__)

_START_TIMEOUT_S = 120.0
_STOP_TIMEOUT_S = 10.0
_IDLE_WAIT_S = 0.2


class World(Protocol):
    """What the loop needs of a world."""

    def advance(self, dt_s: float) -> None:
        """Let simulated time pass."""

    def close(self) -> None:
        """Free the world."""


W = TypeVar('W', bound=World)


@dataclass(frozen=True, kw_only=True)
class Pace:
    """
    How simulated time runs.

    :param step_s: simulated seconds of one step.
    :param real_time_factor: simulated seconds in a steady second; 0 is as fast as possible.
    """

    step_s: float
    real_time_factor: float


class SimulationLoop(Generic[W]):
    """
    Advance a world step by step in one thread, since a rendering context belongs to a thread.

    :param make_world: called in the thread.
    :param pace: of the simulated time.
    :param before: called with the world before each step; gives commands. False ends the run.
    :param after: called with the world after each step; renders and publishes, may wait.
    :param on_error: told about an error in a step, which ends the run.
    """

    def __init__(
        self,
        make_world: Callable[[], W],
        pace: Pace,
        *,
        before: Callable[[W], bool],
        after: Callable[[W], object],
        on_error: Callable[[Exception], object],
    ) -> None:
        self._make_world = make_world
        self._pace = pace
        self._before = before
        self._after = after
        self._on_error = on_error
        self._ready = threading.Event()
        self._running = threading.Event()
        self._closing = threading.Event()
        self._idle = threading.Event()
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._live, name='simulation', daemon=True)
        self.steps = 0
        self.late_steps = 0

    def open(self) -> None:
        """
        Make the world and wait for it.

        :raises Exception: what making it raised.
        :raises TimeoutError: when it takes too long.
        """
        self._thread.start()
        if not self._ready.wait(_START_TIMEOUT_S):
            raise TimeoutError(f'the world was not there after {_START_TIMEOUT_S:.0f} s')
        if self._failure is not None:
            raise self._failure

    @property
    def is_running(self) -> bool:
        """Whether time is to run."""
        return self._running.is_set() and not self._closing.is_set()

    def resume(self) -> None:
        """Let time run."""
        self._running.set()

    def pause(self) -> None:
        """Hold time, and wait for the present step to end."""
        self._running.clear()
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._idle.wait(_STOP_TIMEOUT_S)

    def close(self) -> None:
        """Close the world and end the thread; may be called twice."""
        self._closing.set()
        self._running.set()
        if self._thread.ident is not None:
            self._thread.join(_STOP_TIMEOUT_S)

    def wait(self, event: threading.Event, timeout_s: float) -> bool:
        """Wait inside ``after`` for an event; returns early, with False, when the loop ends."""
        deadline_s = time.monotonic() + timeout_s
        while not event.is_set() and self.is_running:
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                return False
            event.wait(min(left_s, _IDLE_WAIT_S))
        return event.is_set()

    def _live(self) -> None:
        try:
            world = self._make_world()
        except Exception as error:
            self._failure = error
            self._ready.set()
            return
        self._ready.set()
        try:
            while not self._closing.is_set():
                self._idle.set()
                if self._running.wait(_IDLE_WAIT_S):
                    self._run(world)
        finally:
            world.close()
            self._idle.set()

    def _run(self, world: W) -> None:
        """Step until paused, closed, over or broken."""
        self._idle.clear()
        due_s = time.monotonic()
        while self.is_running:
            try:
                if not self._before(world):
                    self._running.clear()
                    return
                world.advance(self._pace.step_s)
                self._after(world)
                self.steps += 1
            except Exception as error:
                _log.exception('the simulation stopped')
                self._running.clear()
                self._on_error(error)
                return
            due_s = self._keep_pace(due_s)

    def _keep_pace(self, due_s: float) -> float:
        """Wait until the next step is due; a late loop does not catch up by rushing."""
        if self._pace.real_time_factor <= 0:
            return due_s
        due_s += self._pace.step_s / self._pace.real_time_factor
        left_s = due_s - time.monotonic()
        if left_s > 0:
            self._closing.wait(left_s)
            return due_s
        self.late_steps += 1
        return time.monotonic()
