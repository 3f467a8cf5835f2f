"""Pictures with the path ahead of them, by address: ``paths:folder``, ``tub:folder@0:440``."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from perception_nodes.evaluation.addresses import reader_of
from perception_nodes.learning.data.tubs import read_tub

RECORDS = 'records'


@dataclass(frozen=True, eq=False, kw_only=True)
class PathPicture:
    """
    One picture and the path ahead.

    :param arc_m: (N,) float64 ascending, from the point of the path nearest to base_link.
    :param points_xy: (N, 2) float64 in base_link, metres.
    :param seen: (N,) bool, which of them the picture shows; none when N is 0.
    """

    path: Path
    arc_m: np.ndarray
    points_xy: np.ndarray
    seen: np.ndarray

    def at(self, stations_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return (K, 2) float32 points and (K,) bool which are seen, at arc lengths."""
        if not len(self.arc_m):
            return np.zeros((len(stations_m), 2), np.float32), np.zeros(len(stations_m), bool)
        points = [np.interp(stations_m, self.arc_m, column) for column in self.points_xy.T]
        nearest = np.abs(stations_m[:, None] - self.arc_m).argmin(axis=1)
        inside = (stations_m >= self.arc_m[0]) & (stations_m <= self.arc_m[-1])
        return np.stack(points, axis=1).astype(np.float32), inside & self.seen[nearest]


@dataclass(frozen=True, kw_only=True)
class PathSet:
    """
    A labelled set, in the order of time where it is a recording.

    :param pictures: at least one.
    :param skipped: how many records could not be used, by reason.
    """

    pictures: tuple[PathPicture, ...]
    skipped: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a set without pictures."""
        if not self.pictures:
            reasons = ', '.join(f'{count}× {name}' for name, count in self.skipped.items())
            raise ValueError(f'there is not one picture with a path; skipped: {reasons or "none"}')


def open_path_set(address: str, steering_curvature_1_m: float = 1.0) -> PathSet:
    """
    Return a labelled set.

    :param address: ``paths:folder`` of ``perception synthesize --paths``, or ``tub:folder`` of a
        donkeycar, also ``tub:folder@first:last`` for a part by number of record.
    :param steering_curvature_1_m: curvature that full steering stands for, 1/m.
    :raises ValueError: for another kind, or a set without usable pictures.
    """
    read, place = reader_of(address, _READERS, 'paths:data/train')
    return read(place, steering_curvature_1_m)


def read_rendered(place: str, _curvature: float) -> PathSet:
    """Read the records of ``perception synthesize --paths``."""
    folder, pictures, skipped = Path(place), [], {'no path was asked for': 0}
    for record in sorted((folder / RECORDS).glob('[0-9]*.json')):
        content = json.loads(record.read_text(encoding='utf-8'))
        if 'path' not in content:
            skipped['no path was asked for'] += 1
            continue
        rows = np.array(content['path'], np.float64).reshape(-1, 4)
        pictures.append(
            PathPicture(
                path=folder / content['image']['file_name'], arc_m=rows[:, 0],
                points_xy=rows[:, 1:3], seen=rows[:, 3] > 0,
            )
        )  # fmt: skip
    return PathSet(pictures=tuple(pictures), skipped={name: n for name, n in skipped.items() if n})


LONGEST_ARC_M, ARC_STEP_M = 6.0, 0.1


def read_steering(place: str, steering_curvature_1_m: float) -> PathSet:
    """
    Read a donkeycar's records: the path ahead is the arc on which the driver steered.

    Steering to the right is positive there; curvature is positive to the left.
    """
    folder, _, part = place.partition('@')
    tub = read_tub(Path(folder), part)
    arc_m = np.arange(0.0, LONGEST_ARC_M, ARC_STEP_M)
    pictures = tuple(
        PathPicture(
            path=record.path, arc_m=arc_m, seen=np.ones(len(arc_m), bool),
            points_xy=arc_points(-record.angle * steering_curvature_1_m, arc_m),
        )
        for record in tub.records
    )  # fmt: skip
    return PathSet(pictures=pictures, skipped=tub.skipped)


def arc_points(curvature_1_m: float, arc_m: np.ndarray) -> np.ndarray:
    """Return the (N, 2) points of an arc that begins at the origin along x."""
    turn = curvature_1_m * arc_m
    # sin(t) / t and (1 - cos t) / t also at 0
    along = np.sinc(turn / np.pi)
    aside = 0.5 * turn * np.sinc(turn / (2 * np.pi)) ** 2
    return np.stack([arc_m * along, arc_m * aside], axis=1)


_READERS: dict[str, Callable[[str, float], PathSet]] = {
    'paths': read_rendered,
    'tub': read_steering,
}
