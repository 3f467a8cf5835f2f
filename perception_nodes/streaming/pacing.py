"""When the next frame of a recording is due; time is always an argument."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Protocol


class PacingMode(str, Enum):
    """How a recording is played."""

    REAL_TIME = 'real_time'
    FIXED_RATE = 'fixed_rate'
    ON_DEMAND = 'on_demand'


class Pacing(Protocol):
    """
    Says how long a frame must wait. All ``now_ns`` are steady time in nanoseconds.

    :ivar slips: how often the schedule was given up and started anew.
    """

    slips: int

    def wait_ns(self, stamp_ns: int, now_ns: int) -> int:
        """Return how long to wait before asking again; 0 or less: publish now."""

    def published(self, stamp_ns: int, now_ns: int) -> None:
        """Note that the frame went out."""

    def answered(self, stamp_ns: int) -> bool:
        """Note a result with this stamp; returns whether it releases the next frame."""

    def restart(self) -> None:
        """Start a new schedule at the next frame, after a pause or at the start of a loop."""


class RealTimePacing:
    """
    Frames go out at the distances of their stamps.

    A schedule that cannot be kept is started anew and counted in ``slips``: when stamps jump
    back, when they leave a gap, or when playback lags (slow decoder, suspended process).

    :param speed: 2.0 plays twice as fast as recorded.
    :param max_gap_s: a longer distance between two stamps is not waited for.
    :param max_lag_s: a longer lag is not caught up with.
    """

    def __init__(
        self, *, speed: float = 1.0, max_gap_s: float = 5.0, max_lag_s: float = 0.5
    ) -> None:
        if not speed > 0:
            raise ValueError(f'pacing: speed {speed!r} must be above 0; 1.0 is real time')
        self.slips = 0
        self._speed = speed
        self._max_gap_ns = round(max_gap_s * 1e9)
        self._max_lag_ns = round(max_lag_s * 1e9)
        self._anchor_ns: tuple[int, int] | None = None
        self._last_stamp_ns = 0

    def wait_ns(self, stamp_ns: int, now_ns: int) -> int:
        """Return the time until the frame's place in the schedule."""
        if self._anchor_ns is None:
            return 0
        if not 0 <= stamp_ns - self._last_stamp_ns <= self._max_gap_ns:
            return self._slip()
        anchor_stamp_ns, anchor_now_ns = self._anchor_ns
        due_ns = anchor_now_ns + round((stamp_ns - anchor_stamp_ns) / self._speed)
        if now_ns - due_ns > self._max_lag_ns:
            return self._slip()
        return max(0, due_ns - now_ns)

    def published(self, stamp_ns: int, now_ns: int) -> None:
        """Note the frame; the first one fixes the schedule."""
        self._anchor_ns = self._anchor_ns or (stamp_ns, now_ns)
        self._last_stamp_ns = stamp_ns

    def answered(self, stamp_ns: int) -> bool:
        """Answers do not matter here."""
        return False

    def restart(self) -> None:
        """Let the next frame go out at once and fix a new schedule."""
        self._anchor_ns = None

    def _slip(self) -> int:
        self.slips += 1
        self.restart()
        return 0


class UnpacedPacing:
    """Every frame goes out as it comes: a live camera keeps its own time."""

    def __init__(self) -> None:
        self.slips = 0

    def wait_ns(self, stamp_ns: int, now_ns: int) -> int:
        """Return 0: never wait."""
        return 0

    def published(self, stamp_ns: int, now_ns: int) -> None:
        """Nothing to note."""

    def answered(self, stamp_ns: int) -> bool:
        """Answers do not matter here."""
        return False

    def restart(self) -> None:
        """Nothing to start anew."""


class FixedRatePacing:
    """
    Frames go out at a fixed rate, whatever their stamps say.

    :param rate_hz: frames per second. A lag of more than one period is not caught up with.
    """

    def __init__(self, *, rate_hz: float) -> None:
        if not rate_hz > 0:
            raise ValueError(f'pacing: rate_hz {rate_hz!r} must be above 0, for example 30.0')
        self.slips = 0
        self._period_ns = 1e9 / rate_hz
        self._due_ns: float | None = None

    def wait_ns(self, stamp_ns: int, now_ns: int) -> int:
        """Return the time until the next tick."""
        return 0 if self._due_ns is None else max(0, round(self._due_ns) - now_ns)

    def published(self, stamp_ns: int, now_ns: int) -> None:
        """Plan the next tick one period after this one's due time."""
        due_ns = now_ns if self._due_ns is None else self._due_ns
        if now_ns - due_ns > self._period_ns:
            self.slips += 1
            due_ns = now_ns
        self._due_ns = due_ns + self._period_ns

    def answered(self, stamp_ns: int) -> bool:
        """Answers do not matter here."""
        return False

    def restart(self) -> None:
        """Let the next frame go out at once."""
        self._due_ns = None


class OnDemandPacing:
    """
    The next frame goes out when the result for the previous one has come back.

    :param answer_timeout_s: a result that does not come within this time is given up and
        counted in ``slips``, so that one lost message never stalls playback for ever.
    """

    def __init__(self, *, answer_timeout_s: float = 5.0) -> None:
        if not answer_timeout_s > 0:
            raise ValueError(f'pacing: answer_timeout_s {answer_timeout_s!r} must be above 0')
        self.slips = 0
        self._timeout_ns = round(answer_timeout_s * 1e9)
        self._asked_ns: tuple[int, int] | None = None

    def wait_ns(self, stamp_ns: int, now_ns: int) -> int:
        """Return the time until the outstanding answer is given up; 0 when there is none."""
        if self._asked_ns is None:
            return 0
        remaining_ns = self._asked_ns[1] + self._timeout_ns - now_ns
        if remaining_ns <= 0:
            self.slips += 1
            self._asked_ns = None
        return max(0, remaining_ns)

    def published(self, stamp_ns: int, now_ns: int) -> None:
        """Wait for the answer to this stamp."""
        self._asked_ns = (stamp_ns, now_ns)

    def answered(self, stamp_ns: int) -> bool:
        """Release the next frame if the result belongs to the outstanding one."""
        if self._asked_ns is None or self._asked_ns[0] != stamp_ns:
            return False
        self._asked_ns = None
        return True

    def restart(self) -> None:
        """Forget the outstanding answer."""
        self._asked_ns = None


_PACINGS: dict[PacingMode, Callable[[float, float], Pacing]] = {
    PacingMode.REAL_TIME: lambda rate_hz, timeout_s: RealTimePacing(),
    PacingMode.FIXED_RATE: lambda rate_hz, timeout_s: FixedRatePacing(rate_hz=rate_hz),
    PacingMode.ON_DEMAND: lambda rate_hz, timeout_s: OnDemandPacing(answer_timeout_s=timeout_s),
}


def make_pacing(
    mode: PacingMode, *, rate_hz: float, answer_timeout_s: float, live: bool = False
) -> Pacing:
    """
    Return the pacing for a mode.

    :param rate_hz: used by ``fixed_rate`` alone.
    :param answer_timeout_s: used by ``on_demand`` alone.
    :param live: the frames come from a camera, whose real time needs no pacing.
    """
    if live and PacingMode(mode) is PacingMode.REAL_TIME:
        return UnpacedPacing()
    return _PACINGS[PacingMode(mode)](rate_hz, answer_timeout_s)
