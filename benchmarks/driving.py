"""
Closed-loop driving in the embedded simulator: ``python -m benchmarks.driving clean --runs 10``.

Runs are kept in a file of JSON lines; an interrupted benchmark goes on where it stopped, and the
table at the end is made from the file. ``--follower MODULE:FUNCTION`` names who drives, one or
several: a function from a :class:`~perception_nodes.simulation.episodes.RunPlan` to a
``Follower``. By default the suite's own follower drives, with the true mask of every picture, or
with that of a segmentation bundle (``--model``), and the classroom baseline.
"""

from __future__ import annotations

import argparse
import importlib
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import as_completed
from dataclasses import replace
from itertools import product
from pathlib import Path

from rich.console import Console

from benchmarks.driving_tables import figures, markdown, terminal_table
from perception_nodes.driving import ObstacleSource
from perception_nodes.evaluation.machine import describe_machine
from perception_nodes.simulation import load_course
from perception_nodes.simulation.episodes import (
    ColorFollower,
    EpisodeResult,
    FaultKind,
    Follower,
    RunPlan,
    RunTable,
)
from perception_nodes.simulation.episodes.color_follower import ColorFollowerConfig
from perception_nodes.simulation.episodes.pilot_follower import (
    PilotFollower,
    driving_config,
    network_eyes,
    path_config,
    true_eyes,
)
from perception_nodes.simulation.episodes.runs import run
from perception_nodes.simulation.rendering_pool import rendering_pool

COURSES = ('straight', 's_curve', 'tight_turns', 'figure_eight', 'junction', 'narrow_gate')
FAULT_COURSES = ('s_curve', 'figure_eight')
BASELINE = 'benchmarks.driving:color_follower'
PATH = 'benchmarks.driving:path_follower'
MODEL_MARK = '@'
"""What stands after it in a follower's name is the segmentation bundle that it sees with."""
SMALL = {'size_wh': (320, 240)}

_console = Console(width=200)


def color_follower(plan: RunPlan) -> Follower:
    """Return the classroom baseline: HSV threshold and proportional controller."""
    return ColorFollower(ColorFollowerConfig(speed_m_s=plan.speed_m_s))


def path_follower(plan: RunPlan) -> Follower:
    """Return the suite's own follower, with true masks or those of the bundle in its name."""
    course = load_course(plan.course)
    model = plan.follower.partition(MODEL_MARK)[2]
    sources = (ObstacleSource.DEPTH.value,) if plan.episode.get('depth') else ()
    driving = driving_config(course, cruise_speed_m_s=plan.speed_m_s, obstacle_sources=sources)
    return PilotFollower(
        network_eyes(model) if model else true_eyes(), driving, path_config(course)
    )


def with_sight(plan: RunPlan) -> RunPlan:
    """Return the run with true classes for pictures where the follower sees with them."""
    return (
        replace(plan, episode={**plan.episode, 'truth': True}) if plan.follower == PATH else plan
    )


def clean_plans(follower: str, seeds: Sequence[int]) -> Iterator[RunPlan]:
    """Yield every course at 0.5 m/s, and the S-curve at 1.0 m/s."""
    for course, seed in product(COURSES, seeds):
        yield RunPlan(course=course, follower=follower, seed=seed)
    for seed in seeds:
        yield RunPlan(course='s_curve', follower=follower, seed=seed, speed_m_s=1.0)


def disturbed_plans(follower: str, seeds: Sequence[int]) -> Iterator[RunPlan]:
    """Yield every course under both levels of all disturbances at once, seed after seed."""
    for seed, level, course in product(seeds, ('medium', 'strong'), COURSES):
        yield RunPlan(course=course, follower=follower, seed=seed, disturbance=level)


def fault_plans(follower: str, seeds: Sequence[int]) -> Iterator[RunPlan]:
    """Yield every fault on two courses in turn."""
    kinds = [kind.value for kind in FaultKind if kind is not FaultKind.NONE]
    for kind, seed in product(kinds, seeds):
        course = FAULT_COURSES[seed % len(FAULT_COURSES)]
        yield RunPlan(course=course, follower=follower, seed=seed, fault=kind)


def obstacle_plans(follower: str, seeds: Sequence[int]) -> Iterator[RunPlan]:
    """Yield runs with somebody who steps in one metre ahead, and control runs without."""
    for steps_in, speed_m_s, seed in product((True, False), (0.5, 1.0), seeds):
        yield RunPlan(
            course='step_in', follower=follower, seed=seed, speed_m_s=speed_m_s,
            world={'figures': steps_in}, episode={'depth': True},
        )  # fmt: skip


SUITES: dict[str, Callable[[str, Sequence[int]], Iterator[RunPlan]]] = {
    'clean': clean_plans,
    'disturbed': disturbed_plans,
    'faults': fault_plans,
    'obstacles': obstacle_plans,
}


def load_maker(name: str) -> Callable[[RunPlan], Follower]:
    """
    Return the function that makes followers.

    :param name: ``module:function``.
    :raises ValueError: a name that is not of this form.
    """
    module, colon, attribute = name.partition(MODEL_MARK)[0].partition(':')
    if not colon:
        raise ValueError(f'--follower must be MODULE:FUNCTION, such as {BASELINE}; got {name!r}')
    maker: Callable[[RunPlan], Follower] = getattr(importlib.import_module(module), attribute)
    return maker


def run_named(plan: RunPlan) -> EpisodeResult:
    """Make one run in this process, by the follower that the plan names."""
    return run(plan, load_maker(plan.follower))


def run_all(table: RunTable, plans: list[RunPlan], workers: int) -> None:
    """Make the runs that are missing, and keep each as soon as it is done."""
    missing = table.missing(plans)
    _console.print(f'{len(plans) - len(missing)} of {len(plans)} runs are there: {table.path}')
    with rendering_pool(workers) as pool:
        futures = {pool.submit(run_named, plan): plan for plan in missing}
        for future in as_completed(futures):
            plan, result = futures[future], future.result()
            table.add(plan, result)
            _console.print(
                f'{plan.course} {plan.speed_m_s} m/s seed {plan.seed} {plan.disturbance} '
                f'{plan.fault}: {result.outcome.value}, rms {result.lateral_rms_m:.3f} m, '
                f'max {result.lateral_max_m:.3f} m, real-time factor {result.real_time_factor:.2f}'
            )


def quick(plan: RunPlan) -> RunPlan:
    """Return the run with small pictures and nothing beside the course."""
    world = {**plan.world, **SMALL, 'things': 0}
    return replace(plan, world=world)


def main() -> None:
    """Run the named suites and print their tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('suites', nargs='*', choices=[*SUITES, []], help='default: all')
    parser.add_argument('--follower', nargs='+', help='MODULE:FUNCTION; default: ours, baseline')
    parser.add_argument('--model', default='', help='segmentation bundle; default: true masks')
    parser.add_argument('--runs', type=int, default=10, help='seeds per group')
    parser.add_argument('--first-seed', type=int, default=0, help='the others follow')
    parser.add_argument('--courses', default='', help='only these, separated by commas')
    parser.add_argument('--quick', action='store_true', help='small pictures, bare courses')
    parser.add_argument('--workers', type=int, default=1, help='processes')
    parser.add_argument('--out', type=Path, default=Path('out/benchmarks'))
    options = parser.parse_args()
    seeds = range(options.first_seed, options.first_seed + options.runs)
    ours = f'{PATH}{MODEL_MARK}{options.model}' if options.model else PATH
    report: dict[str, dict[str, dict[str, dict[str, float]]]] = {}
    pages = []
    for follower, suite in product(options.follower or (ours, BASELINE), options.suites or SUITES):
        plans = [with_sight(plan) for plan in SUITES[suite](follower, seeds)]
        plans = [p for p in plans if p.course in (options.courses or p.course).split(',')]
        plans = [quick(plan) for plan in plans] if options.quick else plans
        table = RunTable(options.out / f'driving_{suite}.jsonl')
        run_all(table, plans, options.workers)
        report.setdefault(follower, {})[suite] = figures(table, plans)
        title = f'{suite}: {follower}'
        _console.print(terminal_table(title, report[follower][suite]))
        pages.append(f'## {title}\n\n{markdown(report[follower][suite])}\n')
    path = options.out / 'driving.json'
    document = {'machine': describe_machine(), 'seeds': list(seeds), 'report': report}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + '\n')
    path.with_suffix('.md').write_text('\n'.join(pages))
    _console.print(f'written: {path}, and the tables beside it')


if __name__ == '__main__':
    main()
