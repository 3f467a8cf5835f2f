"""The suite's own follower and the baseline on two courses, two seeds, small pictures."""

import math

import pytest

from benchmarks.driving import (
    BASELINE,
    PATH,
    clean_plans,
    load_maker,
    quick,
    run_named,
    with_sight,
)
from benchmarks.driving_tables import cells, figures, markdown
from perception_nodes.simulation.backend import RenderingUnavailableError, open_gl_context
from perception_nodes.simulation.episodes import FaultKind, Outcome, RunPlan, RunTable
from perception_nodes.simulation.episodes.runs import stopped_in_time

COURSES = ('straight', 'tight_turns')


@pytest.fixture(scope='module', autouse=True)
def rendering():
    try:
        open_gl_context(64, 64).free()
    except RenderingUnavailableError as error:
        pytest.skip(str(error))


def test_bundle_in_the_name_is_not_part_of_the_function():
    assert load_maker(f'{PATH}@some/bundle') is load_maker(PATH)
    assert with_sight(RunPlan(course='straight', follower=PATH)).episode == {'truth': True}
    for follower in (BASELINE, f'{PATH}@some/bundle'):
        assert with_sight(RunPlan(course='straight', follower=follower)).episode == {}


def test_quick_part_keeps_to_the_bounds(tmp_path):
    plans = [with_sight(quick(p)) for p in clean_plans(PATH, range(2)) if p.course in COURSES]
    assert len(plans) == 4
    table = RunTable(tmp_path / 'runs.jsonl')
    for plan in plans:
        table.add(plan, run_named(plan))
    found = figures(table, plans)
    assert len(found) == 3
    for name, row in found.items():
        assert row['runs'] >= 2, name
        assert row['success'] == 1, name
        assert row['departed'] == row['contact'] == row['false_stops_100m'] == 0, name
        assert row['lateral_rms_m'] <= 0.03, name
        assert row['lateral_max_m'] <= 0.10, name
        assert row['lap_time_ratio'] <= 1.3, name
    assert not math.isnan(found['all']['lap_time_ratio'])
    headings, *lines = cells(found)
    assert [line[0] for line in lines] == [*found]
    assert dict(zip(headings, lines[-1], strict=True))['finished'] == '100 %'
    assert markdown(found).splitlines()[-1].startswith('| all | 4 | 100 % | 0 % |')


def test_same_seed_gives_the_same_run():
    plan = with_sight(quick(RunPlan(course='straight', follower=PATH, seed=3, speed_m_s=1.0)))
    first, second = (run_named(plan).as_document() for _ in range(2))
    assert first.pop('real_time_factor') > 0
    assert second.pop('real_time_factor') > 0
    assert first == second
    assert first['outcome'] == Outcome.FINISHED.value


def test_lost_transform_stops_the_robot_in_time():
    fault = FaultKind.TF_LOSS.value
    plan = with_sight(quick(RunPlan(course='straight', follower=PATH, fault=fault)))
    document = run_named(plan).as_document()
    assert stopped_in_time(document['fault'])
    assert document['fault']['recovered_after_s'] < 1.0
    assert document['outcome'] == Outcome.FINISHED.value
