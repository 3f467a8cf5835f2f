import dataclasses
import json
import math

import pytest

from perception_nodes.simulation import Pose2D, Robot, RobotModel
from perception_nodes.simulation.episodes import RunPlan, RunTable, summarize
from perception_nodes.simulation.episodes.color_follower import ColorFollower, ColorFollowerConfig
from perception_nodes.simulation.episodes.runs import run_missing, stopped_in_time

BRIEF = {
    'speed_m_s': 1.2,
    'world': {'size_wh': (160, 120), 'things': 0, 'indoors': False},
    'episode': {'rate_hz': 10.0, 'finish_margin_m': 5.0},
}


def colored(plan):
    return ColorFollower(ColorFollowerConfig(speed_m_s=plan.speed_m_s, fewest_px=5))


def test_no_runs_have_no_figures(tmp_path):
    assert summarize([]) == {'runs': 0.0}
    assert (
        RunTable(tmp_path / 'none.jsonl').results([RunPlan(course='straight', follower='x')]) == []
    )


def test_table_goes_on_where_it_was_interrupted(rendering, tmp_path):
    plans = [RunPlan(course='straight', follower='color', seed=seed, **BRIEF) for seed in (0, 1)]
    path = tmp_path / 'runs' / 'driving.jsonl'
    made = [plan.seed for plan, _ in run_missing(RunTable(path), plans[:1], colored)]
    with path.open('a') as file:
        file.write('{"plan": {"cour')  # killed while writing
    table = RunTable(path)
    made += [plan.seed for plan, _ in run_missing(table, plans, colored)]
    assert made == [0, 1]
    assert RunTable(path).missing(plans) == []
    figures = summarize(table.results(plans))
    assert figures['runs'] == 2
    assert figures['success'] == 1.0
    assert figures['departed'] == figures['contact'] == figures['false_stops_100m'] == 0
    assert figures['lateral_rms_m'] < 0.08
    assert figures['lap_time_ratio'] == pytest.approx(1.0, abs=0.2)


def test_fault_that_was_judged_by_fewer_figures_is_run_again(tmp_path):
    plan = RunPlan(course='straight', follower='x', fault='black')
    path = tmp_path / 'faults.jsonl'
    for missing, made in ((set(), True), ({'moved_after_rest_m'}, False)):
        fault = {name: value for name, value in response().items() if name not in missing}
        row = {'plan': dataclasses.asdict(plan), 'result': {'fault': fault}}
        path.write_text(json.dumps(row) + '\n')
        assert (RunTable(path).missing([plan]) == []) is made


def test_fault_of_a_run_is_drawn_from_its_seed():
    plans = [RunPlan(course='straight', follower='x', seed=k, fault='black') for k in (1, 1, 2)]
    starts = [plan.fault_plan.start_s for plan in plans]
    assert starts[0] == starts[1] != starts[2]
    assert all(4 <= start <= 8 for start in starts)
    assert RunPlan(course='straight', follower='x').fault_plan is None


def test_figures_pool_errors_over_distance():
    base = {
        'outcome': 'finished', 'departures': 0, 'lateral_max_m': 0.1, 'false_stops': 0,
        'lap_time_s': 10.0, 'nominal_time_s': 10.0, 'real_time_factor': 1.0, 'contacts': 0,
        'fault': None,
    }  # fmt: skip
    long = {**base, 'distance_m': 30.0, 'lateral_rms_m': 0.02}
    short = {**base, 'distance_m': 10.0, 'lateral_rms_m': 0.06, 'outcome': 'stopped',
             'false_stops': 1, 'lap_time_s': None}  # fmt: skip
    figures = summarize([long, short])
    assert figures['success'] == figures['stopped'] == 0.5
    assert figures['lateral_rms_m'] == pytest.approx(math.sqrt((30 * 4 + 10 * 36) / 40) / 100)
    assert figures['false_stops_100m'] == pytest.approx(2.5)


def response(**changes):
    return {
        'kind': 'black', 'observable_s': 5.0, 'zero_command_after_s': 0.2, 'at_rest_after_s': 0.25,
        'moved_after_rest_m': 0.0,
        'recovered_after_s': 0.5, 'speed_m_s': 0.5, **changes,
    }  # fmt: skip


@pytest.mark.parametrize(
    ('changes', 'in_time'),
    [
        ({}, True),
        ({'zero_command_after_s': 0.31}, False),
        ({'zero_command_after_s': None, 'at_rest_after_s': None}, False),
        ({'at_rest_after_s': 0.3}, False),
        ({'at_rest_after_s': 0.3, 'speed_m_s': 1.0}, True),
        ({'observable_s': None}, False),
        ({'moved_after_rest_m': 0.01}, True),
        ({'moved_after_rest_m': 0.1}, False),
        ({'moved_after_rest_m': 0.1, 'kind': 'clock_jump'}, True),
    ],
)
def test_stop_is_in_time_or_not(changes, in_time):
    assert stopped_in_time(response(**changes)) is in_time


@pytest.mark.parametrize('kind', ['differential', 'ackermann'])
@pytest.mark.parametrize('speed_m_s', [0.3, 0.5, 1.0, 1.5])
def test_shipped_robots_brake_as_stated(kind, speed_m_s):
    robot, step_ns = Robot(RobotModel(kind=kind), Pose2D(), seed=3), 12_500_000
    for tick in range(160):
        robot.command(speed_m_s, 0.0, tick * step_ns)
        robot.advance(tick * step_ns, (tick + 1) * step_ns)
    zero_ns = now_ns = 160 * step_ns
    robot.command(0.0, 0.0, zero_ns)
    while robot.linear_m_s >= 0.02:
        robot.advance(now_ns, now_ns + step_ns)
        now_ns += step_ns
    row = response(speed_m_s=speed_m_s, at_rest_after_s=(now_ns - zero_ns) * 1e-9)
    assert stopped_in_time(row)
