"""How old, how fast, how many lost: figures over a sliding window, with time as an argument."""

from __future__ import annotations

import math
import threading
from collections import Counter, deque
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True, kw_only=True)
class AgeSummary:
    """
    Figures of the window that ends now; NaN where the window holds nothing.

    :param count: samples in the window.
    :param total: samples since the start.
    :param p50_ms: median age in milliseconds, and so on.
    :param rate_hz: samples per second in the window.
    :param drops: ``{reason: count}`` since the start.
    """

    count: int = 0
    total: int = 0
    mean_ms: float = math.nan
    p50_ms: float = math.nan
    p95_ms: float = math.nan
    p99_ms: float = math.nan
    max_ms: float = math.nan
    rate_hz: float = 0.0
    drops: dict[str, int] = field(default_factory=dict)

    @property
    def dropped(self) -> int:
        """All drops together."""
        return sum(self.drops.values())


class AgeStatistics:
    """
    Ages of frames (or any duration) in a sliding window; thread safe, bounded memory.

    :param window_s: length of the window in seconds.
    :param capacity: most samples kept; beyond it the oldest go, whatever their time.
    """

    def __init__(self, window_s: float = 10.0, capacity: int = 4096) -> None:
        if not window_s > 0 or capacity < 1:
            raise ValueError(
                f'AgeStatistics: window_s {window_s!r} must be above 0 and '
                f'capacity {capacity!r} at least 1'
            )
        self._lock = threading.Lock()
        self._window_ns = round(window_s * 1e9)
        self._samples: deque[tuple[int, int]] = deque(maxlen=capacity)
        self._drops: Counter[str] = Counter()
        self._total = 0

    def add(self, age_ns: int, now_ns: int) -> None:
        """
        Note one sample.

        :param age_ns: the duration in nanoseconds; negative when clocks disagree, kept as it is.
        :param now_ns: steady time of the sample. A jump back empties the window.
        """
        with self._lock:
            if self._samples and now_ns < self._samples[-1][0]:
                self._samples.clear()
            self._samples.append((now_ns, age_ns))
            self._total += 1

    def drop(self, reason: str, count: int = 1) -> None:
        """Count lost items under a reason."""
        with self._lock:
            self._drops[reason] += count

    def reset(self) -> None:
        """Forget everything, the totals too."""
        with self._lock:
            self._samples.clear()
            self._drops.clear()
            self._total = 0

    def summary(self, now_ns: int) -> AgeSummary:
        """Return the figures of the window that ends at ``now_ns`` (steady time)."""
        with self._lock:
            self._forget_before(now_ns - self._window_ns)
            ages_ms = np.array([age for _, age in self._samples], dtype=np.float64) / 1e6
            rate_hz, total, drops = self._rate_hz(now_ns), self._total, dict(self._drops)
        if not len(ages_ms):
            return AgeSummary(total=total, drops=drops)
        p50, p95, p99, largest = np.percentile(ages_ms, (50, 95, 99, 100))
        return AgeSummary(
            count=len(ages_ms),
            total=total,
            mean_ms=float(ages_ms.mean()),
            p50_ms=float(p50),
            p95_ms=float(p95),
            p99_ms=float(p99),
            max_ms=float(largest),
            rate_hz=rate_hz,
            drops=drops,
        )

    def _forget_before(self, limit_ns: int) -> None:
        while self._samples and self._samples[0][0] < limit_ns:
            self._samples.popleft()

    def _rate_hz(self, now_ns: int) -> float:
        """Return samples per second: intervals between samples while they are regular."""
        if len(self._samples) < 2:
            return 0.0
        spread_ns = self._samples[-1][0] - self._samples[0][0]
        silence_ns = now_ns - self._samples[-1][0]
        intervals = len(self._samples) - 1
        if spread_ns <= 0:
            return 0.0
        # Silence longer than a usual interval counts, so that the rate falls when a source dies.
        return 1e9 * intervals / (spread_ns + max(0, silence_ns - spread_ns / intervals))
