"""The page that ``perception pseudo-label`` leaves: counts, confidences, pictures to look at."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from perception_nodes.cli.report_blocks import leave, thumbnail
from perception_nodes.evaluation.datasets import open_dataset
from perception_nodes.evaluation.ground_truth import read_picture
from perception_nodes.evaluation.masked_sets import open_masked_set
from perception_nodes.learning.data.splits import spread_over
from perception_nodes.learning.pseudo_boxes import ANNOTATIONS
from perception_nodes.learning.pseudo_labels import PseudoLabels
from perception_nodes.structures import Detections, Frame, SegmentationMask
from perception_nodes.visualization import BoxStyle, draw_detections, draw_mask
from perception_nodes.visualization.plots import confidence_svg
from perception_nodes.visualization.report import (
    Figure,
    Figures,
    Gallery,
    Picture,
    Plot,
    Report,
    Section,
    Table,
    Text,
    picture,
)

_SHOWN = 12
_WIDTH_PX = 480
_WORDS = {
    'boxes': 'Coloured boxes are labels; dashed ones are regions that count neither way. Look for '
    'boxes on nothing, and for things without any.',
    'pixels': 'Coloured pixels are labels; what keeps its colours counts neither way. Look for '
    'classes that are surely wrong.',
}


def leave_report(labels: PseudoLabels, model: str, out: Path, command: str) -> Path:
    """
    Write ``report.html`` and ``report.json`` into the folder of the set; return the page.

    :param model: in words.
    :param command: how to get the set again.
    """
    record = {'model': model, 'command': command, **labels.to_dict()}
    page = Report(
        title='Pseudo-labels',
        subtitle=f'{len(labels.names)} pictures labelled by {model}',
        sections=(
            Section(title='What was kept', blocks=(_figures(labels), _classes(labels))),
            Section(title='How sure the model was', blocks=(_histogram(labels),)),
            Section(
                title='Samples',
                blocks=(
                    Text(paragraphs=(_WORDS[labels.unit],)),
                    Gallery(pictures=tuple(_samples(labels, out))),
                ),
            ),
        ),
        footer=command,
    )
    return leave(page, record, out)


def _figures(labels: PseudoLabels) -> Figures:
    kept, uncertain = int(labels.kept.sum()), int(labels.uncertain.sum())
    share = kept / max(kept + uncertain, 1)
    return Figures(
        items=(
            Figure(label='pictures', value=str(len(labels.names))),
            Figure(label=f'{labels.unit} kept', value=str(kept), note=f'{share:.0%} of all'),
            Figure(label=f'{labels.unit} uncertain', value=str(uncertain)),
        )
    )


def _classes(labels: PseudoLabels) -> Table:
    rows = zip(
        labels.classes, labels.lowest, labels.kept, labels.uncertain, labels.kept_share,
        strict=True,
    )  # fmt: skip
    return Table(
        columns=('class', 'confidence from', 'kept', 'uncertain', 'share kept'),
        rows=tuple(
            (name, float(lowest), int(kept.sum()), int(uncertain.sum()), float(share))
            for name, lowest, kept, uncertain, share in rows
        ),
        caption='A class that is rare or missing here is one that a student will not learn.',
    )


def _histogram(labels: PseudoLabels) -> Plot:
    svg = confidence_svg(labels.kept.sum(axis=0), labels.uncertain.sum(axis=0), unit=labels.unit)
    caption = (
        'Of pixels every class has its own limit: of each the surest are kept.'
        if labels.unit == 'pixels'
        else 'What is fainter than the uncertain boxes counts as background.'
    )
    return Plot(svg=svg, caption=caption)


def _samples(labels: PseudoLabels, out: Path) -> Iterator[Picture]:
    """Yield some pictures of the set, spread over it, with their labels."""
    draw = _boxed if labels.unit == 'boxes' else _masked
    for name, frame in draw(labels, out):
        yield picture(thumbnail(frame, _WIDTH_PX), name)


def _boxed(labels: PseudoLabels, out: Path) -> Iterator[tuple[str, Frame]]:
    truth = open_dataset(f'coco:{out / ANNOTATIONS}')
    scores: dict[int, list[float]] = defaultdict(list)
    for item in truth.content['annotations']:
        scores[item['image_id']].append(item['score'])
    for image in spread_over(truth.images, _SHOWN):
        frame, boxes = read_picture(image.path), truth.boxes_of(image.image_id)
        ids = np.array([labels.classes.index(name) for name in boxes.labels], np.int64)
        found = Detections(boxes.xyxy, np.array(scores[image.image_id]), ids)
        pixels = draw_detections(
            frame.pixels, found[boxes.crowd], labels.classes, style=BoxStyle.TRUTH
        )
        pixels = draw_detections(
            pixels, found[~boxes.crowd], labels.classes, copy=False,
            color_order=frame.color_order,
        )  # fmt: skip
        yield image.path.stem, Frame(pixels=pixels, color_order=frame.color_order)


def _masked(labels: PseudoLabels, out: Path) -> Iterator[tuple[str, Frame]]:
    masked = open_masked_set(f'masks:{out}')
    for item in spread_over(masked.pictures, _SHOWN):
        frame, mask = masked.read(item)
        pixels = draw_mask(
            frame.pixels, SegmentationMask(mask), labels.classes, color_order=frame.color_order
        )
        yield item.path.stem, Frame(pixels=pixels, color_order=frame.color_order)
