"""The page that ``perception explain`` leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from perception_nodes.cli.report_blocks import machine_section
from perception_nodes.explanation import Curve
from perception_nodes.structures import Frame
from perception_nodes.visualization.heat_overlay import draw_heat
from perception_nodes.visualization.plots import lines_svg
from perception_nodes.visualization.report import (
    Figure,
    Figures,
    Gallery,
    Plot,
    Report,
    Section,
    Text,
    picture,
)

_HOW = (
    'Bright places count for the decision: without them the model is less sure of it. Dark ones '
    'count nothing, or against it.',
    'Deletion takes away what counts most first: the faster the line falls, the better the map. '
    'Insertion shows it first: the faster it rises, the better. A map that knows nothing takes '
    'away places at random.',
)


@dataclass(frozen=True, eq=False, kw_only=True)
class Explained:
    """
    One decision and what it rests on.

    :param picture: file name.
    :param name: what was decided.
    :param saliency: (H, W) float32.
    :param curves: by name; empty where they were not wanted.
    """

    picture: str
    name: str
    frame: Frame
    saliency: np.ndarray
    curves: Mapping[str, Curve] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        row, column = np.unravel_index(int(self.saliency.argmax()), self.saliency.shape)
        areas = {f'{name}, area': curve.area for name, curve in self.curves.items()}
        return {
            'picture': self.picture, 'decision': self.name,
            'most_counts_at_xy': [int(column), int(row)], **areas,
        }  # fmt: skip


def explanation_report(found: Sequence[Explained], record: Mapping[str, Any]) -> Report:
    """Return the page."""
    return Report(
        title='What decisions rest on',
        subtitle=f'{len(found)} decisions of {record["model"]}',
        sections=(
            Section(title='How to read it', blocks=(Text(paragraphs=_HOW), *_headline(found))),
            *(_section(number, item) for number, item in enumerate(found)),
            machine_section(record['machine']),
        ),
        footer=f'perception explain --model {record["model"]}; settings {record["settings"]}',
    )


def _headline(found: Sequence[Explained]) -> tuple[Figures, ...]:
    checked = [item.curves for item in found if item.curves]
    if not checked:
        return ()
    better = [c['deletion'].area < c['deletion, random map'].area for c in checked]
    items = [
        Figure(label=f'{name}, area', value=f'{np.mean([c[name].area for c in checked]):.3f}')
        for name in checked[0]
    ]
    share = Figure(
        label='better than a random map', value=f'{np.mean(better):.0%}', note='by deletion'
    )
    return (Figures(items=(share, *items)),)


def _section(number: int, item: Explained) -> Section:
    heat = draw_heat(item.frame.pixels, item.saliency, color_order=item.frame.color_order)
    drawn = Frame(pixels=heat, color_order=item.frame.color_order)
    gallery = Gallery(pictures=(picture(item.frame, 'as it is'), picture(drawn, 'what counts')))
    title = f'{item.picture}: {item.name}'
    if not item.curves:
        return Section(title=title, blocks=(gallery,))
    lines = {name: (curve.parts, curve.left) for name, curve in item.curves.items()}
    plot = lines_svg(
        lines, x_label='part of the picture taken away or shown', y_label='what is left',
        salt=f'curves {number}',
    )  # fmt: skip
    return Section(title=title, blocks=(gallery, Plot(svg=plot)))
