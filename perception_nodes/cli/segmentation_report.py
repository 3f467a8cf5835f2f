"""The page that ``perception evaluate segmentation`` leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from perception_nodes.cli.report_blocks import (
    calibration_figure,
    latency_figures,
    reliability_plot,
)
from perception_nodes.evaluation.segmentation import SegmentationMetrics
from perception_nodes.structures import ColorOrder, Frame, SegmentationMask
from perception_nodes.visualization import draw_mask
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
    picture,
)

_LONGEST_PX = 480


@dataclass(frozen=True, eq=False, kw_only=True)
class Worst:
    """
    A picture, its labels and what was found.

    :param truth: (H, W) uint8 numbers of the labels.
    :param wrong: share of its labelled pixels.
    """

    name: str
    frame: Frame
    truth: np.ndarray
    found: SegmentationMask
    wrong: float


def segmentation_report(
    metrics: SegmentationMetrics,
    worst: Sequence[Worst],
    class_names: Sequence[str],
    record: Mapping[str, Any],
) -> Report:
    """
    Return the page.

    :param class_names: of the labels.
    :param record: data, model, what it ran on, latency.
    """
    return Report(
        title=f'{record["model"]} on {record["data"]}',
        subtitle=f'{metrics.pictures} pictures; {record["runs_on"]}',
        sections=(
            Section(title='Result', blocks=(_key_figures(metrics, record), _classes(metrics))),
            *error_sections(metrics, worst, class_names),
        ),
        footer=f'perception evaluate segmentation --data {record["data"]} '
        f'--model {record["model"]}; weights sha256 {record["weights_sha256"]}',
    )


def error_sections(
    metrics: SegmentationMetrics, worst: Sequence[Worst], class_names: Sequence[str]
) -> tuple[Section, ...]:
    """Return what a page tells of errors; see :func:`segmentation_report`."""
    return (
        Section(title='What is taken for what', blocks=_confusion(metrics, class_names)),
        Section(
            title='Is the confidence honest?',
            blocks=(reliability_plot(metrics.reliability, metrics.calibration_error, 'pixels'),),
        ),
        Section(title='Most wrong pixels', blocks=(worst_gallery(worst, class_names),)),
    )


def _key_figures(metrics: SegmentationMetrics, record: Mapping[str, Any]) -> Figures:
    return Figures(
        items=(
            Figure(label='mIoU', value=f'{metrics.mean_iou:.3f}', note='one matrix of the set'),
            Figure(label='pixel accuracy', value=f'{metrics.pixel_accuracy:.3f}'),
            calibration_figure(metrics.calibration_error),
            *latency_figures(record),
        )
    )


def _classes(metrics: SegmentationMetrics) -> Table:
    total = max(metrics.pixels, 1)
    return Table(
        columns=('class', 'share of pixels', 'IoU', 'precision', 'recall'),
        rows=tuple(
            (name, row.pixels / total, row.iou, row.precision, row.recall)
            for name, row in metrics.by_class.items()
        ),
    )


def _confusion(metrics: SegmentationMetrics, class_names: Sequence[str]) -> tuple[Plot, Text]:
    counts = np.array(metrics.confusion, np.float64)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    np.fill_diagonal(shares, 0.0)
    row, column = np.unravel_index(int(shares.argmax()), shares.shape)
    found = [*class_names, 'no class'][int(column)]
    return (
        Plot(svg=confusion_svg(counts, class_names), caption='percent of the labelled pixels'),
        Text(
            paragraphs=(
                f'Most often wrong: {100 * shares[row, column]:.1f} % of '
                f'{class_names[int(row)]} is taken for {found}.',
            )
        ),
    )


def worst_gallery(worst: Sequence[Worst], class_names: Sequence[str]) -> Gallery:
    """Return for every picture its labels and, below, what was found."""
    return Gallery(
        pictures=tuple(
            picture(
                masks_beside_truth(entry, class_names),
                f'{entry.name}: {100 * entry.wrong:.1f} % wrong',
            )
            for entry in worst
        )
    )


def masks_beside_truth(entry: Worst, class_names: Sequence[str]) -> Frame:
    """Return a picture under its labels and, beside it, under what was found."""
    rgb = entry.frame.in_order(ColorOrder.RGB)
    step = max(1, -(-max(rgb.shape[:2]) // _LONGEST_PX))
    masks = (SegmentationMask(entry.truth), SegmentationMask(entry.found.class_ids))
    tiles = [
        draw_mask(
            np.ascontiguousarray(rgb[::step, ::step]),
            SegmentationMask(np.ascontiguousarray(mask.class_ids[::step, ::step])),
            class_names,
            legend=number == 0,
        )
        for number, mask in enumerate(masks)
    ]
    return Frame(pixels=np.hstack(tiles))
