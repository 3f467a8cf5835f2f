"""The page that ``perception pretrain`` leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from perception_nodes.cli.report_blocks import machine_section, recipe_section
from perception_nodes.cli.training_report import curves
from perception_nodes.structures import Frame
from perception_nodes.visualization.report import (
    Figure,
    Figures,
    Gallery,
    Report,
    Section,
    Table,
    picture,
)


def pretraining_report(
    document: Mapping[str, Any], record: Sequence[Mapping[str, Any]], neighbours: Frame
) -> Report:
    """
    Return the page.

    :param document: what ``pretraining.json`` holds.
    :param record: one entry for each epoch.
    :param neighbours: held-out frames, each beside those that the features place next to it.
    """
    figures, provenance = document['figures'], document['provenance']
    shown = picture(
        neighbours, 'left: held-out frames; right: the nearest of those that were learnt from'
    )
    return Report(
        title=f'Features of {document["recipe"]["name"]}',
        subtitle=f'{document["frames"]} frames without labels, {document["held_out_frames"]} held '
        f'out, {document["same"]} left out that show the same as another; {provenance["data"]}',
        sections=(
            Section(title='Result', blocks=(_headline(document), _figures(figures))),
            Section(title='How it went', blocks=curves(record)),
            Section(title='What lies near what', blocks=(Gallery(pictures=(shown,)),)),
            recipe_section(document['recipe']),
            machine_section(document['machine']),
        ),
        footer=f'{provenance["source"]}; begun from {provenance["initialisation"]}',
    )


def _headline(document: Mapping[str, Any]) -> Figures:
    figures = document['figures']
    return Figures(
        items=(
            Figure(
                label='own view is found', value=f'{figures["view_match"]:.3f}',
                note=f'{figures["view_match_before"]:.3f} before; of held-out frames',
            ),
            Figure(
                label='ONNX differs by', value=f'{document["onnx_differs_by"]:.1e}', note='at most'
            ),
        )
    )  # fmt: skip


def _figures(figures: Mapping[str, float]) -> Table:
    return Table(columns=('figure', 'value'), rows=tuple(figures.items()))
