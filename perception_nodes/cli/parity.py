"""``perception parity``: the accuracy in the ROS graph against that of a plain loop."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

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
from perception_nodes.cli.graph_processes import choose_graph, interruptible
from perception_nodes.cli.model_options import (
    DeviceOption,
    ModelOption,
    PrecisionOption,
    ThreadsOption,
)
from perception_nodes.cli.parity_compare import Parity, compare_pictures
from perception_nodes.cli.parity_graph import ParityOptions, lay_out, read_answers, record
from perception_nodes.cli.progress import console, track
from perception_nodes.detection import Detector
from perception_nodes.evaluation.coco import (
    SCORE_THRESHOLD,
    category_ids_of,
    detect_images,
    evaluate_detections,
    results_of,
)
from perception_nodes.evaluation.datasets import open_dataset
from perception_nodes.evaluation.ground_truth import GroundTruth
from perception_nodes.evaluation.metrics import DetectionMetrics
from perception_nodes.structures import Detections

#: Exit code when the accuracies differ by more than the tolerance.
DIFFERENT = 1
_TOLERANCE = 0.001
# Pictures in the table; the JSON file has all.
_SHOWN = 20


def parity(
    model: ModelOption,
    data: Annotated[
        str,
        typer.Option(
            help='coco:annotations.json, voc:folder, voc:folder@split, penn_fudan:folder'
        ),
    ],
    images: Annotated[Path | None, typer.Option(help='Folder of the pictures, for coco.')] = None,
    out: Annotated[Path, typer.Option('--out', '-o', help='Folder to write.')] = Path(
        'out/parity'
    ),
    tolerance: Annotated[
        float, typer.Option(min=0.0, max=1.0, help='Largest difference of the mAP that passes.')
    ] = _TOLERANCE,
    score_threshold: ScoreOption = SCORE_THRESHOLD,
    nms_iou: OverlapOption = DEFAULT_OVERLAP,
    max_detections: MaxDetectionsOption = DEFAULT_MAX_DETECTIONS,
    device: DeviceOption = 'auto',
    precision: PrecisionOption = 'fp32',
    threads: ThreadsOption = 0,
) -> None:
    """Measure a detector through the ROS graph and in a plain loop, and compare."""
    options = ParityOptions(
        model=model,
        out=out,
        score_threshold=score_threshold,
        nms_iou_threshold=nms_iou,
        max_detections=max_detections,
        device=device,
        precision=precision,
        threads=threads,
    )
    truth = open_dataset(data, images)
    with interruptible():
        result = measure(options, truth)
    result.write(out / 'parity.json', model=model, data=data, tolerance=tolerance)
    _print(result, out)
    if not result.agrees(tolerance):
        console.print(
            f'The mAP differs by {abs(result.difference):.4f}, more than {tolerance:g}: the nodes '
            f'do not see or say what the plain loop does; {out / "parity.json"} tells the '
            f'pictures, {out / "logs"} what the nodes logged',
            style='bold red',
        )
        raise typer.Exit(DIFFERENT)


def measure(options: ParityOptions, truth: GroundTruth) -> Parity:
    """
    Run a graph and a plain loop over the same pictures.

    :raises ValueError: when a node does not start or ends, or a picture cannot be read.
    """
    if not truth.images:
        raise ValueError('the labels name no picture; choose another set')
    index_of = lay_out(options.out, [image.path for image in truth.images])
    choose_graph()
    record(options, len(truth.images))
    with console.status('Reading the bag'):
        answers = read_answers(options.out / 'bag', index_of)
    plain, class_names = _plain_loop(options, truth)
    if answers.class_names != class_names:
        raise ValueError(
            f'label_info says {", ".join(answers.class_names)}; the model has '
            f'{", ".join(class_names)}'
        )
    return Parity(
        graph=_evaluate(options, truth, answers.found, class_names),
        plain=_evaluate(options, truth, dict(enumerate(plain)), class_names),
        pictures=compare_pictures([i.path.name for i in truth.images], answers.found, plain),
        strange_stamps=answers.strange_stamps,
    )


def _plain_loop(
    options: ParityOptions, truth: GroundTruth
) -> tuple[list[Detections], tuple[str, ...]]:
    """Return what the detector says without ROS, and its class names."""
    detector = Detector.load(
        options.model,
        device=options.device,
        precision=options.precision,
        threads=options.threads,
    )
    config = options.detection_config()
    try:
        pairs = detect_images(truth.images, lambda frame: detector(frame, config))
        found = [item for _, item in track(pairs, 'In a plain loop', len(truth.images))]
        return found, detector.class_names
    finally:
        detector.close()


def _evaluate(
    options: ParityOptions,
    truth: GroundTruth,
    found: Mapping[int, Detections],
    class_names: tuple[str, ...],
) -> DetectionMetrics:
    """Return the COCO figures of detections by the index of their picture."""
    category_ids = category_ids_of(class_names, truth)
    results = [
        result
        for index, detections in sorted(found.items())
        for result in results_of(truth.images[index].image_id, detections, category_ids)
    ]
    return evaluate_detections(truth, results, max_detections=options.max_detections)


def _print(result: Parity, out: Path) -> None:
    """Show the tables; the figures are results and go to stdout."""
    table = Table(title=f'{result.plain.images} pictures, {result.plain.truths} labelled boxes')
    table.add_column('')
    for column in ('mAP', 'AP50', 'AP75', 'boxes'):
        table.add_column(column, justify='right')
    for name, metrics in (('ROS graph', result.graph), ('plain loop', result.plain)):
        figures = (metrics.mean_ap, metrics.ap50, metrics.ap75)
        table.add_row(name, *(f'{value:.4f}' for value in figures), str(metrics.detections))
    table.add_section()
    apart = (
        result.difference,
        result.graph.ap50 - result.plain.ap50,
        result.graph.ap75 - result.plain.ap75,
    )
    boxes = f'{result.graph.detections - result.plain.detections:+d}'
    table.add_row('difference', *(f'{value:+.4f}' for value in apart), boxes)
    output = Console()
    output.print(table)
    _print_pictures(result, output)
    console.print(
        f'{len(result.lost)} pictures lost, {len(result.strange_stamps)} strange stamps, '
        f'{result.differing_boxes} boxes differ  → {out / "parity.json"}',
        highlight=False,
    )


def _print_pictures(result: Parity, output: Console) -> None:
    """Show the pictures that are not the same on both sides, worst first."""
    apart = [item for item in result.pictures if item.graph is None or item.differing]
    if not apart:
        return
    table = Table(title=f'{len(apart)} pictures differ')
    for column in ('picture', 'ROS graph', 'plain loop', 'boxes that differ'):
        table.add_column(column, justify='left' if column == 'picture' else 'right')
    for item in sorted(apart, key=lambda item: -item.differing)[:_SHOWN]:
        graph = 'lost' if item.graph is None else str(item.graph)
        table.add_row(item.name, graph, str(item.plain), str(item.differing))
    output.print(table)
