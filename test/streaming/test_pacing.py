"""Frames are due by their stamps, by a rate, or by the answer to the previous one."""

import pytest

from perception_nodes.streaming import (
    FixedRatePacing,
    OnDemandPacing,
    PacingMode,
    RealTimePacing,
    make_pacing,
)

MS = 1_000_000
S = 1_000_000_000


def play(pacing, stamps, now_ns=0, cost_ns=0):
    """Return the times at which frames go out when each costs ``cost_ns`` to produce."""
    times = []
    for stamp_ns in stamps:
        now_ns += cost_ns
        now_ns += pacing.wait_ns(stamp_ns, now_ns)
        assert pacing.wait_ns(stamp_ns, now_ns) <= 0
        pacing.published(stamp_ns, now_ns)
        times.append(now_ns)
    return times


def test_real_time_keeps_the_distances_of_the_stamps():
    stamps = [7 * S, 7 * S + 33 * MS, 7 * S + 90 * MS]
    assert play(RealTimePacing(), stamps, now_ns=S) == [S, S + 33 * MS, S + 90 * MS]


def test_real_time_does_not_drift_when_frames_take_time():
    times = play(RealTimePacing(), [i * 100 * MS for i in range(11)], cost_ns=40 * MS)
    assert times[-1] - times[0] == S


def test_double_speed_halves_the_distances():
    assert play(RealTimePacing(speed=2.0), [0, 100 * MS]) == [0, 50 * MS]


def test_real_time_starts_anew_when_stamps_jump_back():
    pacing = RealTimePacing()
    assert play(pacing, [9 * S, 9 * S + MS, 0, 5 * MS]) == [0, MS, MS, 6 * MS]
    assert pacing.slips == 1


def test_real_time_does_not_wait_through_a_gap():
    pacing = RealTimePacing(max_gap_s=5)
    assert play(pacing, [0, 3600 * S, 3600 * S + MS]) == [0, 0, MS]
    assert pacing.slips == 1


def test_real_time_gives_up_a_lag_that_cannot_be_caught_up():
    pacing = RealTimePacing(max_lag_s=0.5)
    times = play(pacing, [i * 10 * MS for i in range(100)], cost_ns=30 * MS)
    assert pacing.slips > 0
    assert times[-1] == 99 * 30 * MS + 30 * MS


def test_real_time_restart_lets_the_next_frame_go_at_once():
    pacing = RealTimePacing()
    play(pacing, [0])
    pacing.restart()
    assert pacing.wait_ns(4 * S, 10) == 0
    assert pacing.slips == 0


def test_fixed_rate_ignores_stamps_and_does_not_drift():
    times = play(FixedRatePacing(rate_hz=30), [0] * 31, cost_ns=10 * MS)
    assert times[-1] - times[0] == pytest.approx(S, abs=2)


def test_fixed_rate_does_not_burst_after_a_stall():
    pacing = FixedRatePacing(rate_hz=10)
    play(pacing, [0, 0])
    pacing.published(0, 5 * S)
    assert pacing.wait_ns(0, 5 * S) == 100 * MS
    assert pacing.slips == 1


def test_on_demand_waits_for_the_answer_to_the_previous_stamp():
    pacing = OnDemandPacing(answer_timeout_s=1)
    assert pacing.wait_ns(1, 0) == 0
    pacing.published(1, 0)
    assert pacing.wait_ns(2, 10) == S - 10
    assert pacing.answered(99) is False
    assert pacing.wait_ns(2, 20) > 0
    assert pacing.answered(1) is True
    assert pacing.wait_ns(2, 30) == 0
    assert pacing.slips == 0


def test_on_demand_lost_answer_is_given_up_and_counted_once():
    pacing = OnDemandPacing(answer_timeout_s=1)
    pacing.published(1, 0)
    assert pacing.wait_ns(2, S) == 0
    assert pacing.wait_ns(2, S) == 0
    assert pacing.slips == 1


def test_on_demand_answer_after_giving_up_releases_nothing():
    pacing = OnDemandPacing(answer_timeout_s=1)
    pacing.published(1, 0)
    pacing.wait_ns(2, 2 * S)
    pacing.published(2, 2 * S)
    assert pacing.answered(1) is False
    assert pacing.wait_ns(3, 2 * S) > 0


@pytest.mark.parametrize(
    ('mode', 'kind'),
    [
        ('real_time', RealTimePacing),
        (PacingMode.FIXED_RATE, FixedRatePacing),
        ('on_demand', OnDemandPacing),
    ],
)
def test_mode_chooses_the_pacing(mode, kind):
    assert isinstance(make_pacing(mode, rate_hz=30, answer_timeout_s=1), kind)


def test_live_camera_keeps_its_own_time():
    pacing = make_pacing('real_time', rate_hz=30, answer_timeout_s=1, live=True)
    assert play(pacing, [5 * S, 9 * S, 0], now_ns=7) == [7, 7, 7]
    assert pacing.answered(0) is False
    fixed = make_pacing('fixed_rate', rate_hz=10, answer_timeout_s=1, live=True)
    assert play(fixed, [0, 0]) == [0, 100 * MS]


@pytest.mark.parametrize(
    'build',
    [
        lambda: make_pacing('sometimes', rate_hz=1, answer_timeout_s=1),
        lambda: RealTimePacing(speed=0),
        lambda: FixedRatePacing(rate_hz=0),
        lambda: OnDemandPacing(answer_timeout_s=0),
    ],
)
def test_senseless_options_are_refused(build):
    with pytest.raises(ValueError, match=r'pacing|PacingMode'):
        build()
