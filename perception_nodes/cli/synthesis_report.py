"""The page that ``perception synthesize`` leaves beside the card of its set."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from perception_nodes.cli.report_blocks import card
from perception_nodes.evaluation.ground_truth import read_picture
from perception_nodes.learning.data.splits import spread_over
from perception_nodes.visualization.report import (
    Figure,
    Figures,
    Gallery,
    Report,
    Section,
    Table,
    contact_sheet,
    picture,
)

_SHOWN = 16


def synthesis_report(about: Mapping[str, Any], folder: Path) -> Report:
    """
    Return the page.

    :param about: the card, as ``dataset.json`` holds it.
    :param folder: of the set.
    """
    paths = sorted((folder / 'images').glob('*.jpg'))[: about['scenes']]
    sheet = contact_sheet([read_picture(path) for path in spread_over(paths, _SHOWN)])
    objects = max(about['objects'], 1)
    classes = Table(
        columns=('class', 'objects', 'share'),
        rows=tuple(
            (name, count, count / objects) for name, count in about['objects_per_class'].items()
        ),
        caption=f'marked to be ignored, too small or too hidden: {about["ignored"]}',
    )
    sizes = Table(
        columns=('longer side, px', 'objects'), rows=tuple(about['longer_side_px'].items())
    )
    return Report(
        title='Things on real backgrounds' if 'backgrounds' in about else 'Rendered scenes',
        subtitle=f'{about["scenes"]} scenes, {about["assets"]}, seed {about["seed"]}',
        sections=(
            Section(title='What is in them', blocks=(_figures(about), classes, sizes)),
            Section(title='Some of them', blocks=(Gallery(pictures=(picture(sheet),)),)),
            Section(title='Settings', blocks=(card(about['config']),)),
        ),
        footer=f'perception synthesize; {about["licence"]}; figures in dataset.json',
    )


def _figures(about: Mapping[str, Any]) -> Figures:
    return Figures(
        items=(
            Figure(label='scenes', value=str(about['scenes'])),
            Figure(label='objects', value=str(about['objects'])),
            Figure(label='partly occluded', value=f'{about["occluded_share"]:.1%}'),
            Figure(label='cut off by the edge', value=f'{about["truncated_share"]:.1%}'),
        )
    )
