import dataclasses
import json

import numpy as np
import pytest

from perception_nodes.simulation.episodes import (
    Episode,
    EpisodeConfig,
    FaultKind,
    FaultPlan,
    FollowerAnswer,
    Outcome,
)
from perception_nodes.simulation.episodes.runs import stopped_in_time

FAST = EpisodeConfig(rate_hz=10.0)


class Constant:
    """Answers the same for ever."""

    def __init__(self, linear_m_s=0.0, angular_rad_s=0.0, status='driving'):
        self.answer = FollowerAnswer(
            linear_m_s=linear_m_s, angular_rad_s=angular_rad_s, status=status
        )

    def step(self, frame, stamp_ns, odometry, *, steady_ns):
        return self.answer

    def reset(self):
        pass


def test_follower_that_never_drives_is_stopped_for_it(make_world):
    world = make_world('straight')
    result = Episode(world, Constant(status='blind'), EpisodeConfig(rate_hz=5, stall_s=1.0)).run()
    assert result.outcome is Outcome.STOPPED
    assert result.distance_m == pytest.approx(0.0)
    assert result.lap_time_s is None
    assert result.stops == ()


def test_driver_finishes_and_is_measured(make_world, knowing):
    world = make_world('s_curve')
    config = EpisodeConfig(rate_hz=10.0, speed_m_s=1.0)
    result = Episode(world, knowing(world, speed_m_s=1.0), config).run()
    assert result.outcome is Outcome.FINISHED
    assert result.departures == result.contacts == result.false_stops == 0
    assert result.lateral_rms_m < 0.05
    assert result.lap_time_s == pytest.approx(result.nominal_time_s, rel=0.1)
    assert result.distance_m == pytest.approx(world.path.length_m - 1.5, abs=0.11)
    assert result.trace.lateral_m.shape == result.trace.s_m.shape
    document = json.loads(json.dumps(result.as_document()))
    assert document['outcome'] == 'finished'
    assert 'trace' not in document


def test_same_run_twice_gives_the_same(make_world, knowing):
    def pose():
        world = make_world('straight', seed=4)
        episode = Episode(world, knowing(world), FAST)
        for _ in range(20):
            episode.tick()
        return world.pose, world.odometry

    assert pose() == pose()


def test_command_reaches_the_base_after_the_latency(make_world):
    world = make_world('straight')
    episode = Episode(world, Constant(0.5), EpisodeConfig(rate_hz=10, latency_s=0.25))
    for _ in range(2):
        episode.tick()
    assert world.robot.linear_m_s == 0.0
    for _ in range(3):
        episode.tick()
    assert world.robot.linear_m_s > 0.1


def test_wheel_outside_the_lane_ends_the_run(make_world):
    world = make_world('s_curve')
    result = Episode(world, Constant(0.8), FAST).run()
    assert result.outcome is Outcome.DEPARTED
    assert result.departures == 1
    half = world.robot.model.width_m / 2
    assert result.lateral_max_m == pytest.approx(0.25 - half, abs=0.03)


def test_driving_into_somebody_is_a_contact(make_world):
    world = make_world('step_in')
    result = Episode(world, Constant(1.2), FAST).run()
    assert result.outcome is Outcome.CONTACT
    assert result.contacts == 1


def test_waiting_for_somebody_is_no_false_stop(make_world):
    world = make_world('step_in')

    class Careful(Constant):
        def step(self, frame, stamp_ns, odometry, *, steady_ns):
            blocked = any(figure.is_in_the_way(world.time_ns) for figure in world.figures)
            return FollowerAnswer(status='obstacle') if blocked else FollowerAnswer(linear_m_s=0.5)

    episode = Episode(world, Careful(), FAST)
    for _ in range(130):
        episode.tick()
    stops = episode._referee.stops()
    assert [stop.reason for stop in stops] == ['obstacle']
    assert stops[0].justified
    assert 2.0 < stops[0].duration_s < 5.5
    assert world.pose.x_m > 3.5


def test_stop_without_a_cause_is_false(make_world):
    world = make_world('straight')

    class Nervous(Constant):
        def step(self, frame, stamp_ns, odometry, *, steady_ns):
            stands = 3e9 < steady_ns < 4.5e9
            return FollowerAnswer(linear_m_s=0.0 if stands else 0.8, status='shy')

    result = Episode(world, Nervous(), FAST).run()
    assert result.outcome is Outcome.FINISHED
    assert result.false_stops == 1
    assert result.stops[0].duration_s == pytest.approx(1.5, abs=0.5)


STOPPING = [kind for kind in FaultKind if kind.demands_stop]


@pytest.mark.parametrize('kind', STOPPING, ids=lambda kind: kind.value)
def test_fault_is_met_with_zero_rest_and_recovery(make_world, knowing, kind):
    world = make_world('straight')
    follower = knowing(world)
    plan = FaultPlan(kind=kind, start_s=2.0, duration_s=1.0)
    episode = Episode(world, follower, EpisodeConfig(), plan)
    for _ in range(100):
        episode.tick()
    response = episode._result(Outcome.FINISHED, 5.0, 1.0, 1.0).fault
    assert response.kind == kind.value
    assert response.observable_s == pytest.approx(2.0, abs=0.051)
    assert response.speed_m_s == pytest.approx(0.5, abs=0.05)
    assert 0 < response.zero_command_after_s <= 0.3
    assert 0 <= response.at_rest_after_s < 0.45
    # The simulated robot stands still together with time.
    assert (response.at_rest_after_s == 0) == (kind is FaultKind.PAUSE)
    assert response.recovered_after_s < 1.0
    if kind.demands_rest:
        assert response.moved_after_rest_m == pytest.approx(0.0, abs=0.005)
    assert stopped_in_time(dataclasses.asdict(response))


class Pulsing(Constant):
    """Sends zero once when a fault begins, and drives on blindly."""

    def __init__(self, start_s):
        super().__init__()
        self.start_s = start_s

    def step(self, frame, stamp_ns, odometry, *, steady_ns):
        stands = 0 <= steady_ns * 1e-9 - self.start_s < 0.45
        return FollowerAnswer(linear_m_s=0.0 if stands else 0.5)


@pytest.mark.parametrize('kind', [FaultKind.FREEZE, FaultKind.CLOCK_JUMP], ids=lambda k: k.value)
def test_who_drives_on_before_the_fault_is_over_has_not_stopped(make_world, kind):
    plan = FaultPlan(kind=kind, start_s=2.0, duration_s=2.0)
    episode = Episode(make_world('straight'), Pulsing(2.0), FAST, plan)
    for _ in range(45):
        episode.tick()
    response = episode._result(Outcome.FINISHED, 4.5, 1.0, 1.0).fault
    assert response.zero_command_after_s < 0.3
    assert response.at_rest_after_s < 0.3
    assert 0.3 < response.moved_after_rest_m < 0.8
    # Stamps that have jumped are consistent again while the fault lasts.
    assert stopped_in_time(dataclasses.asdict(response)) is not kind.demands_rest


class Stubborn(Constant):
    """Stands for ever from some time on."""

    def step(self, frame, stamp_ns, odometry, *, steady_ns):
        return FollowerAnswer(linear_m_s=0.0 if steady_ns > 2e9 else 0.5, status='stubborn')


@pytest.mark.parametrize('start_s', [1.9, 3.5], ids=['stops for a fault', 'fault comes later'])
def test_excuse_counts_no_longer_than_it_lasts(make_world, start_s):
    plan = FaultPlan(kind=FaultKind.DROP, start_s=start_s, duration_s=1.0)
    config = EpisodeConfig(rate_hz=10.0, stall_s=2.0)
    result = Episode(make_world('straight'), Stubborn(), config, plan).run()
    assert result.outcome is Outcome.STOPPED
    assert result.false_stops == 1
    # It stands from about 2.2 s on; the fault and 2 s after it are an excuse.
    until_s = 2.2 + 3.0 + 2.0 if start_s > 2.2 else start_s + 3.0 + 2.0
    assert result.simulated_s == pytest.approx(until_s, abs=0.25)


def test_killed_follower_is_reset_and_leaves_stopping_to_the_base(make_world, knowing):
    world = make_world('straight')
    follower = knowing(world)
    plan = FaultPlan(kind=FaultKind.KILLED, start_s=1.0, duration_s=1.0)
    episode = Episode(world, follower, EpisodeConfig(rate_hz=10), plan)
    for _ in range(19):
        episode.tick()
    assert world.robot.linear_m_s == 0.0
    assert follower.resets > 0
    assert len(follower.asked) == 10


def test_pause_stops_stamps_but_not_steady_time(make_world, knowing):
    world = make_world('straight')
    follower = knowing(world)
    plan = FaultPlan(kind=FaultKind.PAUSE, start_s=1.0, duration_s=1.0)
    episode = Episode(world, follower, EpisodeConfig(rate_hz=10), plan)
    for _ in range(20):
        episode.tick()
    stamps, steady = np.array(follower.asked).T
    assert np.diff(steady).min() == 100_000_000
    assert (stamps[10:] == 1_000_000_000).all()
    assert world.time_ns == 1_000_000_000
