"""Is an input fresh? Ages by stamps count in message time, silence in steady time."""

from __future__ import annotations

from dataclasses import dataclass

CLOCK_BACK_NS = 1_000_000
"""A clock that goes back by less only shows two threads that read it."""
CLOCK_LEAP_NS = 500_000_000
"""A clock may leap this far between two looks: simulators deliver it in steps."""
FASTEST_CLOCK = 20.0
"""Simulated time may run this many times faster than steady time."""
FUTURE_NS = 50_000_000
"""Stamps this far ahead of the clock are those of another clock."""


@dataclass(frozen=True, kw_only=True)
class InputState:
    """
    How an input stands at one moment.

    :param age_s: age by its newest stamp, NaN before the first.
    :param problem: what is wrong in words, with value and limit; empty when fresh.
    """

    age_s: float
    problem: str


class FreshnessWatch:
    """
    Watches one input; time is an argument.

    :param what: the input in words, for example ``picture``.
    :param max_age_s: limit of the age by stamp.
    :param max_silence_s: limit of steady time since it last came; the one that holds when the
        clock of the stamps stands still.
    :ivar newest_ns: the newest stamp, None before the first.
    """

    def __init__(self, what: str, max_age_s: float, max_silence_s: float) -> None:
        self._what = what
        self._max_age_s = max_age_s
        self._max_silence_s = max_silence_s
        self.reset()

    def reset(self) -> None:
        """Forget what came."""
        self.newest_ns: int | None = None
        self._came_ns = 0
        self._refused_s = 0.0

    def note(self, stamp_ns: int, steady_ns: int) -> None:
        """Note that the input came; an older stamp than before does not make it fresher."""
        self._refused_s = 0.0
        if self.newest_ns is None or stamp_ns > self.newest_ns:
            self.newest_ns = stamp_ns
            self._came_ns = steady_ns

    def refuse(self, ahead_s: float) -> None:
        """Note that what came is stamped by another clock, so far ahead: nothing is fresher."""
        self._refused_s = ahead_s

    def state(self, now_ns: int, steady_ns: int) -> InputState:
        """Return age and problem; ``now_ns`` is of the clock that the stamps come from."""
        if self.newest_ns is None:
            age_s, problem = float('nan'), f'no {self._what} has come yet'
        else:
            age_s = (now_ns - self.newest_ns) * 1e-9
            problem = self._staleness(age_s, (steady_ns - self._came_ns) * 1e-9)
        if age_s < -FUTURE_NS * 1e-9:
            problem = self._of_another_clock(-age_s)
        elif problem and self._refused_s:
            problem = self._of_another_clock(self._refused_s)
        return InputState(age_s=age_s, problem=problem)

    def _staleness(self, age_s: float, silence_s: float) -> str:
        if age_s > self._max_age_s:
            return f'newest {self._what} is {age_s:.2f} s old, limit {self._max_age_s:.2f} s'
        if silence_s > self._max_silence_s:
            return f'no {self._what} for {silence_s:.2f} s, limit {self._max_silence_s:.2f} s'
        return ''

    def _of_another_clock(self, ahead_s: float) -> str:
        return (
            f'{self._what} is stamped {ahead_s:.2f} s ahead of this clock: check use_sim_time '
            'on both sides and synchronise the clocks'
        )


class ClockWatch:
    """Notices that the clock of the messages was set."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget the last look."""
        self._last: tuple[int, int] | None = None

    def observe(self, now_ns: int, steady_ns: int) -> str:
        """Return what the clock did since the last look, in words; empty when it just ran."""
        last, self._last = self._last, (now_ns, steady_ns)
        if last is None:
            return ''
        passed_ns = now_ns - last[0]
        if passed_ns < -CLOCK_BACK_NS:
            return f'the clock went back by {-passed_ns * 1e-9:.3f} s'
        if passed_ns > _farthest_ns(steady_ns - last[1]):
            return f'the clock leapt ahead by {passed_ns * 1e-9:.3f} s'
        return ''

    def ahead_s(self, stamp_ns: int, steady_ns: int) -> float:
        """
        Return how far a stamp lies ahead that this clock can only reach by a leap.

        :returns: seconds since the last look; 0 for a stamp of this clock, and before the first.
        """
        if self._last is None:
            return 0.0
        ahead_ns = stamp_ns - self._last[0]
        farthest_ns = _farthest_ns(steady_ns - self._last[1]) + FUTURE_NS
        return ahead_ns * 1e-9 if ahead_ns > farthest_ns else 0.0


def _farthest_ns(steady_ns: int) -> float:
    """Return how far a clock that just runs may get in some steady time."""
    return max(CLOCK_LEAP_NS, FASTEST_CLOCK * steady_ns)
