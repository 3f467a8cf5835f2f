"""Whoever follows our path is stopped when we stop, and when we are gone."""

import pytest

from perception_nodes.driving import DriveState
from perception_nodes.driving.goal_guard import GoalGuard, GoalGuardConfig

MS = 1_000_000


@pytest.fixture
def guard():
    return GoalGuard(GoalGuardConfig(status_timeout_s=0.3))


def test_a_follower_that_never_drove_is_nobody_to_stop(guard):
    assert not guard.must_stop(10_000 * MS)
    assert not guard.hear(DriveState.WAITING, 10_000 * MS)
    assert not guard.must_stop(20_000 * MS)
    assert guard.stops == 0


def test_silence_stops_once(guard):
    for step in range(10):
        assert not guard.hear(DriveState.DRIVING, step * 50 * MS)
        assert not guard.must_stop(step * 50 * MS)
    assert not guard.must_stop(750 * MS)
    assert guard.must_stop(751 * MS)
    assert not guard.must_stop(5000 * MS)
    assert guard.stops == 1
    assert '0.30 s' in guard.reason


@pytest.mark.parametrize(
    'state', [state for state in DriveState if state is not DriveState.DRIVING]
)
def test_every_state_but_driving_stops(guard, state):
    guard.hear(DriveState.DRIVING, 0)
    assert guard.hear(state, 10 * MS)
    assert not guard.hear(state, 20 * MS)
    assert not guard.must_stop(5000 * MS)


def test_watches_again_when_it_drives_again(guard):
    guard.hear(DriveState.DRIVING, 0)
    assert guard.must_stop(400 * MS)
    guard.hear(DriveState.DRIVING, 500 * MS)
    assert guard.is_watching
    assert guard.must_stop(900 * MS)
    assert guard.stops == 2
