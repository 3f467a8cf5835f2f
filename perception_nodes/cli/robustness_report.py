"""The page that ``perception robustness`` leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

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
from perception_nodes.visualization.robustness_plots import bars_svg

_SHOWN_SEVERITY = 3


def robustness_report(
    results: Sequence[Robustness], labelled: MaskedSet, record: Mapping[str, Any]
) -> Report:
    """
    Return the page.

    :param results: of the models that are compared, at least one.
    :param labelled: the set; its middle picture shows the corruptions.
    """
    names = hardest(results[0])
    figures = tuple(
        Figure(
            label=f'{item.model}: mean IoU left', value=f'{item.ratio:.1%}',
            note=f'{item.clean.mean_iou:.3f} clean, {item.mean_iou:.3f} over the suite',
        )
        for item in results
    )  # fmt: skip
    scores = {item.model: {name: item.mean_of(name) for name in names} for item in results}
    machine = ', '.join(f'{key}: {value}' for key, value in record['machine'].items())
    return Report(
        title='Robustness',
        subtitle=f'{record["pictures"]} pictures of {record["data"]}',
        sections=(
            Section(
                title='Result',
                blocks=(Figures(items=figures), Plot(svg=bars_svg(scores, names, 'mean IoU'))),
            ),
            *(_section(item, names) for item in results),
            Section(title='The corruptions', blocks=(_gallery(labelled, names),)),
            Section(title='Machine', blocks=(Text(paragraphs=(machine,)),)),
        ),
    )


def _section(item: Robustness, names: Sequence[str]) -> Section:
    """Return mean IoU by corruption and severity, with latency and calibration."""
    severities = list(next(iter(item.by_corruption.values())))
    rows = tuple(
        (name, *(item.by_corruption[name][level].mean_iou for level in severities),
         item.mean_of(name))
        for name in names
    )  # fmt: skip
    table = Table(columns=('corruption', *(str(level) for level in severities), 'mean'), rows=rows)
    words = (
        f'Calibration error {item.clean.calibration_error:.3f} clean, '
        f'{item.calibration_error:.3f} over the suite; median time {item.clean.latency_ms:.1f} ms.'
    )
    return Section(title=item.model, blocks=(Text(paragraphs=(words,)), table))


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
