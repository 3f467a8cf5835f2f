"""The page that ``perception robustness`` leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from perception_nodes.cli.segmentation_report import Worst, worst_gallery
from perception_nodes.evaluation.masked_sets import MaskedSet
from perception_nodes.robustness import corrupt
from perception_nodes.robustness.measuring import Robustness, hardest
from perception_nodes.structures import ColorOrder, Frame
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
from perception_nodes.visualization.robustness_plots import bars_svg, heat_svg

_SHOWN_SEVERITY = 3


def robustness_report(
    results: Sequence[Robustness],
    worst: Mapping[str, Sequence[Worst]],
    labelled: MaskedSet,
    record: Mapping[str, Any],
    attacked: Sequence[Section] = (),
) -> Report:
    """
    Return the page.

    :param results: of the models that are compared, at least one.
    :param worst: by the name of the model.
    :param labelled: the set; its middle picture shows the corruptions.
    :param attacked: sections about attacks.
    """
    machine = ', '.join(f'{key}: {value}' for key, value in record['machine'].items())
    return Report(
        title='Robustness',
        subtitle=f'{record["pictures"]} pictures of {record["data"]}',
        sections=(
            *_corrupted(results, worst, labelled),
            *attacked,
            Section(title='Machine', blocks=(Text(paragraphs=(machine,)),)),
        ),
        footer=f'perception robustness --data {record["data"]}; suite {record["suite"]}; '
        + '; '.join(f'{run["model"]} sha256 {run["weights_sha256"]}' for run in record['models']),
    )


def _corrupted(
    results: Sequence[Robustness], worst: Mapping[str, Sequence[Worst]], labelled: MaskedSet
) -> tuple[Section, ...]:
    """Return what corruptions cost; nothing where none was asked for."""
    names = hardest(results[0])
    if not names:
        return ()
    figures = tuple(_headline(item, results[0]) for item in results)
    scores = {item.model: {name: item.mean_of(name) for name in names} for item in results}
    return (
        Section(
            title='Result',
            blocks=(Figures(items=figures), Plot(svg=bars_svg(scores, names, 'mean IoU'))),
        ),
        *(_section(item, names) for item in results),
        *(_worst(item, worst[item.model], labelled.classes) for item in results),
        Section(title='The corruptions', blocks=(_gallery(labelled, names),)),
    )


def _headline(item: Robustness, first: Robustness) -> Figure:
    """Return what is left of the mean IoU, against that of the first model."""
    note = f'{item.clean.mean_iou:.3f} clean, {item.mean_iou:.3f} over the suite'
    if item is not first:
        clean, spoilt = item.clean.mean_iou - first.clean.mean_iou, item.mean_iou - first.mean_iou
        note += f'; against the first {clean:+.3f} and {spoilt:+.3f}'
    return Figure(label=f'{item.model}: mean IoU left', value=f'{item.ratio:.1%}', note=note)


def _section(item: Robustness, names: Sequence[str]) -> Section:
    """Return mean IoU by corruption and severity, and the means with calibration and latency."""
    severities = list(item.by_corruption[names[0]])
    values = np.array(
        [[item.by_corruption[name][level].mean_iou for level in severities] for name in names]
    )
    heat = heat_svg(
        values, names, [str(level) for level in severities],
        best=item.clean.mean_iou, salt=f'heat {item.model}',
    )  # fmt: skip
    caption = f'mean IoU; the bluest is that of clean pictures, {item.clean.mean_iou:.3f}'
    return Section(title=item.model, blocks=(Plot(svg=heat, caption=caption), _means(item, names)))


def _means(item: Robustness, names: Sequence[str]) -> Table:
    clean = item.clean
    rows = (
        ('clean', clean.mean_iou, 1.0, clean.calibration_error, round(clean.latency_ms)),
        *(
            (name, item.mean_of(name), item.mean_of(name) / max(clean.mean_iou, 1e-9),
             item.mean_of(name, 'calibration_error'), round(item.mean_of(name, 'latency_ms')))
            for name in names
        ),
    )  # fmt: skip
    return Table(
        columns=('corruption', 'mean IoU', 'of clean', 'calibration error', 'latency, ms'),
        rows=rows,
        caption='means over the severities; calibration: ECE, 15 bins; latency: of medians',
    )


def _worst(item: Robustness, worst: Sequence[Worst], class_names: Sequence[str]) -> Section:
    return Section(
        title=f'{item.model}: most wrong pixels', blocks=(worst_gallery(worst, class_names),)
    )


def _gallery(labelled: MaskedSet, names: Sequence[str]) -> Gallery:
    middle = labelled.pictures[len(labelled.pictures) // 2]
    frame, _ = labelled.read(middle)
    rgb = frame.in_order(ColorOrder.RGB)
    shown = [
        Frame(
            pixels=corrupt(rgb, name, _SHOWN_SEVERITY, picture=middle.path.stem).rgb,
            color_order=ColorOrder.RGB,
        )
        for name in names
    ]
    return Gallery(
        pictures=tuple(picture(one, name) for one, name in zip(shown, names, strict=True))
    )
