"""
The demo: a robot drives a lap of a course in simulation by what it sees, over DDS.

Simulator, nodes and recorder are separate processes. What is left in the output folder is made
from the recorded bag: an overlay video, a one-page report, and the figures as JSON. Only the true
map is made by looking at the same simulated world again.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from perception_nodes.cli.child_processes import Child, Children
from perception_nodes.cli.demo.nodes import (
    DETECTOR,
    FOLLOWER,
    SEGMENTER,
    SIMULATOR,
    STARTED_FIRST,
    DemoOptions,
    start,
)
from perception_nodes.cli.graph_processes import (
    change_state,
    choose_graph,
    enable,
    interruptible,
    wait_until,
)
from perception_nodes.cli.progress import console

if TYPE_CHECKING:
    from perception_nodes.ros.recorder_bag import BagCounts
    from perception_nodes.ros.recorder_demo import DemoRecorder

_BUNDLED = 'package://perception_suite/resource/models/simulator_detector'
_BUNDLED_SEGMENTER = 'package://perception_suite/resource/models/simulator_segmenter'
_SEEING = frozenset({DETECTOR, SEGMENTER})
_POLL_S = 0.2
# A simulator that is silent for this long hangs.
_SILENCE_S = 20.0
# The last pictures get this long to be answered after the simulator has ended.
_DRAIN_S = 1.5
# An open course is driven when so little is left of it: the visible path ends before the lane.
_SHORT_OF_THE_END_M = 0.6
_MADE = ('bag', 'logs', 'demo.webm', 'report.html', 'results.json')


def demo(
    out: Annotated[Path, typer.Option(help='Folder for video, bag and report.')] = Path(
        'out/demo'
    ),
    duration: Annotated[
        float,
        typer.Option(min=1.0, max=3600.0, help='Most simulated seconds; a lap ends it before.'),
    ] = 180.0,
    model: Annotated[str, typer.Option(help='Bundle of the detector: folder or URI.')] = _BUNDLED,
    segmenter: Annotated[
        str, typer.Option(help='Bundle of the segmenter: folder or URI.')
    ] = _BUNDLED_SEGMENTER,
    device: Annotated[str, typer.Option(help='auto, cpu, cuda or cuda:N.')] = 'auto',
    course: Annotated[str, typer.Option(help='Course of the simulator.')] = 'figure_eight',
    seed: Annotated[int, typer.Option(min=0, help='Seed of the simulated world.')] = 0,
    rate: Annotated[
        float, typer.Option(min=1.0, max=120.0, help='Pictures in a simulated second.')
    ] = 10.0,
    speed: Annotated[float, typer.Option(min=0.1, max=1.5, help='Cruising speed in m/s.')] = 0.6,
    viewer: Annotated[
        str, typer.Option(envvar='VIEWER', help='Show it live: rerun, or nothing.')
    ] = '',
) -> None:
    """Let the simulated robot drive a lap by what it sees; leave a video, a bag and a report."""
    options = DemoOptions(
        out=out,
        duration_s=duration,
        model=model,
        segmenter=segmenter,
        device=device,
        course=course,
        seed=seed,
        rate_hz=rate,
        speed_m_s=speed,
        viewer=viewer,
    )
    from perception_nodes.cli.demo.outcome import tell_outcome

    with interruptible():
        _prepare(options)
        facts, counts = _record(options)
        tell_outcome(options, facts, counts)


def _prepare(options: DemoOptions) -> None:
    """Empty the output folder of what an earlier demo made, and choose a ROS domain."""
    options.out.mkdir(parents=True, exist_ok=True)
    for name in _MADE:
        path = options.out / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    choose_graph()


def _record(options: DemoOptions) -> tuple[dict[str, str], BagCounts]:
    """Run the nodes, record them, and return facts about machine and run."""
    from perception_nodes.evaluation.machine import describe_machine
    from perception_nodes.ros.recorder_demo import DemoRecorder
    from perception_nodes.visualization.live import open_view

    view = open_view(options.viewer, 'perception_suite demo')
    if view is not None and view.address:
        console.print(f'Live view: {view.address}')
    facts = describe_machine()
    domain = os.environ['ROS_DOMAIN_ID']
    console.print(f'ROS domain {domain}, logs in {options.out / "logs"}', style='dim')
    with DemoRecorder(options.out / 'bag', view) as recorder, Children() as children:
        _drive(options, recorder, children)
        children.check()
        codes = children.stop()
        counts = recorder.close()
        for error in recorder.view_errors:
            console.print(f'[yellow]Note:[/] the live view stumbled: {error}')
    facts['Recorder'] = _recorder_words(counts)
    facts['Exit codes'] = ', '.join(f'{name} {code}' for name, code in codes.items())
    return facts, counts


def _drive(options: DemoOptions, recorder: DemoRecorder, children: Children) -> None:
    """Start the nodes and wait until a lap is driven, or the simulated time is over."""
    with _run_progress() as (progress, task):
        progress.update(task, description='Loading the models')
        nodes = {name: children.add(start(name, options)) for name in STARTED_FIRST}
        for transition in ('configure', 'activate'):
            for node in nodes.values():
                change_state(recorder, children, node, transition)
        progress.update(task, description='Building the world')
        simulator = children.add(start(SIMULATOR, options))
        _let_time_run(recorder, children, simulator, nodes[FOLLOWER])
        progress.update(task, description='Driving')
        _watch(options, recorder, children, simulator, progress, task)
        simulator.stop()
        time.sleep(_DRAIN_S)


def _let_time_run(
    recorder: DemoRecorder, children: Children, simulator: Child, follower: Child
) -> None:
    """Start simulated time once the nodes hear the camera, so that no picture is lost."""
    change_state(recorder, children, simulator, 'configure')
    wait_until(
        children,
        'the nodes to find the camera',
        lambda: recorder.progress.linked >= _SEEING,
    )
    enable(recorder, children, follower)
    change_state(recorder, children, simulator, 'activate')
    wait_until(children, 'the simulated clock', lambda: recorder.progress.clock_at_s > 0)


def _watch(
    options: DemoOptions, recorder: DemoRecorder, children: Children, simulator: Child,
    progress: Progress, task: Any,
) -> None:  # fmt: skip
    """Show how far it has come until it is done."""
    from perception_nodes.simulation import CoursePath, load_course
    from perception_nodes.simulation.travelled_way import TravelledWay

    path = CoursePath(load_course(options.course))
    way = TravelledWay(path, 0.0)
    goal_m = path.length_m if path.course.closed else path.length_m - _SHORT_OF_THE_END_M
    progress.update(task, total=path.length_m)
    while (state := recorder.progress).simulated_s < options.duration_s:
        children.check()
        _check_silence(simulator, time.monotonic() - state.clock_at_s)
        if state.place_xy is not None:
            way.move_to(*state.place_xy)
        note = f'{state.simulated_s:.0f} s · {state.objects} objects · {state.doing}'
        progress.update(task, completed=min(way.travelled_m, path.length_m), note=note)
        if way.travelled_m >= goal_m:
            break
        time.sleep(_POLL_S)


def _check_silence(simulator: Child, silent_s: float) -> None:
    if silent_s > _SILENCE_S:
        raise ValueError(
            f'the simulator has not moved its clock for {silent_s:.0f} s; the end of its log:\n'
            f'{simulator.log_tail()}'
        )


def _recorder_words(counts: BagCounts) -> str:
    dropped = sum(counts.dropped.values())
    return f'{sum(counts.received.values())} messages received, {dropped} dropped'


@contextmanager
def _run_progress() -> Iterator[tuple[Progress, Any]]:
    columns = (
        SpinnerColumn(),
        TextColumn('{task.description:<18}'),
        BarColumn(),
        TextColumn('{task.completed:.0f} of {task.total:.0f} m'),
        TimeElapsedColumn(),
        TextColumn('{task.fields[note]}'),
    )
    with Progress(*columns, console=console) as progress:
        yield progress, progress.add_task('Starting', total=1.0, note='')
