"""Looking at fewer frames than come."""

import pytest

from perception_nodes.streaming import RateLimit

SECOND = 1_000_000_000


def admitted(limit, times_ns):
    return [time for time in times_ns if limit.admit(time)]


def camera(rate_hz, seconds, start_ns=0):
    return [start_ns + round(i * SECOND / rate_hz) for i in range(int(rate_hz * seconds))]


@pytest.mark.parametrize(
    ('camera_hz', 'limit_hz', 'expected_hz'),
    [(30, 0, 30), (30, 30, 30), (30, 100, 30), (30, 15, 15), (30, 12, 12), (30, 7, 7), (5, 1, 1)],
)
def test_mean_rate_is_the_limit_or_the_camera(camera_hz, limit_hz, expected_hz):
    times = camera(camera_hz, 20)
    assert len(admitted(RateLimit(limit_hz), times)) == pytest.approx(expected_hz * 20, abs=1)


def test_first_frame_always_passes():
    assert RateLimit(1.0).admit(123)


def test_pause_is_not_made_up_for_by_a_burst():
    limit = RateLimit(10)
    assert limit.admit(0)
    late = camera(100, 1, start_ns=60 * SECOND)
    assert len(admitted(limit, late)) == 10


def test_jump_back_starts_a_new_schedule():
    limit = RateLimit(10)
    limit.admit(100 * SECOND)
    assert len(admitted(limit, camera(30, 2))) == 20
