"""``perception detect``: find things in pictures, folders and videos, without ROS."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from perception_nodes.cli.detection_options import (
    DEFAULT_MAX_DETECTIONS,
    DEFAULT_OVERLAP,
    AgnosticOption,
    ClassesOption,
    ClassThresholdsOption,
    MaxDetectionsOption,
    OverlapOption,
    ScoreOption,
)
from perception_nodes.cli.looking import OVERLAYS, look_at_all
from perception_nodes.cli.model_options import (
    DeviceOption,
    ModelOption,
    PrecisionOption,
    ThreadsOption,
)
from perception_nodes.cli.progress import console
from perception_nodes.cli.sources import find_sources
from perception_nodes.detection import DetectionConfig, Detector
from perception_nodes.evaluation.coco import category_ids_of, results_of, write_results
from perception_nodes.evaluation.ground_truth import read_coco
from perception_nodes.structures import Detections, Frame
from perception_nodes.visualization import draw_detections


def detect(
    sources: Annotated[list[str], typer.Argument(help='Pictures, folders, videos, patterns.')],
    model: ModelOption,
    out: Annotated[Path, typer.Option('--out', '-o', help='Folder to write.')] = Path(
        'out/detect'
    ),
    score_threshold: ScoreOption = 0.0,
    classes: ClassesOption = None,
    class_thresholds: ClassThresholdsOption = None,
    nms_iou: OverlapOption = DEFAULT_OVERLAP,
    agnostic: AgnosticOption = False,
    max_detections: MaxDetectionsOption = DEFAULT_MAX_DETECTIONS,
    labels: Annotated[
        Path | None,
        typer.Option(help='COCO annotation file whose image and category numbers are used.'),
    ] = None,
    overlays: Annotated[bool, typer.Option(help='Draw the detections on copies.')] = True,
    device: DeviceOption = 'auto',
    precision: PrecisionOption = 'fp32',
    threads: ThreadsOption = 0,
) -> None:
    """Detect in images, folders and videos; write COCO results and overlays."""
    found = find_sources(sources)
    config = DetectionConfig(
        score_threshold=score_threshold,
        classes=tuple(classes or ()),
        class_thresholds=tuple(class_thresholds or ()),
        nms_iou_threshold=nms_iou,
        nms_class_agnostic=agnostic,
        max_detections=max_detections,
    )
    detector = Detector.load(model, device=device, precision=precision, threads=threads)
    detector.check(config)
    console.print(detector.description, highlight=False)
    record = _Record(detector.class_names, labels)

    def look(frame: Frame, name: str) -> tuple[Callable[[], np.ndarray], str]:
        detections = detector(frame, config)
        record.add(name, frame, detections)
        draw = functools.partial(
            draw_detections,
            frame.pixels,
            detections,
            record.class_names,
            color_order=frame.color_order,
        )
        return draw, str(len(detections))

    failed = look_at_all(found, 'Detecting', look, out / OVERLAYS if overlays else None)
    record.write(out)
    console.print(
        f'{record.detections} detections in {len(record.images)} pictures → {out}',
        highlight=False,
    )
    detector.close()
    if failed:
        raise typer.Exit(code=1)


class _Record:
    """
    What goes into the JSON files.

    :param class_names: the model's classes; without labels their numbers plus 1 are the
        category numbers.
    :param labels: COCO file whose numbers are taken instead.
    """

    def __init__(self, class_names: tuple[str, ...], labels: Path | None) -> None:
        self.class_names = class_names
        self.images: list[dict[str, Any]] = []
        self.results: list[dict[str, Any]] = []
        self.detections = 0
        self._category_ids: list[int | None] = list(range(1, len(class_names) + 1))
        self._image_ids: dict[str, int] = {}
        if labels is not None:
            truth = read_coco(labels)
            self._category_ids = category_ids_of(class_names, truth)
            self._image_ids = {image.path.name: image.image_id for image in truth.images}

    def add(self, name: str, frame: Frame, detections: Detections) -> None:
        """Note one picture."""
        unused = max(self._image_ids.values(), default=0) + len(self.images) + 1
        image_id = self._image_ids.get(Path(name).name, unused)
        width, height = frame.size_wh
        self.images.append({'id': image_id, 'file_name': name, 'width': width, 'height': height})
        self.results += results_of(image_id, detections, self._category_ids)
        self.detections += len(detections)

    def write(self, out: Path) -> None:
        """Write ``results.json`` (COCO results) and ``dataset.json`` (its numbers in words)."""
        write_results(out / 'results.json', self.results)
        categories = [
            {'id': number, 'name': name}
            for number, name in zip(self._category_ids, self.class_names, strict=True)
            if number is not None
        ]
        dataset = {'images': self.images, 'annotations': [], 'categories': categories}
        (out / 'dataset.json').write_text(json.dumps(dataset, indent=1) + '\n', encoding='utf-8')
