"""Plots about what corruptions cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from perception_nodes.visualization.plots import axes_row, svg_of

_ROW_INCH = 0.3


def bars_svg(scores: Mapping[str, Mapping[str, float]], names: Sequence[str], metric: str) -> str:
    """
    Return horizontal bars: one row per name, one bar per model.

    :param scores: model, then name, to a score.
    :param names: rows from top to bottom.
    """
    figure, (axes,) = axes_row(1, (7.0, 1.0 + _ROW_INCH * len(names)))
    height = 0.8 / len(scores)
    rows = np.arange(len(names))
    for number, (model, by_name) in enumerate(scores.items()):
        values = [by_name[name] for name in names]
        axes.barh(rows + (number - (len(scores) - 1) / 2) * height, values, height, label=model)
    axes.set_yticks(rows, list(names))
    axes.invert_yaxis()
    axes.set(xlabel=metric, xlim=(0, 1))
    if len(scores) > 1:
        axes.legend(fontsize=8)
    return svg_of(figure, 'bars')
