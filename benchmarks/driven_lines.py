"""
A picture of what was driven: ``python -m benchmarks.driven_lines --out driven_lines.jpg``.

Each course once by the suite's follower (true masks, or ``--model BUNDLE``) and once by the HSV
baseline; the lines are true poses, the lane is the course's.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from benchmarks.driving import BASELINE, COURSES, MODEL_MARK, PATH, run_named, with_sight
from perception_nodes.simulation import CoursePath, load_course
from perception_nodes.simulation.episodes import EpisodeResult, Outcome, RunPlan

COLUMNS = 3


def draw_course(axes: Axes, course: str) -> None:
    """Draw the edges of the lane."""
    path = CoursePath(load_course(course))
    for side in (-1, 1):
        line = path.offset_line(side * path.course.lane_width_m / 2)
        axes.plot(*line.T, color='0.7', linewidth=1)
    axes.set_aspect('equal')
    axes.set_title(course, fontsize=9)
    axes.tick_params(labelsize=6)


def draw_run(axes: Axes, result: EpisodeResult, color: str, name: str) -> None:
    """Draw the way of base_link, and a cross where the lane was left."""
    way = result.trace.pose[:, :2]
    label = f'{name}: rms {100 * result.lateral_rms_m:.1f} cm, {result.outcome.value}'
    axes.plot(*way.T, color=color, linewidth=1.2, label=label)
    if result.outcome is not Outcome.FINISHED:
        axes.plot(*way[-1], marker='x', color=color)


def main() -> None:
    """Drive, draw and write the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--out', type=Path, default=Path('out/benchmarks/driven_lines.jpg'))
    parser.add_argument('--model', default='', help='segmentation bundle; else true masks')
    parser.add_argument('--courses', default=','.join(COURSES))
    options = parser.parse_args()
    courses = options.courses.split(',')
    own = PATH + MODEL_MARK + options.model if options.model else PATH
    rows = int(np.ceil(len(courses) / COLUMNS))
    figure, grid = plt.subplots(rows, COLUMNS, figsize=(11, 3.4 * rows), squeeze=False)
    for axes, course in zip(grid.flat, courses, strict=False):
        draw_course(axes, course)
        for follower, color, name in ((BASELINE, 'tab:orange', 'HSV'), (own, 'tab:blue', 'suite')):
            plan = with_sight(RunPlan(course=course, follower=follower, seed=0))
            draw_run(axes, run_named(plan), color, name)
        axes.legend(fontsize=6, loc='best')
    for axes in grid.flat[len(courses) :]:
        axes.axis('off')
    figure.tight_layout()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(options.out, dpi=90)


if __name__ == '__main__':
    main()
