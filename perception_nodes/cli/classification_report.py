"""The page that ``perception evaluate classification`` leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from perception_nodes.cli.report_blocks import (
    calibration_figure,
    latency_figures,
    reliability_plot,
)
from perception_nodes.evaluation.classification import ClassificationMetrics
from perception_nodes.structures import ColorOrder, Frame
from perception_nodes.visualization import draw_caption
from perception_nodes.visualization.mask_plots import confusion_svg
from perception_nodes.visualization.report import (
    Figure,
    Figures,
    Gallery,
    Plot,
    Report,
    Section,
    Table,
    Text,
    contact_sheet,
    picture,
)

_TILE_PX = 200
_SHEET_COLUMNS = 6
_CONFUSIONS = 12


@dataclass(frozen=True, eq=False, kw_only=True)
class Wrong:
    """
    A picture that was called something else.

    :param truth: its class in the labels.
    :param found: what it was called, or ``unknown``.
    :param confidence: of the most probable class, 0..1.
    """

    name: str
    frame: Frame
    truth: str
    found: str
    confidence: float


def classification_report(
    metrics: ClassificationMetrics,
    wrong: Sequence[Wrong],
    class_names: Sequence[str],
    record: Mapping[str, Any],
) -> Report:
    """
    Return the page.

    :param wrong: the surest first.
    :param class_names: of the labels.
    :param record: data, model, what it ran on, latency.
    """
    return Report(
        title=f'{record["model"]} on {record["data"]}',
        subtitle=f'{metrics.pictures} pictures; {record["runs_on"]}',
        sections=(
            Section(title='Result', blocks=(_key_figures(metrics, record), _classes(metrics))),
            *error_sections(metrics, wrong, class_names),
        ),
        footer=f'perception evaluate classification --data {record["data"]} '
        f'--model {record["model"]} --min-confidence {record["min_confidence"]}; weights sha256 '
        f'{record["weights_sha256"]}',
    )


def error_sections(
    metrics: ClassificationMetrics, wrong: Sequence[Wrong], class_names: Sequence[str]
) -> tuple[Section, ...]:
    """Return what a page tells of errors; see :func:`classification_report`."""
    return (
        Section(title='What is taken for what', blocks=_confusion(metrics, class_names)),
        Section(
            title='Is the confidence honest?',
            blocks=(reliability_plot(metrics.reliability, metrics.calibration_error, 'pictures'),),
        ),
        Section(title='Wrong and sure of it', blocks=_worst(wrong)),
    )


def wrong_sheet(wrong: Sequence[Wrong]) -> Frame:
    """
    Return one picture of wrong answers: what was said, how surely, and below the label.

    :param wrong: at least one.
    """
    return contact_sheet(
        [wrong_tile(item) for item in wrong], columns=_SHEET_COLUMNS, tile_width=_TILE_PX
    )


def wrong_tile(item: Wrong) -> Frame:
    """Return the picture in a square with words at both ends, RGB."""
    rgb = np.ascontiguousarray(item.frame.in_order(ColorOrder.RGB))
    factor = _TILE_PX / max(rgb.shape[:2])
    size = [max(1, round(side * factor)) for side in item.frame.size_wh]
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    inside = cv2.resize(rgb, size, interpolation=method)
    tile = np.full((_TILE_PX, _TILE_PX, 3), 40, np.uint8)
    left, top = (_TILE_PX - size[0]) // 2, (_TILE_PX - size[1]) // 2
    tile[top : top + size[1], left : left + size[0]] = inside
    tile = draw_caption(tile, f'{item.found} {item.confidence:.2f}')
    return Frame(pixels=draw_caption(tile, f'is {item.truth}', copy=False, bottom=True))


def _key_figures(metrics: ClassificationMetrics, record: Mapping[str, Any]) -> Figures:
    items = [Figure(label='top 1', value=f'{metrics.top1:.3f}', note='share that is right')]
    if not np.isnan(metrics.top5):
        items.append(
            Figure(label='top 5', value=f'{metrics.top5:.3f}', note='among the five most probable')
        )
    items += [
        Figure(label='mean recall', value=f'{metrics.mean_recall:.3f}', note='of the classes'),
        calibration_figure(metrics.calibration_error),
        Figure(
            label='named', value=f'{metrics.named:.3f}',
            note=f'{metrics.top1_of_named:.3f} of these are right',
        ),
        *latency_figures(record),
    ]  # fmt: skip
    return Figures(items=tuple(items))


def _classes(metrics: ClassificationMetrics) -> Table:
    return Table(
        columns=('class', 'pictures', 'recall', 'precision'),
        rows=tuple(
            (name, row.pictures, row.recall, row.precision)
            for name, row in metrics.by_class.items()
        ),
    )


def _confusion(
    metrics: ClassificationMetrics, class_names: Sequence[str]
) -> tuple[Plot | Table | Text, ...]:
    counts = np.array(metrics.confusion, np.int64)
    plot = Plot(svg=confusion_svg(counts, class_names), caption='percent of the labelled pictures')
    wrong = counts.copy()
    np.fill_diagonal(wrong, 0)
    if not wrong.any():
        return plot, Text(paragraphs=('Nothing is taken for anything else.',))
    names = [*class_names, 'no class']
    order = np.argsort(-wrong, axis=None, kind='stable')[:_CONFUSIONS]
    pairs = [np.unravel_index(int(place), wrong.shape) for place in order]
    rows = tuple(
        (class_names[int(row)], names[int(column)], int(wrong[row, column]),
         float(wrong[row, column] / counts[row].sum()))
        for row, column in pairs
        if wrong[row, column]
    )  # fmt: skip
    columns = ('labelled', 'named', 'pictures', 'share of the class')
    return plot, Table(columns=columns, rows=rows, caption='the most frequent errors')


def _worst(wrong: Sequence[Wrong]) -> tuple[Gallery | Text, ...]:
    if not wrong:
        return (Text(paragraphs=('No picture is wrong.',)),)
    return (
        Gallery(
            pictures=tuple(
                picture(wrong_tile(item), f'{item.name}: {item.found}, is {item.truth}')
                for item in wrong
            )
        ),
    )
