"""What a demo leaves behind: made of its bag, and of a second look at the simulated world."""

from __future__ import annotations

import sys
from pathlib import Path

from perception_nodes.cli.demo.course_view import CourseView
from perception_nodes.cli.demo.drive import DriveResult, analyse_drive
from perception_nodes.cli.demo.drive_report import drive_sections
from perception_nodes.cli.demo.nodes import DemoOptions, simulation_settings
from perception_nodes.cli.demo.pictures import Scene, video_frames, write_video
from perception_nodes.cli.demo.report import build_report
from perception_nodes.cli.demo.true_map import compare_map, placed_frames
from perception_nodes.cli.progress import console, progress_bar
from perception_nodes.evaluation.demo_result import DemoResult, analyse_run
from perception_nodes.evaluation.demo_run import DemoRun, read_run
from perception_nodes.evaluation.drive_run import read_drive
from perception_nodes.ros.recorder_bag import BagCounts
from perception_nodes.simulation import CoursePath, SimulationConfig, load_course
from perception_nodes.visualization.report import write_report


def tell_outcome(options: DemoOptions, facts: dict[str, str], counts: BagCounts) -> None:
    """Make everything that is left, and say where it is."""
    path, bag = CoursePath(load_course(options.course)), options.out / 'bag'
    with console.status('Reading the bag'):
        run, drive = read_run(bag), read_drive(bag)
        result, driven = analyse_run(run), analyse_drive(drive, path)
    with progress_bar('Looking at the true world', len(placed_frames(drive))) as advance:
        world = SimulationConfig(**simulation_settings(options))
        comparison = compare_map(drive, world, advance)
    scene = Scene(run, drive, CourseView(drive, path, _picture_height(run)))
    with progress_bar('Drawing the video', len(video_frames(run))) as advance:
        write_video(scene, options.out / 'demo.webm', advance)
    command = f'perception demo {" ".join(sys.argv[2:])}'.strip()
    with console.status('Writing the report'):
        report = build_report(
            scene, result, drive=drive_sections(driven, path, comparison),
            video='demo.webm', facts=facts, command=command,
        )  # fmt: skip
        write_report(report, options.out / 'report.html')
    figures = {'drive': driven.to_dict()}
    if comparison is not None:
        figures['map'] = vars(comparison.agreement)
    result.write(
        options.out / 'results.json', machine=facts, model=run.model, recorder=vars(counts),
        **figures,
    )  # fmt: skip
    _print_summary(options.out, result, driven)


def _picture_height(run: DemoRun) -> int:
    """Return the height of the recorded pictures; 480 without any."""
    return next((frame.picture().size_wh[1] for frame in run.frames if frame.jpeg), 480)


def _print_summary(out: Path, result: DemoResult, driven: DriveResult) -> None:
    overall, latency = result.overall, result.latency
    console.print(
        f'[bold]{driven.driven_m:.1f} m driven[/], {100 * driven.lateral_rms_m:.1f} cm from the '
        f'middle (root mean square), {driven.departures} departures, {len(driven.stops)} stops'
    )
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
