"""
What is painted on the floor of a course: lanes and border tapes as strips between two lines.

The simulator and Gazebo draw the same strips. Tapes stop where another part of the course passes,
so that crossings and junctions are open, and they miss where they are worn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perception_nodes.simulation.course import Course
from perception_nodes.simulation.course_path import SAMPLE_STEP_M, CoursePath, course_lines

LANE, TAPE_LEFT, TAPE_RIGHT = 'lane', 'tape_left', 'tape_right'
SAME_PLACE_M = 1.5
"""Parts of one line that are further apart than this along it are different parts."""
GAP_M = 0.12
"""Mean length of a worn gap."""
WEAR_STREAM = 7


@dataclass(frozen=True, eq=False, kw_only=True)
class Strip:
    """
    A painted area between two lines.

    :param kind: ``lane``, ``tape_left`` or ``tape_right``.
    :param left: (N, 2) metres in the world, N ≥ 2.
    :param right: (N, 2) metres, point by point beside ``left``.
    """

    kind: str
    left: np.ndarray
    right: np.ndarray

    @property
    def outline(self) -> np.ndarray:
        """(2 N, 2) corners of the area, counter-clockwise."""
        return np.vstack([self.right, self.left[::-1]])


def course_strips(
    course: Course, *, worn_percent: float | None = None, wear_seed: int = 0
) -> tuple[Strip, ...]:
    """
    Return all that is painted, lanes first.

    :param worn_percent: share of the tapes' length that is missing; the course's by default. More
        wear takes away more at the same places.
    :param wear_seed: which places those are.
    """
    worn = course.worn_percent if worn_percent is None else worn_percent
    lines = course_lines(course)
    inner = course.lane_width_m / 2
    outer = inner + course.tape_width_m
    lanes = [
        Strip(kind=LANE, left=line.offset_line(inner), right=line.offset_line(-inner))
        for line in lines
    ]
    tapes = []
    for number, line in enumerate(lines):
        for kind, left, right in ((TAPE_LEFT, outer, inner), (TAPE_RIGHT, -inner, -outer)):
            kept = ~_inside_other_lanes(line, (left + right) / 2, number, lines)
            rng = np.random.default_rng([WEAR_STREAM, wear_seed, number, kind == TAPE_LEFT])
            kept &= ~worn_samples(rng, len(kept), worn)
            edges = line.offset_line(left), line.offset_line(right)
            tapes += [
                Strip(kind=kind, left=edges[0][run], right=edges[1][run]) for run in _runs(kept)
            ]
    return (*lanes, *tapes)


def worn_samples(rng: np.random.Generator, count: int, percent: float) -> np.ndarray:
    """Return (count,) bool: where a line that is sampled every 5 cm is worn, in patches."""
    if percent <= 0:
        return np.zeros(count, bool)
    reach = max(1, round(GAP_M / SAMPLE_STEP_M))
    noise = rng.standard_normal(count + 2 * reach)
    smooth = np.convolve(noise, np.ones(2 * reach + 1), mode='valid')
    worn: np.ndarray = np.argsort(np.argsort(smooth)) < round(count * min(percent, 100) / 100)
    # A gap reaches to the next samples that are kept: one less worn sample makes up for it.
    return worn & np.append(worn[1:], True)


def _inside_other_lanes(
    line: CoursePath, offset_m: float, number: int, lines: tuple[CoursePath, ...]
) -> np.ndarray:
    """Return (N,) bool: samples of a parallel line that lie in the lane of another part."""
    points = line.offset_line(offset_m)
    half = line.course.lane_width_m / 2
    inside = np.zeros(len(points), bool)
    for index, other in enumerate(lines):
        gap = np.linalg.norm(points[:, None] - other.samples_xy[None], axis=2)
        if index == number:
            along = np.abs(line.samples_m[:, None] - other.samples_m[None])
            if line.course.closed:
                along = np.minimum(along, line.length_m - along)
            gap = np.where(along > SAME_PLACE_M, gap, np.inf)
        inside |= gap.min(axis=1) < half
    return inside


def _runs(kept: np.ndarray) -> list[slice]:
    """Return the stretches of at least two true samples."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], kept.astype(np.int8), [0]])))
    return [slice(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a >= 2]
