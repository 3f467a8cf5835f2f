"""The page that ``perception adapt`` leaves, and the figures of its labelled pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from perception_nodes.cli.report_blocks import machine_section
from perception_nodes.evaluation.masked_sets import MaskedSet
from perception_nodes.evaluation.segmentation import SegmentationMeter, number_table
from perception_nodes.learning.data.splits import spread_over
from perception_nodes.segmentation import Segmenter
from perception_nodes.structures import ColorOrder, Frame, SegmentationMask
from perception_nodes.visualization import draw_mask
from perception_nodes.visualization.report import (
    Block,
    Figure,
    Figures,
    Gallery,
    Report,
    Section,
    Table,
    Text,
    picture,
)

_SHOWN = 6
_LONGEST_PX = 400


def measured_on(
    segmenter: Segmenter, labelled: MaskedSet, track: Callable[..., Any]
) -> dict[str, Any]:
    """Return mean IoU, pixel accuracy, calibration error and IoU by class on a labelled set."""
    table = number_table(segmenter.class_names, labelled.classes)
    meter = SegmentationMeter(labelled.classes)
    for item in track(labelled.pictures, f'Scoring {segmenter.bundle.name}'):
        frame, truth = labelled.read(item)
        found = segmenter(frame)
        meter.add(truth, SegmentationMask(table[found.class_ids], found.confidence))
    figures = meter.metrics()
    return {
        'mIoU': figures.mean_iou, 'pixel_accuracy': figures.pixel_accuracy,
        'calibration_error': figures.calibration_error, 'pictures': figures.pictures,
        'IoU': {name: row.iou for name, row in figures.by_class.items()},
    }  # fmt: skip


def shown_pairs(
    before: Segmenter, after: Segmenter, frames: Sequence[Frame], labelled: MaskedSet | None
) -> list[Frame]:
    """Return sheets of pictures: what is seen before, after, and the labels if there are any."""
    names = before.class_names
    if labelled is None:
        some = spread_over(list(frames), _SHOWN)
        return [mask_row(frame, [before(frame), after(frame)], names) for frame in some]
    table = number_table(labelled.classes, names)
    rows = []
    for item in spread_over(labelled.pictures, _SHOWN):
        frame, truth = labelled.read(item)
        masks = [before(frame), after(frame), SegmentationMask(table[truth])]
        rows.append(mask_row(frame, masks, names))
    return rows


def mask_row(frame: Frame, masks: Sequence[SegmentationMask], class_names: Sequence[str]) -> Frame:
    """Return the picture and the masks over it, side by side, the first with a legend."""
    rgb = frame.in_order(ColorOrder.RGB)
    step = max(1, -(-max(rgb.shape[:2]) // _LONGEST_PX))
    small = np.ascontiguousarray(rgb[::step, ::step])
    tiles = [
        draw_mask(
            small,
            SegmentationMask(np.ascontiguousarray(mask.class_ids[::step, ::step])),
            class_names,
            legend=number == 0,
        )
        for number, mask in enumerate(masks)
    ]
    return Frame(pixels=np.hstack([small, *tiles]), color_order=ColorOrder.RGB)


def adapt_report(record: Mapping[str, Any], shown: Sequence[Frame]) -> Report:
    """
    Return the page.

    :param record: what ``adapt.json`` holds.
    :param shown: rows of pictures.
    """
    labels = ', labels' if record['labelled'] else ''
    rows = Gallery(pictures=tuple(picture(row) for row in shown))
    return Report(
        title=f'{record["model"]}, adapted',
        subtitle=f'{record["pictures"]} pictures without labels of '
        f'{", ".join(record["pictures_of"])}; method {record["config"]["method"]}',
        sections=(
            *_scores(record),
            Section(title='What is seen without labels', blocks=_unlabelled(record)),
            Section(title=f'Picture, before, after{labels}', blocks=(rows,)),
            machine_section(record['machine']),
        ),
        footer=f'{record["command"]}; source weights sha256 {record["source_weights_sha256"]}, '
        f'adapted {record["weights_sha256"]}',
    )


def _scores(record: Mapping[str, Any]) -> tuple[Section, ...]:
    """Return before and after on labelled pictures; nothing without them."""
    if 'scores' not in record:
        return ()
    before, after = record['scores']['before'], record['scores']['after']
    figures = Figures(
        items=tuple(
            Figure(label=name, value=f'{after[key]:.3f}', note=f'{before[key]:.3f} before')
            for name, key in (
                ('mIoU', 'mIoU'), ('pixel accuracy', 'pixel_accuracy'),
                ('calibration error', 'calibration_error'),
            )
        )
    )  # fmt: skip
    table = Table(
        columns=('class', 'IoU before', 'IoU after'),
        rows=tuple((name, before['IoU'][name], after['IoU'][name]) for name in before['IoU']),
    )
    title = f'On {after["pictures"]} labelled pictures of {record["labelled"]}'
    return (Section(title=title, blocks=(figures, table)),)


def _unlabelled(record: Mapping[str, Any]) -> tuple[Block, ...]:
    looks, confidence = record['looks'], record['confidence']
    names = tuple(looks['source']['shares'])
    table = Table(
        columns=('', 'agreement with the source', 'confidence', *names),
        rows=tuple(
            (name, look['agreement'], look['confidence'], *look['shares'].values())
            for name, look in looks.items()
        ),
        caption='shares of the pixels by class, on the watched pictures',
    )
    checks = Table(
        columns=('', 'temperature', 'errors claimed', 'errors for certain, at least'),
        rows=tuple(
            (name, item['temperature'], item['claimed_error'], item['least_error'])
            for name, item in confidence.items()
        ),
        caption='where a picture and its mirror image are answered differently, one is wrong',
    )
    steps = record.get('steps', {})
    words = [f'{steps["taken"]} steps were kept.'] if steps else []
    words += [f'Stopped: {steps["stopped_by"]}.'] if steps.get('stopped_by') else []
    if confidence['after']['is_too_sure']:
        words.append('The confidence is too high for certain.')
    return (table, checks, *([Text(paragraphs=tuple(words))] if words else []))
