"""``perception evaluate detection``: average precision of boxes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from perception_nodes.cli.detection_options import (
    DEFAULT_MAX_DETECTIONS,
    DEFAULT_OVERLAP,
    MaxDetectionsOption,
    OverlapOption,
    ScoreOption,
)
from perception_nodes.cli.detection_report import detection_report, error_sections, honesty_of
from perception_nodes.cli.evaluation_options import (
    OUT,
    OutOption,
    RenameOption,
    cell,
    described,
    latency_of,
    renames_of,
)
from perception_nodes.cli.model_options import DeviceOption, PrecisionOption, ThreadsOption
from perception_nodes.cli.progress import console, track
from perception_nodes.detection import DetectionConfig, Detector
from perception_nodes.evaluation.coco import (
    SCORE_THRESHOLD,
    category_ids_of,
    detect_images,
    evaluate_detections,
    results_of,
    write_results,
)
from perception_nodes.evaluation.datasets import open_dataset
from perception_nodes.evaluation.decisions import DECIDED_FROM, decisions_of
from perception_nodes.evaluation.ground_truth import GroundTruth
from perception_nodes.evaluation.metrics import DetectionMetrics, Precision
from perception_nodes.inference.bundle import ModelBundle
from perception_nodes.visualization.report import Section, write_report


def detection(
    data: Annotated[
        str,
        typer.Option(
            help='coco:annotations.json, voc:folder, voc:folder@split, penn_fudan:folder'
        ),
    ],
    model: Annotated[
        str, typer.Option('--model', '-m', help='Folder, URI or name of a model.')
    ] = '',
    results: Annotated[
        Path | None, typer.Option(help='COCO results to measure instead of running a model.')
    ] = None,
    images: Annotated[Path | None, typer.Option(help='Folder of the pictures, for coco.')] = None,
    out: OutOption = OUT,
    rename: RenameOption = None,
    score_threshold: ScoreOption = SCORE_THRESHOLD,
    nms_iou: OverlapOption = DEFAULT_OVERLAP,
    max_detections: MaxDetectionsOption = DEFAULT_MAX_DETECTIONS,
    decide_from: Annotated[
        float,
        typer.Option(
            min=0.0, max=1.0, help='Score from which a box counts in calibration and referral.'
        ),
    ] = DECIDED_FROM,
    device: DeviceOption = 'auto',
    precision: PrecisionOption = 'fp32',
    threads: ThreadsOption = 0,
) -> None:
    """Measure a detector: COCO average precision, calibration, and what to refer to a human."""
    truth = open_dataset(data, images)
    record: dict[str, Any] = {'data': data}
    if (results is None) == (not model):
        raise ValueError('give either --model or --results')
    if results is not None:
        found = json.loads(results.read_text(encoding='utf-8'))
        record['results'] = str(results)
    else:
        config = DetectionConfig(
            score_threshold=score_threshold,
            nms_iou_threshold=nms_iou,
            max_detections=max_detections,
        )
        detector = Detector.load(model, device=device, precision=precision, threads=threads)
        console.print(detector.description, highlight=False)
        found, timing = _run(detector, config, truth, renames_of(rename))
        record |= {
            **described(detector),
            'score_threshold': config.score_threshold,
            'nms_iou_threshold': config.nms_iou_threshold,
            **timing,
        }
        detector.close()
    metrics = evaluate_detections(truth, found, max_detections=max_detections)
    write_results(out / 'results.json', found)
    decisions = decisions_of(truth, found)
    honesty = honesty_of(decisions, decide_from)
    metrics.write(out / 'metrics.json', **record, **honesty.to_dict())
    report = detection_report(metrics, decisions, honesty, truth, found, record)
    write_report(report, out / 'report.html')
    _print(metrics, out)


def errors_of(bundle: ModelBundle, truth: GroundTruth) -> tuple[Section, ...]:
    """Return what a page tells of a detector's errors: curves, calibration, pictures."""
    detector = Detector.load(bundle)
    found, _ = _run(detector, DetectionConfig(score_threshold=SCORE_THRESHOLD), truth, {})
    detector.close()
    decisions = decisions_of(truth, found)
    return error_sections(decisions, honesty_of(decisions, DECIDED_FROM), truth, found)


def _run(
    detector: Detector, config: DetectionConfig, truth: GroundTruth, renamed: dict[str, str]
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return COCO results and the median and 95th percentile of the time per picture."""
    category_ids = category_ids_of(detector.class_names, truth, renamed)
    found: list[dict[str, Any]] = []
    seconds: list[float] = []
    pairs = detect_images(truth.images, lambda frame: detector(frame, config))
    for image, detections in track(pairs, 'Evaluating', len(truth.images)):
        found += results_of(image.image_id, detections, category_ids)
        seconds.append(detector.times.total_s)
    return found, {'latency_ms': latency_of(seconds)}


def _print(metrics: DetectionMetrics, out: Path) -> None:
    """Show the table; the figures are results and go to stdout."""
    table = Table(title=f'{metrics.images} pictures, {metrics.truths} labelled boxes')
    for column in ('', 'labels', 'mAP', 'AP50'):
        table.add_column(column, justify='left' if not column else 'right')
    overall = Precision(ap=metrics.mean_ap, ap50=metrics.ap50, truths=metrics.truths)
    rows = {'all classes': overall, **metrics.by_size}
    for name, row in rows.items():
        table.add_row(name, *_cells(row))
    table.add_section()
    for name, row in sorted(metrics.by_class.items(), key=lambda item: -item[1].truths):
        table.add_row(name, *_cells(row))
    Console().print(table)
    console.print(f'AP75 {metrics.ap75:.3f}  recall {metrics.recall:.3f}  → {out}')


def _cells(row: Precision) -> tuple[str, ...]:
    """Return labels, mAP and AP50; a dash where nothing is labelled."""
    return str(row.truths), cell(row.ap), cell(row.ap50)
