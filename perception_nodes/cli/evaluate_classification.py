"""``perception evaluate classification``: accuracy and calibration of classes of pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from perception_nodes.classification import ClassificationConfig, Classifier
from perception_nodes.cli.classification_report import (
    Wrong,
    classification_report,
    error_sections,
    wrong_sheet,
)
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
from perception_nodes.cli.opened_model import named
from perception_nodes.cli.progress import console, track
from perception_nodes.evaluation.class_numbers import label_numbers
from perception_nodes.evaluation.classification import (
    ClassificationMeter,
    ClassificationMetrics,
)
from perception_nodes.evaluation.ground_truth import read_picture
from perception_nodes.evaluation.picture_folders import PictureFolders, open_picture_folders
from perception_nodes.evaluation.ranking import Ranking
from perception_nodes.inference.bundle import ModelBundle
from perception_nodes.structures import ColorOrder
from perception_nodes.visualization.report import Section, write_report

SHEET = 'worst.jpg'
_WRONG_SHOWN = 24


def classification(
    data: Annotated[
        str, typer.Option(help='folder:DIR with a folder for every class, or folder:DIR@split')
    ],
    model: ModelOption,
    out: OutOption = OUT,
    rename: RenameOption = None,
    min_confidence: Annotated[
        float,
        typer.Option(min=0.0, max=1.0, help='Probability below which no class is named.'),
    ] = 0.0,
    device: DeviceOption = 'auto',
    precision: PrecisionOption = 'fp32',
    threads: ThreadsOption = 0,
) -> None:
    """Measure a classifier: accuracy, what is taken for what, calibration, the worst errors."""
    labelled = open_picture_folders(data)
    classifier = Classifier.load(model, device=device, precision=precision, threads=threads)
    console.print(classifier.description, highlight=False)
    config = ClassificationConfig(min_confidence=min_confidence)
    metrics, wrong, seconds = measure(classifier, labelled, renames_of(rename), config)
    record = {
        'data': data, **described(classifier), 'min_confidence': min_confidence,
        'latency_ms': latency_of(seconds),
    }  # fmt: skip
    classifier.close()
    metrics.write(out / 'metrics.json', **record)
    if wrong:
        sheet = wrong_sheet(wrong).in_order(ColorOrder.BGR)
        cv2.imwrite(str(out / SHEET), np.ascontiguousarray(sheet))
    report = classification_report(metrics, wrong, labelled.classes, record)
    write_report(report, out / 'report.html')
    _print(metrics, out)


def measure(
    classifier: Classifier,
    labelled: PictureFolders,
    renamed: dict[str, str],
    config: ClassificationConfig,
) -> tuple[ClassificationMetrics, list[Wrong], list[float]]:
    """Return the figures, the surest of the wrong answers, and the seconds of each picture."""
    numbers = label_numbers(classifier.class_names, labelled.classes, renamed)
    meter = ClassificationMeter(labelled.classes, numbers)
    wrong: Ranking[Wrong] = Ranking(_WRONG_SHOWN)
    seconds = []
    for item in track(labelled.pictures, 'Evaluating'):
        frame = read_picture(item.path)
        found = classifier(frame, config)
        seconds.append(classifier.times.total_s)
        if meter.add(item.class_id, found):
            continue
        entry = Wrong(
            name=item.path.name, frame=frame, truth=labelled.classes[item.class_id],
            found=named(found.class_id, classifier.class_names), confidence=found.confidence,
        )  # fmt: skip
        wrong.add(found.confidence, entry)
    return meter.metrics(), wrong.entries(), seconds


def errors_of(bundle: ModelBundle, labelled: PictureFolders) -> tuple[Section, ...]:
    """Return what a page tells of a classifier's errors: confusion, calibration, pictures."""
    classifier = Classifier.load(bundle)
    metrics, wrong, _ = measure(classifier, labelled, {}, ClassificationConfig())
    classifier.close()
    return error_sections(metrics, wrong, labelled.classes)


def _print(metrics: ClassificationMetrics, out: Path) -> None:
    """Show the table; the figures are results and go to stdout."""
    table = Table(title=f'{metrics.pictures} pictures')
    for column in ('', 'pictures', 'recall', 'precision'):
        table.add_column(column, justify='left' if not column else 'right')
    table.add_row('all classes', str(metrics.pictures), cell(metrics.mean_recall), '')
    table.add_section()
    for name, row in metrics.by_class.items():
        table.add_row(name, str(row.pictures), cell(row.recall), cell(row.precision))
    Console().print(table)
    five = '' if np.isnan(metrics.top5) else f'top5 {metrics.top5:.3f}  '
    console.print(
        f'top1 {metrics.top1:.3f}  {five}calibration error {metrics.calibration_error:.3f}  '
        f'named {metrics.named:.3f}  right of these {metrics.top1_of_named:.3f}  → {out}',
        highlight=False,
    )
