"""
What happened to the frames of one run, under the keys of NVIDIA's ros2_benchmark.

Its calculators drop the best and the worst iteration; here nothing is dropped, and p50, p95 and
p99 stand beside the means.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False, kw_only=True)
class FrameLog:
    """
    Send and receive times of one run, in the order of sending.

    :param sent_ns: (N,) int64 nanoseconds when frame i was sent.
    :param received_ns: (N,) int64 nanoseconds when its result arrived, -1 if it never did.
    """

    sent_ns: np.ndarray
    received_ns: np.ndarray

    def __post_init__(self) -> None:
        """Refuse logs whose columns do not belong together."""
        if self.sent_ns.shape != self.received_ns.shape or self.sent_ns.ndim != 1:
            raise ValueError(
                f'sent_ns and received_ns must be (N,), got {self.sent_ns.shape} and '
                f'{self.received_ns.shape}'
            )

    @property
    def latency_ms(self) -> np.ndarray:
        """Milliseconds from sending to arrival of the frames that arrived."""
        arrived = self.received_ns >= 0
        return (self.received_ns[arrived] - self.sent_ns[arrived]) / 1e6

    def report(self) -> dict[str, float]:
        """Return the figures of the run; latencies and jitters in ms, rates in fps."""
        latency = self.latency_ms
        arrivals_ms = np.sort(self.received_ns[self.received_ns >= 0]) / 1e6
        if len(latency) < 2:
            return {'# of Frames Sent': len(self.sent_ns), '# of Missed Frames': len(self.sent_ns)}
        jitter = np.abs(np.diff(np.diff(arrivals_ms))) if len(latency) > 2 else np.zeros(1)
        percentiles = np.percentile(latency, [50, 95, 99])
        return {
            'Mean Playback Frame Rate (fps)': _rate_fps(self.sent_ns / 1e6),
            'Mean Frame Rate (fps)': _rate_fps(arrivals_ms),
            '# of Frames Sent': len(self.sent_ns),
            '# of Missed Frames': int((self.received_ns < 0).sum()),
            'First Frame End-to-end Latency (ms)': float(latency[0]),
            'Last Frame End-to-end Latency (ms)': float(latency[-1]),
            'Max. End-to-End Latency (ms)': float(latency.max()),
            'Min. End-to-End Latency (ms)': float(latency.min()),
            'Mean End-to-End Latency (ms)': float(latency.mean()),
            'p50 End-to-End Latency (ms)': float(percentiles[0]),
            'p95 End-to-End Latency (ms)': float(percentiles[1]),
            'p99 End-to-End Latency (ms)': float(percentiles[2]),
            'Max. Frame-to-Frame Jitter (ms)': float(jitter.max()),
            'Min. Frame-to-Frame Jitter (ms)': float(jitter.min()),
            'Mean Frame-to-Frame Jitter (ms)': float(jitter.mean()),
            'Frame-to-Frame Jitter Std. Deviation (ms)': float(jitter.std()),
        }


def _rate_fps(times_ms: np.ndarray) -> float:
    """Return the mean rate of a sequence of times in milliseconds."""
    return float((len(times_ms) - 1) / (times_ms[-1] - times_ms[0]) * 1e3)
