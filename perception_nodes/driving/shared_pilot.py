"""A pilot for two threads: one is busy with masks, and the other never waits for it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from perception_nodes.driving.config import DrivingConfig
from perception_nodes.driving.follower import FollowerStatus
from perception_nodes.driving.pilot import Pilot
from perception_nodes.driving.speed import SpeedLimit
from perception_nodes.driving.supervisor import NOT_ENABLED, Fault, StopReason
from perception_nodes.path import PathConfig

BUSY_SHARE = 0.5
"""So much of the time that pictures may be silent a mask may keep the pilot from deciding."""
MOST_HEARD = 500
"""Odometry of 200 Hz for 2.5 s; what is older helps nobody."""

Action = Callable[[Pilot], object]


class SharedPilot:
    """
    A pilot, and what has been said to it while it was busy.

    Whoever hears something notes it here, from any thread, and goes on at once; it is applied
    before the next look and before the next decision. Of what is heard again and again the oldest
    is dropped when there is too much of it; what is said once, as ``enable``, is never lost.

    :param pilot: used by nobody else from now on.
    """

    def __init__(self, pilot: Pilot) -> None:
        self._pilot = pilot
        self._lock = threading.Lock()
        # Appending to a deque and taking from it need no lock.
        self._said: deque[Action] = deque()
        self._heard: deque[Action] = deque(maxlen=MOST_HEARD)
        self._dead_man: deque[tuple[bool, int]] = deque(maxlen=1)
        self._enabled = False
        self._released = False
        self._busy_since_ns: int | None = None

    def enable(self, enabled: bool) -> None:
        """Want to drive, or not any more; see :meth:`Pilot.enable`."""
        self._enabled = enabled
        self._said.append(lambda pilot: pilot.enable(enabled))

    def limit_speed(self, limit: SpeedLimit) -> None:
        """Say a limit that holds until the next."""
        self._said.append(lambda pilot: pilot.follower.limit_speed(limit))

    def configure(self, driving: DrivingConfig, path: PathConfig) -> None:
        """Say settings that changed; see :meth:`Pilot.configure`."""
        self._said.append(lambda pilot: pilot.configure(driving, path))

    def note_dead_man(self, pressed: bool, steady_ns: int) -> None:
        """Note a message of the dead man's switch; the newest counts."""
        self._released = not pressed
        self._dead_man.append((pressed, steady_ns))

    def hear(self, action: Action) -> None:
        """Note something that comes again and again, as what to do with the pilot."""
        self._heard.append(action)

    @contextmanager
    def held(self, steady_ns: int) -> Iterator[Pilot]:
        """Hold the pilot for a mask from now on; what was noted so far has been applied."""
        with self._lock:
            self._busy_since_ns = steady_ns
            try:
                self._apply()
                yield self._pilot
            finally:
                self._busy_since_ns = None

    @contextmanager
    def held_if_free(self) -> Iterator[Pilot | None]:
        """Hold the pilot, or get None at once while a mask does."""
        if not self._lock.acquire(blocking=False):
            yield None
            return
        try:
            yield self._pilot
        finally:
            self._lock.release()

    def step(self, now_ns: int, steady_ns: int) -> FollowerStatus:
        """Decide after what was noted; only for who holds the pilot. See :meth:`Pilot.step`."""
        self._apply()
        return self._pilot.step(now_ns, steady_ns)

    def must_stand(self, steady_ns: int) -> Fault | None:
        """Return why the robot has to stand while a mask holds the pilot; None: it need not."""
        if not self._enabled:
            return NOT_ENABLED
        if self._released and self._pilot.follower.config.require_dead_man:
            return Fault(StopReason.DEAD_MAN_RELEASED, 'dead_man is released')
        since_ns = self._busy_since_ns
        busy_s = (steady_ns - since_ns) * 1e-9 if since_ns is not None else 0.0
        limit_s = BUSY_SHARE * self._pilot.follower.config.max_silence_s
        if busy_s <= limit_s:
            return None
        words = f'a mask has been in work for {busy_s:.2f} s, limit {limit_s:.2f} s'
        return Fault(StopReason.CAMERA_STALE, f'{words}: give smaller masks')

    def _apply(self) -> None:
        while self._dead_man:
            self._pilot.follower.vitals.note_dead_man(*self._dead_man.popleft())
        for waiting in (self._said, self._heard):
            while waiting:
                waiting.popleft()(self._pilot)
