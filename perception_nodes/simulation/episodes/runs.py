"""Many runs with fixed seeds: what is to run, what has been run, and what came out."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from perception_nodes.simulation.episodes.episode import Episode, EpisodeConfig
from perception_nodes.simulation.episodes.faults import FaultKind, FaultPlan
from perception_nodes.simulation.episodes.follower import Follower
from perception_nodes.simulation.episodes.result import EpisodeResult, FaultResponse, Outcome
from perception_nodes.simulation.world import SimulatedWorld, SimulationConfig

FAULT_AFTER_S = (4.0, 8.0)
"""Range in which the start of a fault is drawn."""
FAULT_S = 2.0
ZERO_WITHIN_S, STATED_BRAKING_M_S2, SLOW_M_S = 0.3, 2.0, 0.3
CREEP_M = 0.02
"""What is left of the motion at rest, below 0.02 m/s, may take a robot so far."""
WATCH_S = 0.025
"""Two looks of the referee: no time is known better."""
_FAULT_FIGURES = {field.name for field in fields(FaultResponse)}


@dataclass(frozen=True, kw_only=True)
class RunPlan:
    """
    One run that is to be made.

    :param follower: name of who drives, in the key of the run.
    :param speed_m_s: wanted speed, for the follower and the nominal time.
    :param fault: value of :class:`FaultKind`; when it happens is drawn from the seed.
    :param world: further fields of ``SimulationConfig``.
    :param episode: further fields of ``EpisodeConfig``.
    """

    course: str
    follower: str
    seed: int = 0
    speed_m_s: float = 0.5
    disturbance: str = 'none'
    fault: str = FaultKind.NONE.value
    world: dict[str, Any] = field(default_factory=dict)
    episode: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Text that is the same exactly for the same run."""
        return json.dumps(asdict(self), sort_keys=True)

    @property
    def simulation(self) -> SimulationConfig:
        """The world: bare of walkers, with the course's camera."""
        plain = {'things': 8, 'clutter': 0, 'walkers': 0, 'camera_from_course': True}
        return SimulationConfig(
            course=self.course, seed=self.seed, disturbance=self.disturbance,
            **{**plain, **self.world},
        )  # fmt: skip

    @property
    def fault_plan(self) -> FaultPlan | None:
        """When the fault happens."""
        if self.fault == FaultKind.NONE.value:
            return None
        start_s = float(np.random.default_rng([self.seed, 13]).uniform(*FAULT_AFTER_S))
        return FaultPlan(
            kind=FaultKind(self.fault), start_s=start_s, duration_s=FAULT_S, seed=self.seed
        )


class RunTable:
    """
    Results in a file of JSON lines, one a run; runs that stand there are not made again.

    A fault that was judged by fewer figures than now counts as not made.

    :param path: the file; it is made with its folder when the first result comes.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: dict[str, dict[str, Any]] = {}
        self._is_torn = False
        if path.is_file():
            text = path.read_text(encoding='utf-8')
            self._is_torn = bool(text) and not text.endswith('\n')
            for line in text.splitlines():
                row = _row(line)
                if row is not None:
                    self.rows[_key(row['plan'])] = row

    def missing(self, plans: Sequence[RunPlan]) -> list[RunPlan]:
        """Return the runs that have no result yet."""
        return [plan for plan in plans if plan.key not in self.rows]

    def add(self, plan: RunPlan, result: EpisodeResult) -> None:
        """Keep a result, at once on disk."""
        row = {'plan': asdict(plan), 'result': result.as_document()}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open('a', encoding='utf-8') as file:
            before = '\n' if self._is_torn else ''
            file.write(f'{before}{json.dumps(row, ensure_ascii=False)}\n')
        self._is_torn = False
        self.rows[plan.key] = row

    def results(self, plans: Sequence[RunPlan]) -> list[dict[str, Any]]:
        """Return what came out of these runs, as far as they were made."""
        return [self.rows[plan.key]['result'] for plan in plans if plan.key in self.rows]


def run(plan: RunPlan, make_follower: Callable[[RunPlan], Follower]) -> EpisodeResult:
    """
    Make one run.

    :param make_follower: gives a new follower for the course and the speed of the plan.
    """
    config = EpisodeConfig(speed_m_s=plan.speed_m_s, **plan.episode)
    world = SimulatedWorld.create(plan.simulation)
    try:
        return Episode(world, make_follower(plan), config, plan.fault_plan).run()
    finally:
        world.close()


def run_missing(
    table: RunTable, plans: Sequence[RunPlan], make_follower: Callable[[RunPlan], Follower]
) -> Iterator[tuple[RunPlan, EpisodeResult]]:
    """Make the runs that are missing, and yield each when it is done and kept."""
    for plan in table.missing(plans):
        result = run(plan, make_follower)
        table.add(plan, result)
        yield plan, result


def summarize(results: Sequence[dict[str, Any]]) -> dict[str, float]:
    """
    Return the figures of several runs together.

    Lateral errors are pooled over distance; NaN where nothing was driven.
    """
    count = len(results)
    if count == 0:
        return {'runs': 0.0}
    distance = np.array([row['distance_m'] for row in results])
    weights = np.maximum(distance, 1e-9)
    outcomes = [row['outcome'] for row in results]
    laps = [row['lap_time_s'] / row['nominal_time_s'] for row in results if row['lap_time_s']]
    squares = np.array([row['lateral_rms_m'] for row in results]) ** 2
    figures = {
        'runs': float(count),
        'success': outcomes.count(Outcome.FINISHED.value) / count,
        'stopped': outcomes.count(Outcome.STOPPED.value) / count,
        'departed': sum(row['departures'] > 0 for row in results) / count,
        'contact': sum(row['contacts'] > 0 for row in results) / count,
        'lateral_rms_m': float(np.sqrt(np.average(squares, weights=weights))),
        'lateral_max_m': max(row['lateral_max_m'] for row in results),
        'false_stops_100m': 100 * sum(row['false_stops'] for row in results) / weights.sum(),
        'lap_time_ratio': float(np.mean(laps)) if laps else float('nan'),
        'distance_m': float(distance.sum()),
        'real_time_factor': float(np.mean([row['real_time_factor'] for row in results])),
    }
    return {**figures, **_summarize_faults([row['fault'] for row in results if row['fault']])}


def _summarize_faults(responses: list[dict[str, Any]]) -> dict[str, float]:
    """Return the figures of the runs with faults; empty without any."""
    stopping = [row for row in responses if FaultKind(row['kind']).demands_stop]
    if not stopping:
        return {}
    zeros = [row['zero_command_after_s'] for row in stopping]
    rests = [row['at_rest_after_s'] for row in stopping]
    return {
        'faults': float(len(stopping)),
        'zero_command_after_max_s': max((z for z in zeros if z is not None), default=math.nan),
        'at_rest_after_max_s': max((r for r in rests if r is not None), default=math.nan),
        'not_stopped': float(sum(not stopped_in_time(row) for row in stopping)),
        'not_recovered': float(sum(row['recovered_after_s'] is None for row in stopping)),
    }


def stopped_in_time(response: dict[str, Any]) -> bool:
    """
    Return whether a fault led to zero speed as it must.

    The command is zero within 0.3 s after the fault became observable, and the robot at rest
    within v / a more, with a = 2 m/s², which every shipped robot brakes with from 0.3 m/s on.
    There it stays until the fault is over, where the fault demands that.
    """
    zero_s, rest_s = response['zero_command_after_s'], response['at_rest_after_s']
    if response['observable_s'] is None or zero_s is None or rest_s is None:
        return False
    if FaultKind(response['kind']).demands_rest and response['moved_after_rest_m'] > CREEP_M:
        return False
    braking_s = max(response['speed_m_s'], SLOW_M_S) / STATED_BRAKING_M_S2
    return bool(zero_s <= ZERO_WITHIN_S and rest_s <= braking_s + WATCH_S)


def _key(plan: dict[str, Any]) -> str:
    """Return the key of a plan that was read."""
    return json.dumps(plan, sort_keys=True)


def _row(line: str) -> dict[str, Any] | None:
    """Return what a line holds; None for the broken last line, and for what lacks figures."""
    try:
        row = json.loads(line)
    except json.JSONDecodeError:
        return None
    if not isinstance(row, dict) or not {'plan', 'result'} <= set(row):
        return None
    fault = row['result']['fault']
    return row if fault is None or set(fault) >= _FAULT_FIGURES else None
