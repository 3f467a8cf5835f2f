"""What a page tells of the errors of a path network: how far off its points are, and where."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from perception_nodes.cli.progress import track
from perception_nodes.evaluation.ground_truth import read_picture
from perception_nodes.inference.bundle import ModelBundle
from perception_nodes.learning.data.path_sets import PathSet
from perception_nodes.learning.path_bundling import looked_at
from perception_nodes.learning.tasks.path import RegressedPath
from perception_nodes.path import PathRegressor
from perception_nodes.structures import ColorOrder, Frame
from perception_nodes.visualization import draw_caption
from perception_nodes.visualization.plots import lines_svg
from perception_nodes.visualization.report import (
    Gallery,
    Plot,
    Section,
    Table,
    Text,
    picture,
)

_WORST_SHOWN = 8
_SIDE_PX = 240
_MARGIN = 0.15
_TRUE_RGB, _FOUND_RGB, _GROUND_RGB = (80, 220, 120), (250, 200, 40), 40


def errors_of(bundle: ModelBundle, labelled: PathSet) -> tuple[Section, ...]:
    """Return how far off points are at each distance, and the pictures furthest off."""
    network = PathRegressor.load(bundle)
    stations_m = np.array(bundle.spec.decoder.options['stations_m'], np.float64)
    results = [
        looked_at(network, item, stations_m) for item in track(labelled.pictures, 'Evaluating')
    ]
    network.close()
    return (
        Section(title='How far off, and is it known?', blocks=_along(results, stations_m)),
        Section(title='Furthest off', blocks=_worst(results)),
    )


def _along(results: Sequence[RegressedPath], stations_m: np.ndarray) -> tuple[Plot | Table, ...]:
    """Return the error and the told deviation of the points at each distance."""
    seen = np.array([item.seen for item in results])
    error_m = np.array([np.hypot(*(item.found.points_xy - item.truth).T) for item in results])
    told_m = np.sqrt(2) * np.array([item.found.sigma_m for item in results])  # of x and y
    counts = seen.sum(axis=0)
    known = counts > 0
    error = _rms(error_m, seen)[known]
    told = _rms(told_m, seen)[known]
    lines = {'error': (stations_m[known], error), 'told': (stations_m[known], told)}
    rows = tuple(zip(stations_m[known], counts[known], error, told, strict=True))
    return (
        Plot(
            svg=lines_svg(lines, x_label='metres ahead', y_label='RMS, m', salt='path errors'),
            caption='Where the lines lie on one another, the deviations told are honest.',
        ),
        Table(
            columns=('metres ahead', 'pictures', 'error, m', 'told, m'),
            rows=tuple((f'{at:g}', int(count), float(e), float(t)) for at, count, e, t in rows),
        ),
    )


def _rms(values: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Return (K,) root mean squares over the pictures that show a point; 0 where none does."""
    return np.sqrt((values**2 * seen).sum(axis=0) / np.maximum(seen.sum(axis=0), 1))


def _worst(results: Sequence[RegressedPath]) -> tuple[Gallery | Text, ...]:
    """Return the pictures with the largest mean error beside their paths from above."""
    shown = [item for item in results if item.seen.any()]
    if not shown:
        return (Text(paragraphs=('No picture shows a path.',)),)
    ranked = sorted(shown, key=lambda item: -_mean_error_m(item))[:_WORST_SHOWN]
    return (
        Gallery(
            pictures=tuple(
                picture(_pair(item), f'{item.picture.path.name}: {_mean_error_m(item):.2f} m off')
                for item in ranked
            )
        ),
    )


def _mean_error_m(item: RegressedPath) -> float:
    return float(np.hypot(*item.away_m.T).mean())


def _pair(item: RegressedPath) -> Frame:
    """Return a picture, and beside it both paths from above, the robot at the bottom."""
    rgb = np.ascontiguousarray(read_picture(item.picture.path).in_order(ColorOrder.RGB))
    width = round(rgb.shape[1] * _SIDE_PX / rgb.shape[0])
    rgb = cv2.resize(rgb, (width, _SIDE_PX), interpolation=cv2.INTER_AREA)
    return Frame(pixels=np.hstack([rgb, _from_above(item)]))


def _from_above(item: RegressedPath) -> np.ndarray:
    """Return (S, S, 3) uint8: the labelled path green, what was found yellow."""
    canvas = np.full((_SIDE_PX, _SIDE_PX, 3), _GROUND_RGB, np.uint8)
    points = np.concatenate([item.truth[item.seen], item.found.points_xy[item.seen]])
    reach_m = max(float(points[:, 0].max()), 2 * float(np.abs(points[:, 1]).max()), 0.1)
    scale = _SIDE_PX * (1 - 2 * _MARGIN) / reach_m
    for line, color in ((item.truth, _TRUE_RGB), (item.found.points_xy, _FOUND_RGB)):
        x, y = line[item.seen].T
        column, row = _SIDE_PX / 2 - scale * y, _SIDE_PX * (1 - _MARGIN) - scale * x
        corners = np.round(np.stack([column, row], axis=1)).astype(np.int32)
        cv2.polylines(canvas, [corners], False, color, 2, cv2.LINE_AA)
    words = f'label green, found yellow; {reach_m:.1f} m'
    return draw_caption(canvas, words, copy=False, bottom=True)
