"""
How good path estimates are on the simulated courses: ``python -m benchmarks.path``.

A robot weaves along every course; from every picture's true mask (or a network's, with
``--model``) the path is tracked and compared with the true one: at the place where the errors
are told, at the robot itself, and 1 m ahead along the path. CPU time is that of the thread.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.path_drives import Look, course_config, drive, ground_of, true_curve
from perception_nodes.evaluation.machine import describe_machine
from perception_nodes.evaluation.path import PathMeter, pose_on_line
from perception_nodes.geometry import PlanarPose
from perception_nodes.path import PathConfig, PathEstimate, PathTracker
from perception_nodes.segmentation import Segmenter
from perception_nodes.simulation import SEMANTIC_NAMES, CoursePath, SimulatedWorld
from perception_nodes.structures import ColorOrder, Frame

COURSES = (
    'straight', 's_curve', 'tight_turns', 'figure_eight', 'junction:left', 'junction:straight',
    'junction:right', 'narrow_gate', 'step_in',
)  # fmt: skip
PLACES = {'told': None, 'robot': 0.0, 'ahead_1m': 1.0}
LAST_M = 1.0
"""Before the end of an open course, where there is no path ahead to be seen."""

Masks = Callable[[Look], tuple[np.ndarray, np.ndarray | None]]
_console = Console(width=160)


@dataclass(kw_only=True)
class CourseResult:
    """
    What was found on a course.

    :param pictures: looked at, without those at the end of an open course.
    :param valid: of them with a path.
    :param problems: why not.
    :param meters: by place.
    :param milliseconds: CPU time of single-picture estimate and filter.
    """

    pictures: int = 0
    valid: int = 0
    problems: dict[str, int] = field(default_factory=dict)
    meters: dict[str, PathMeter] = field(default_factory=lambda: {p: PathMeter() for p in PLACES})
    milliseconds: list[float] = field(default_factory=list)

    def add(self, estimate: PathEstimate, look: Look, path: CoursePath) -> None:
        """Compare one estimate with the truth."""
        if not path.course.closed and look.s_m > path.length_m - LAST_M:
            return
        self.pictures += 1
        if not estimate.is_valid:
            self.problems[estimate.reason] = self.problems.get(estimate.reason, 0) + 1
            return
        self.valid += 1
        point = look.world_from_base @ PlanarPose(x_m=estimate.look_ahead_m)
        truth = true_curve(path, point, look.s_m + estimate.look_ahead_m)
        if truth is not None:
            self.meters['told'].add_estimate(estimate, truth)
        for name, ahead_m in PLACES.items():
            placed = None if ahead_m is None else pose_on_line(estimate, ahead_m)
            if placed is None or ahead_m is None:
                continue
            pose, sigma_m = placed
            truth = true_curve(path, look.world_from_base @ pose, look.s_m + ahead_m)
            if truth is not None:
                self.meters[name].add_line(sigma_m, truth)

    def document(self) -> dict[str, Any]:
        """Return plain values."""
        figures = {name: _finite(asdict(m.figures())) for name, m in self.meters.items() if len(m)}
        return {
            'pictures': self.pictures, 'valid_share': self.valid / max(self.pictures, 1),
            'problems': self.problems, 'median_ms': float(np.median(self.milliseconds)), **figures,
        }  # fmt: skip


def _finite(figures: dict[str, Any]) -> dict[str, Any]:
    """Return figures without those that say nothing: deviations that were not told."""
    told = [name for name, sigma in figures['sigma'].items() if np.isfinite(sigma)]
    for key in ('sigma', 'inside_1_sigma', 'inside_2_sigma'):
        figures[key] = {name: figures[key][name] for name in told}
    return figures


def true_masks(look: Look) -> tuple[np.ndarray, np.ndarray | None]:
    """Return what the simulator knows."""
    return look.view.class_ids, None


def network_masks(model: str) -> tuple[Masks, dict[int, str]]:
    """Return what a bundle says, and its classes."""
    segmenter = Segmenter.load(model, device='cpu', threads=1)

    def masks(look: Look) -> tuple[np.ndarray, np.ndarray | None]:
        found = segmenter(Frame(pixels=look.view.rgb, color_order=ColorOrder.RGB))
        return found.class_ids, found.confidence

    return masks, dict(enumerate(segmenter.class_names))


def measure_course(
    name: str, masks: Masks, labels: dict[int, str], seed: int, most: int | None = None
) -> CourseResult:
    """
    Return the figures of a course; ``junction:left`` takes a route of its own.

    :param most: pictures to look at, None all.
    """
    course, _, route = name.partition(':')
    world = SimulatedWorld.create(course_config(course, seed=seed))
    if route:
        world.path = CoursePath(replace(world.path.course, route=(route,)))
    ground, result = ground_of(world), CourseResult()
    tracker = PathTracker(labels, PathConfig(prefer=route or 'straight'))
    for look in islice(drive(world), most):
        mask, confidence = masks(look)
        begin = time.thread_time()
        estimate = tracker.update(mask, confidence, ground, look.stamp_ns, look.odom_from_base)
        result.milliseconds.append((time.thread_time() - begin) * 1e3)
        result.add(estimate, look, world.path)
    world.close()
    return result


def _rows(results: dict[str, CourseResult]) -> Iterator[tuple[str, ...]]:
    for name, result in results.items():
        cells = [f'{result.valid / max(result.pictures, 1):.1%} of {result.pictures}']
        for place in PLACES:
            meter = result.meters[place]
            if not len(meter):
                cells += ['', '']
                continue
            rms = meter.figures().rms
            cells += [
                f'{100 * rms["lateral_error_m"]:.1f} cm',
                f'{np.degrees(rms["heading_error_rad"]):.1f}°',
            ]
        yield name, *cells


def pooled(results: dict[str, CourseResult]) -> CourseResult:
    """Return all courses as one."""
    total = CourseResult()
    for result in results.values():
        total.pictures += result.pictures
        total.valid += result.valid
        total.milliseconds += result.milliseconds
        for place, meter in result.meters.items():
            total.meters[place].merge(meter)
    return total


def show(results: dict[str, CourseResult]) -> None:
    """Print the tables."""
    table = Table(title='root mean square errors')
    columns = ['course', 'valid']
    for place in PLACES:
        columns += [f'lateral, {place}', f'heading, {place}']
    for column in columns:
        table.add_column(column, justify='left' if column == 'course' else 'right')
    for row in _rows({**results, 'all': pooled(results)}):
        table.add_row(*row)
    _console.print(table)
    figures = pooled(results).meters['told'].figures()
    for name, one in figures.inside_1_sigma.items():
        _console.print(
            f'{name}: {one:.1%} within 1 σ (Gaussian 68.3 %), '
            f'{figures.inside_2_sigma[name]:.1%} within 2 σ (95.4 %)'
        )
    _console.print(f'one picture: {np.median(pooled(results).milliseconds):.1f} ms of CPU time')


def draw_calibration(results: dict[str, CourseResult], path: Path) -> None:
    """Draw how often errors lie within so many told deviations, as PNG."""
    from matplotlib.figure import Figure

    scaled = np.abs(pooled(results).meters['told'].scaled)
    deviations = np.linspace(0, 4, 81)
    figure = Figure(figsize=(6, 4), layout='constrained')
    axes = figure.subplots()
    axes.plot(
        deviations, [math.erf(d / math.sqrt(2)) for d in deviations], 'k--', label='Gaussian'
    )
    for column, name in enumerate(('lateral', 'heading', 'curvature')):
        share = (scaled[:, column, None] <= deviations).mean(axis=0)
        axes.plot(deviations, share, label=name)
    axes.set_xlabel('told standard deviations')
    axes.set_ylabel('share of errors within')
    axes.grid(alpha=0.3)
    axes.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def main() -> None:
    """Run, print and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--courses', nargs='*', default=COURSES)
    parser.add_argument('--model', default='', help='segmentation bundle; default: true masks')
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--out', type=Path, default=Path('out/benchmarks/path.json'))
    parser.add_argument('--figure', type=Path, help='PNG of the calibration')
    options = parser.parse_args()
    cv2.setNumThreads(1)
    masks: Masks = true_masks
    labels = dict(enumerate(SEMANTIC_NAMES))
    if options.model:
        masks, labels = network_masks(options.model)
    results = {}
    for name in options.courses:
        with _console.status(name):
            results[name] = measure_course(name, masks, labels, options.seed)
    show(results)
    every = {**results, 'all': pooled(results)}
    report = {name: result.document() for name, result in every.items()}
    options.out.parent.mkdir(parents=True, exist_ok=True)
    words = {'machine': describe_machine(), 'masks': options.model or 'true', 'report': report}
    options.out.write_text(json.dumps(words, indent=2, ensure_ascii=False) + '\n')
    _console.print(f'written: {options.out}')
    if options.figure:
        draw_calibration(results, options.figure)


if __name__ == '__main__':
    main()
