"""
The demo: a robot drives a course in simulation while the detector watches over DDS.

Simulator, detector and recorder are separate processes. What is left in the output folder is made
from the recorded bag alone: an overlay video, a one-page report, and the figures as JSON.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from perception_nodes.cli.demo_nodes import DemoOptions, start_detector, start_simulator
from perception_nodes.cli.demo_processes import Child, Children
from perception_nodes.cli.graph_processes import (
    change_state,
    choose_graph,
    interruptible,
    wait_until,
)
from perception_nodes.cli.progress import console, progress_bar

if TYPE_CHECKING:
    from perception_nodes.evaluation.demo_result import DemoResult
    from perception_nodes.ros.recorder_bag import BagCounts
    from perception_nodes.ros.recorder_demo import DemoRecorder

_BUNDLED = 'package://perception_suite/resource/models/simulator_detector'
_POLL_S = 0.2
# A simulator that is silent for this long hangs.
_SILENCE_S = 20.0
# The last pictures get this long to be answered after the simulator has ended.
_DRAIN_S = 1.5
_MADE = ('bag', 'logs', 'demo.webm', 'report.html', 'results.json')


def demo(
    out: Annotated[Path, typer.Option(help='Folder for video, bag and report.')] = Path(
        'out/demo'
    ),
    duration: Annotated[
        float, typer.Option(min=1.0, max=3600.0, help='Simulated seconds to drive.')
    ] = 60.0,
    model: Annotated[str, typer.Option(help='Model bundle: folder or URI.')] = _BUNDLED,
    device: Annotated[str, typer.Option(help='auto, cpu, cuda or cuda:N.')] = 'auto',
    course: Annotated[str, typer.Option(help='Course of the simulator.')] = 'figure_eight',
    seed: Annotated[int, typer.Option(min=0, help='Seed of the simulated world.')] = 0,
    rate: Annotated[
        float, typer.Option(min=1.0, max=120.0, help='Pictures in a simulated second.')
    ] = 10.0,
    viewer: Annotated[
        str, typer.Option(envvar='VIEWER', help='Show it live: rerun, or nothing.')
    ] = '',
) -> None:
    """Drive the simulated robot, detect over DDS, leave a video, a bag and a report."""
    options = DemoOptions(
        out=out,
        duration_s=duration,
        model=model,
        device=device,
        course=course,
        seed=seed,
        rate_hz=rate,
        viewer=viewer,
    )
    with interruptible():
        _prepare(options)
        facts, counts = _record(options)
        _evaluate(options, facts, counts)


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
    """Start the nodes and wait until the simulated time is over."""
    with _run_progress(options.duration_s) as (progress, task):
        progress.update(task, description='Loading the model')
        detector = children.add(start_detector(options))
        change_state(recorder, children, detector, 'configure')
        change_state(recorder, children, detector, 'activate')
        progress.update(task, description='Building the world')
        simulator = children.add(start_simulator(options))
        _let_time_run(recorder, children, simulator)
        progress.update(task, description='Driving')
        start_s = time.monotonic()
        while (state := recorder.progress).simulated_s < options.duration_s:
            children.check()
            _check_silence(simulator, time.monotonic() - state.clock_at_s)
            rate = state.results / max(1e-3, time.monotonic() - start_s)
            note = f'{rate:.1f} results/s · {state.objects} objects · {state.node_ms:.0f} ms'
            progress.update(task, completed=state.simulated_s, note=note)
            time.sleep(_POLL_S)
        progress.update(task, completed=options.duration_s)
        simulator.stop()
        time.sleep(_DRAIN_S)


def _let_time_run(recorder: DemoRecorder, children: Children, simulator: Child) -> None:
    """Start simulated time once the detector hears the camera, so that no picture is lost."""
    change_state(recorder, children, simulator, 'configure')
    wait_until(children, 'the detector to find the camera', lambda: recorder.progress.is_linked)
    change_state(recorder, children, simulator, 'activate')
    wait_until(children, 'the simulated clock', lambda: recorder.progress.clock_at_s > 0)


def _evaluate(options: DemoOptions, facts: dict[str, str], counts: BagCounts) -> None:
    """Make everything that is left out of the bag, and say where it is."""
    from perception_nodes.cli.demo_pictures import video_frames, write_video
    from perception_nodes.cli.demo_report import build_report
    from perception_nodes.evaluation.demo_result import analyse_run
    from perception_nodes.evaluation.demo_run import read_run
    from perception_nodes.visualization.report import write_report

    with console.status('Reading the bag'):
        run = read_run(options.out / 'bag')
        result = analyse_run(run)
    with progress_bar('Drawing the video', len(video_frames(run))) as advance:
        write_video(run, options.out / 'demo.webm', advance)
    command = f'perception demo {" ".join(sys.argv[2:])}'.strip()
    with console.status('Writing the report'):
        report = build_report(run, result, video='demo.webm', facts=facts, command=command)
        write_report(report, options.out / 'report.html')
    result.write(
        options.out / 'results.json', machine=facts, model=run.model, recorder=_plain(counts)
    )
    _print_summary(options.out, result)


def _check_silence(simulator: Child, silent_s: float) -> None:
    if silent_s > _SILENCE_S:
        raise ValueError(
            f'the simulator has not moved its clock for {silent_s:.0f} s; the end of its log:\n'
            f'{simulator.log_tail()}'
        )


def _recorder_words(counts: BagCounts) -> str:
    dropped = sum(counts.dropped.values())
    return f'{sum(counts.received.values())} messages received, {dropped} dropped'


def _plain(counts: BagCounts) -> dict[str, Any]:
    return {
        'received': counts.received,
        'written': counts.written,
        'dropped': counts.dropped,
    }


def _print_summary(out: Path, result: DemoResult) -> None:
    overall, latency = result.overall, result.latency
    console.print(
        f'[bold]precision {overall.precision:.3f}, recall {overall.recall:.3f}[/], latency '
        f'p50 {latency.p50:.0f} ms, p95 {latency.p95:.0f} ms, {result.answered} of '
        f'{result.pictures} pictures answered, real-time factor {result.real_time_factor:.2f}'
    )
    for name, words in (
        ('report.html', 'report'),
        ('demo.webm', 'video'),
        ('bag', 'bag (MCAP)'),
        ('results.json', 'figures'),
    ):
        console.print(f'  {words:<11} {out / name}', highlight=False)


@contextmanager
def _run_progress(duration_s: float) -> Iterator[tuple[Progress, Any]]:
    columns = (
        SpinnerColumn(),
        TextColumn('{task.description:<18}'),
        BarColumn(),
        TextColumn('{task.completed:.0f} of {task.total:.0f} simulated s'),
        TimeElapsedColumn(),
        TextColumn('{task.fields[note]}'),
    )
    with Progress(*columns, console=console) as progress:
        yield progress, progress.add_task('Starting', total=duration_s, note='')
