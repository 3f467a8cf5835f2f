"""Look at fewer frames than the camera delivers."""

from __future__ import annotations

_NS_PER_S = 1_000_000_000


class RateLimit:
    """
    Lets frames through at no more than a mean rate, without drifting below it.

    A camera of 30 Hz under a limit of 12 Hz gives 12 Hz, not the 10 Hz of "every third frame",
    because the schedule goes on from where a frame was due, not from where it came.

    :param max_rate_hz: frames in a second; 0 lets everything through.
    """

    def __init__(self, max_rate_hz: float) -> None:
        self._period_ns = round(_NS_PER_S / max_rate_hz) if max_rate_hz > 0 else 0
        self._due_ns: int | None = None

    def admit(self, time_ns: int) -> bool:
        """
        Say whether the frame of this time may pass, and count it if so.

        :param time_ns: time of the frame; a jump back starts a new schedule.
        """
        if not self._period_ns:
            return True
        due_ns = self._due_ns
        jumped_back = due_ns is not None and time_ns < due_ns - self._period_ns
        if due_ns is None or jumped_back:
            self._due_ns = time_ns + self._period_ns
            return True
        if time_ns < due_ns:
            return False
        is_late = time_ns - due_ns >= self._period_ns
        self._due_ns = (time_ns if is_late else due_ns) + self._period_ns
        return True
