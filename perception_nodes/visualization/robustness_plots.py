"""Plots about what corruptions cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from perception_nodes.visualization.plots import INK, axes_row, svg_of

_ROW_INCH = 0.3
_PALE = (0.15, 0.85)  # part of the scale on which black is read best


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
    axes.set_axisbelow(True)
    axes.grid(axis='y', visible=False)
    axes.set(xlabel=metric, xlim=(0, 1))
    if len(scores) > 1:
        axes.legend(fontsize=8, frameon=False, labelcolor=INK)
    return svg_of(figure, 'bars')


def heat_svg(
    values: np.ndarray, rows: Sequence[str], columns: Sequence[str], *, best: float, salt: str
) -> str:
    """
    Return a table whose cells are blue where nothing is lost and red where all is.

    :param values: (R, C) scores, from 0.
    :param best: score of the bluest cell.
    :param salt: other than that of the other tables in the page.
    """
    figure, (axes,) = axes_row(1, (2.4 + 0.7 * len(columns), 0.9 + _ROW_INCH * len(rows)))
    axes.grid(visible=False)
    axes.imshow(values, cmap='RdYlBu', vmin=0, vmax=best, aspect='auto')
    axes.set_xticks(range(len(columns)), list(columns))
    axes.set_yticks(range(len(rows)), list(rows))
    axes.set(xlabel='severity')
    for (row, column), value in np.ndenumerate(values):
        pale = _PALE[0] < value / max(best, 1e-9) < _PALE[1]
        axes.text(
            column, row, f'{value:.3f}', ha='center', va='center', fontsize=8,
            color='black' if pale else 'white',
        )  # fmt: skip
    return svg_of(figure, salt)
