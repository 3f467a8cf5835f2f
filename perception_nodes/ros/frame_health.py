"""Figures of a frame path, and what they mean for the health of the node."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from perception_nodes.ros.diagnostics import Health, Level
from perception_nodes.streaming import AgeStatistics, AgeSummary, MailboxCounts

# Stamps may be a little ahead of this clock; more means clocks that nobody synchronised.
_TOLERATED_SKEW_MS = 50.0


@dataclass(frozen=True, kw_only=True)
class SourceState:
    """
    What is known about the source of the frames.

    :param topic: full name.
    :param publisher_count: publishers at present.
    :param reliability: of the subscription.
    :param jumps_back: stamps older than their predecessor.
    :param rematches: how often the subscription was made anew.
    """

    topic: str
    publisher_count: int
    reliability: str
    jumps_back: int
    rematches: int


class FrameMeter:
    """Counts and times of one activation; thread safe, steady time is an argument."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._refused: Counter[str] = Counter()
        self._reported_refused = 0
        self._reported_failed = 0
        self._last_refusal = ''
        self._arrived_ns: int | None = None
        self._busy_since_ns: int | None = None
        self.received = 0
        self.failed = 0
        self.ages = AgeStatistics()
        self.inference = AgeStatistics()

    def arrived(self, now_ns: int) -> None:
        """Note that a message came."""
        self._arrived_ns = now_ns
        self.received += 1

    def skip(self, reason: str) -> None:
        """Note a frame that was left out on purpose."""
        self.ages.drop(reason)

    def begin(self, now_ns: int) -> None:
        """Note that the worker took a frame."""
        self._busy_since_ns = now_ns

    def end(self) -> None:
        """Note that the worker is free again."""
        self._busy_since_ns = None

    def refuse(self, reason: str, text: str) -> int:
        """Count a bad message and return how many had this reason."""
        with self._lock:
            self._refused[reason] += 1
            self._last_refusal = text
            return self._refused[reason]

    def fail(self) -> None:
        """Count a frame on which the work raised."""
        self.failed += 1
        self.end()

    def published(self, age_ns: int, now_ns: int) -> None:
        """Note a result: age of the frame at publication, steady time."""
        self.ages.add(age_ns, now_ns)

    @property
    def refused(self) -> dict[str, int]:
        """Bad messages by reason."""
        with self._lock:
            return dict(self._refused)

    @property
    def last_refusal(self) -> str:
        """What was wrong with the latest bad message."""
        return self._last_refusal

    def silence_s(self, now_ns: int, started_ns: int) -> float:
        """Return the seconds since the latest message, or since the start."""
        return (now_ns - (self._arrived_ns or started_ns)) / 1e9

    def busy_s(self, now_ns: int) -> float:
        """Return for how long the worker has had the present frame."""
        since_ns = self._busy_since_ns
        return 0.0 if since_ns is None else (now_ns - since_ns) / 1e9

    def news(self) -> tuple[int, int]:
        """Return (refused, failed) since the previous call."""
        refused = sum(self.refused.values())
        new = refused - self._reported_refused, self.failed - self._reported_failed
        self._reported_refused, self._reported_failed = refused, self.failed
        return new


def frame_health(
    meter: FrameMeter,
    counts: MailboxCounts,
    source: SourceState,
    *,
    now_ns: int,
    started_ns: int,
    stale_after_s: float,
    paused: bool = False,
    last_error: str = '',
) -> Health:
    """
    Return level, cause and figures of a frame path.

    :param now_ns: steady time, as ``started_ns``, the time of activation.
    :param stale_after_s: silence, or time with one frame, that is worth a word.
    """
    summary = meter.ages.summary(now_ns)
    level, message = _verdict(
        meter,
        summary,
        source,
        silence_s=meter.silence_s(now_ns, started_ns),
        busy_s=meter.busy_s(now_ns),
        stale_after_s=stale_after_s,
        last_error=last_error,
    )
    if paused and level is not Level.ERROR:
        level, message = Level.OK, 'paused by the enable service'
    values = _values(meter, summary, counts, source, now_ns)
    values['last_error'] = last_error or 'none'
    return Health(level=level, message=message, values=values)


def _verdict(
    meter: FrameMeter,
    summary: AgeSummary,
    source: SourceState,
    *,
    silence_s: float,
    busy_s: float,
    stale_after_s: float,
    last_error: str,
) -> tuple[Level, str]:
    """Return the worst finding first."""
    refused, failed = meter.news()
    if busy_s > stale_after_s:
        return Level.ERROR, f'one frame has been in work for {busy_s:.1f} s'
    if failed:
        return Level.ERROR, f'{failed} frames failed: {last_error}'
    if silence_s > stale_after_s:
        return Level.STALE, _silence_words(source, silence_s)
    if refused:
        return Level.WARN, f'{refused} images refused: {meter.last_refusal}'
    if summary.count and summary.p50_ms < -_TOLERATED_SKEW_MS:
        return Level.WARN, (
            f'stamps are {-summary.p50_ms / 1e3:.3f} s ahead of this clock: synchronise the '
            'clocks, or check use_sim_time on both sides'
        )
    return Level.OK, f'{summary.rate_hz:.1f} Hz'


def _silence_words(source: SourceState, silence_s: float) -> str:
    words = f'no image on {source.topic} for {silence_s:.1f} s'
    if source.publisher_count:
        return f'{words}, though it has {source.publisher_count} publishers'
    return f'{words}: nobody publishes it, check the topic name and its remapping'


def _values(
    meter: FrameMeter,
    summary: AgeSummary,
    counts: MailboxCounts,
    source: SourceState,
    now_ns: int,
) -> dict[str, object]:
    inference = meter.inference.summary(now_ns)
    refused: Mapping[str, int] = meter.refused
    return {
        'rate_hz': summary.rate_hz,
        'age_p50_ms': summary.p50_ms,
        'age_p95_ms': summary.p95_ms,
        'age_p99_ms': summary.p99_ms,
        'inference_p50_ms': inference.p50_ms,
        'inference_p95_ms': inference.p95_ms,
        'received': meter.received,
        'published': summary.total,
        'dropped': counts.dropped,
        'failed': meter.failed,
        **{f'skipped ({reason})': count for reason, count in sorted(summary.drops.items())},
        'refused': sum(refused.values()),
        **{f'refused ({reason})': count for reason, count in sorted(refused.items())},
        'stamps_jumped_back': source.jumps_back,
        'topic': source.topic,
        'publishers': source.publisher_count,
        'reliability': source.reliability,
        'rematches': source.rematches,
    }
