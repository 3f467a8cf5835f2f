"""``perception evaluate segmentation``: intersection over union and calibration of masks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from perception_nodes.cli.evaluation_options import (
    OUT,
    OutOption,
    RenameOption,
    cell,
    described,
    latency_of,
    renames_of,
)
from perception_nodes.cli.model_options import (
    DeviceOption,
    ModelOption,
    PrecisionOption,
    ThreadsOption,
)
from perception_nodes.cli.progress import console, track
from perception_nodes.cli.segmentation_report import Worst, error_sections, segmentation_report
from perception_nodes.evaluation.masked_sets import MaskedSet, open_masked_set
from perception_nodes.evaluation.ranking import Ranking
from perception_nodes.evaluation.segmentation import (
    SegmentationMeter,
    SegmentationMetrics,
    number_table,
    wrong_share,
)
from perception_nodes.inference.bundle import ModelBundle
from perception_nodes.segmentation import Segmenter
from perception_nodes.visualization.report import Section, write_report

_WORST_SHOWN = 8


def segmentation(
    data: Annotated[
        str, typer.Option(help='camvid:folder@val, or masks:folder of perception synthesize')
    ],
    model: ModelOption,
    out: OutOption = OUT,
    rename: RenameOption = None,
    device: DeviceOption = 'auto',
    precision: PrecisionOption = 'fp32',
    threads: ThreadsOption = 0,
) -> None:
    """Measure a segmenter: mIoU from one confusion matrix of the set, and calibration."""
    labelled = open_masked_set(data)
    segmenter = Segmenter.load(model, device=device, precision=precision, threads=threads)
    console.print(segmenter.description, highlight=False)
    metrics, worst, seconds = measure(segmenter, labelled, renames_of(rename))
    record = {'data': data, **described(segmenter), 'latency_ms': latency_of(seconds)}
    segmenter.close()
    metrics.write(out / 'metrics.json', **record)
    report = segmentation_report(metrics, worst, labelled.classes, record)
    write_report(report, out / 'report.html')
    _print(metrics, out)


def measure(
    segmenter: Segmenter, labelled: MaskedSet, renamed: dict[str, str]
) -> tuple[SegmentationMetrics, list[Worst], list[float]]:
    """Return the figures, the pictures with most wrong pixels, and the seconds of each."""
    table = number_table(segmenter.class_names, labelled.classes, renamed)
    meter = SegmentationMeter(labelled.classes)
    worst: Ranking[Worst] = Ranking(_WORST_SHOWN)
    seconds = []
    for picture in track(labelled.pictures, 'Evaluating'):
        frame, truth = labelled.read(picture)
        found = segmenter(frame)
        found = replace(found, class_ids=table[found.class_ids])
        seconds.append(segmenter.times.total_s)
        meter.add(truth, found)
        share = wrong_share(truth, found.class_ids)
        entry = Worst(name=picture.path.name, frame=frame, truth=truth, found=found, wrong=share)
        worst.add(share, entry)
    return meter.metrics(), worst.entries(), seconds


def errors_of(bundle: ModelBundle, labelled: MaskedSet) -> tuple[Section, ...]:
    """Return what a page tells of a segmenter's errors: confusion, calibration, pictures."""
    segmenter = Segmenter.load(bundle)
    metrics, worst, _ = measure(segmenter, labelled, {})
    segmenter.close()
    return error_sections(metrics, worst, labelled.classes)


def _print(metrics: SegmentationMetrics, out: Path) -> None:
    """Show the table; the figures are results and go to stdout."""
    table = Table(title=f'{metrics.pictures} pictures, {metrics.pixels / 1e6:.1f} million pixels')
    for column in ('', 'pixels', 'IoU', 'precision', 'recall'):
        table.add_column(column, justify='left' if not column else 'right')
    table.add_row('all classes', '100%', cell(metrics.mean_iou), '', cell(metrics.mean_accuracy))
    table.add_section()
    for name, row in metrics.by_class.items():
        share = f'{100 * row.pixels / max(metrics.pixels, 1):.1f}%'
        table.add_row(name, share, cell(row.iou), cell(row.precision), cell(row.recall))
    Console().print(table)
    console.print(
        f'mIoU {metrics.mean_iou:.3f}  pixel accuracy {metrics.pixel_accuracy:.3f}  '
        f'calibration error {metrics.calibration_error:.3f}  → {out}',
        highlight=False,
    )
