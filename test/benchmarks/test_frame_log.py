"""The benchmark report states what was lost and how late the rest was."""

import numpy as np
import pytest

from benchmarks.frame_log import FrameLog


def log(received_ms: list[float]) -> FrameLog:
    sent = np.arange(len(received_ms)) * 10_000_000
    return FrameLog(sent_ns=sent, received_ns=(np.array(received_ms) * 1e6).astype(np.int64))


def test_no_frame_at_all_is_reported_as_all_missed() -> None:
    received = np.full(5, -1)
    report = FrameLog(sent_ns=np.arange(5), received_ns=received).report()
    assert report == {'# of Frames Sent': 5, '# of Missed Frames': 5}


def test_constant_latency_has_no_jitter() -> None:
    report = log([5, 15, 25, 35]).report()
    assert report['Mean End-to-End Latency (ms)'] == pytest.approx(5)
    assert report['p99 End-to-End Latency (ms)'] == pytest.approx(5)
    assert report['Mean Frame Rate (fps)'] == pytest.approx(100)
    assert report['Max. Frame-to-Frame Jitter (ms)'] == pytest.approx(0)
    assert report['# of Missed Frames'] == 0


def test_a_lost_frame_is_counted_and_does_not_enter_the_latency() -> None:
    run = log([5, 15, 25, 35])
    lost = FrameLog(sent_ns=run.sent_ns, received_ns=np.where([0, 1, 0, 0], -1, run.received_ns))
    report = lost.report()
    assert report['# of Missed Frames'] == 1
    assert report['Max. End-to-End Latency (ms)'] == pytest.approx(5)


def test_columns_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match='must be'):
        FrameLog(sent_ns=np.zeros(3), received_ns=np.zeros(2))
