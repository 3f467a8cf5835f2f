"""
Transport between two processes on loopback: 1080p at 30 Hz, from publish to the mailbox.

The baseline in the same run is the same pair of processes without the shared-memory profile and
the malloc settings that the launch files set.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from benchmarks.frame_log import FrameLog
from benchmarks.node_under_test import NodeUnderTest
from benchmarks.processes import ros_environment, running


@dataclass(frozen=True, kw_only=True)
class TransportCase:
    """
    One pair of sender and receiver.

    :param shipped: with the profile and the environment that the launch files set.
    :param best_effort: what the camera offers.
    """

    shipped: bool
    best_effort: bool
    size_wh: tuple[int, int] = (1920, 1080)
    rate_hz: float = 30.0
    frames: int = 240

    @property
    def name(self) -> str:
        """Words for a table."""
        settings = 'shipped settings' if self.shipped else 'default settings'
        reliability = 'best effort' if self.best_effort else 'reliable'
        return (
            f'{self.size_wh[0]}×{self.size_wh[1]} {self.rate_hz:g} Hz, {reliability}, {settings}'
        )

    def sender_words(self) -> list[str]:
        """Command line of the sender."""
        return [
            'benchmarks.image_sender',
            f'--width={self.size_wh[0]}',
            f'--height={self.size_wh[1]}',
            f'--rate-hz={self.rate_hz}',
            f'--frames={self.frames}',
            *(['--best-effort'] if self.best_effort else []),
        ]


def measure_transport(case: TransportCase) -> FrameLog:
    """Send and receive; a frame counts as received when it is in the mailbox."""
    environment = ros_environment(shipped_transport=case.shipped)
    with (
        running('benchmarks.image_receiver', environment=environment) as receiver,
        running(*case.sender_words(), environment=environment) as sender,
    ):
        sent_ns = np.array([int(line) for line in _lines(sender)], np.int64)
        receiver.send_signal(2)
        arrivals = dict(tuple(map(int, line.split())) for line in _lines(receiver))
    received = [stamp + arrivals[stamp] if stamp in arrivals else -1 for stamp in sent_ns.tolist()]
    return FrameLog(sent_ns=sent_ns, received_ns=np.array(received, np.int64))


def measure_transport_with_inference(case: TransportCase, model: str) -> dict[str, float]:
    """
    Send to a running detection node.

    Frames that the mailbox replaces by newer ones arrived; lost are those that never did.
    """
    environment = ros_environment(shipped_transport=case.shipped)
    with NodeUnderTest(model, environment=environment) as node:
        with running(*case.sender_words(), environment=environment) as sender:
            sent = sum(1 for _ in itertools.chain(node.listen_while(sender)))
        timings = node.timings
    ages_ms = np.array([t.age_s for t in timings]) * 1e3
    received = max((t.frames_received for t in timings), default=0)
    return {
        '# of Frames Sent': sent,
        'frames received by the node': int(received),
        'frames detected on': len(timings),
        'p50 Arrival Age (ms)': float(np.percentile(ages_ms, 50)),
        'p95 Arrival Age (ms)': float(np.percentile(ages_ms, 95)),
        'p99 Arrival Age (ms)': float(np.percentile(ages_ms, 99)),
    }


def _lines(process: object) -> list[str]:
    """Return the rest of what a process prints; it ends by itself or was interrupted."""
    return process.stdout.read().splitlines()  # type: ignore[attr-defined]
