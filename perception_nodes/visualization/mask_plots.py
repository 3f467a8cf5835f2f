"""Plots about masks: which classes are taken for which, and whether confidence is honest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from perception_nodes.visualization.palette import class_color, hex_color
from perception_nodes.visualization.plots import INK, axes_row, svg_of

_CELL_INCH = 0.42
_WRITTEN_FROM = 0.01  # smaller shares stay blank
_DARK_FROM = 0.55


def confusion_svg(confusion: np.ndarray, names: Sequence[str]) -> str:
    """
    Return where the pixels of every class went, as shares of its row.

    :param confusion: (C, C + 1) pixels: rows are labels, the last column is no class.
    :param names: of the C classes.
    """
    counts = np.asarray(confusion, np.float64)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    rows, columns = shares.shape
    figure, (axes,) = axes_row(1, (2.2 + columns * _CELL_INCH, 1.6 + rows * _CELL_INCH))
    axes.grid(visible=False)
    axes.imshow(shares, cmap='Blues', vmin=0, vmax=1, aspect='equal')
    axes.set_xticks(range(columns), [*names, 'no class'], rotation=60, ha='right')
    axes.set_yticks(range(rows), list(names))
    axes.set(xlabel='found', ylabel='labelled')
    for row, column in zip(*np.nonzero(shares >= _WRITTEN_FROM), strict=True):
        share = shares[row, column]
        axes.text(
            column, row, f'{100 * share:.0f}', ha='center', va='center', fontsize=8,
            color='white' if share > _DARK_FROM else 'black',
        )  # fmt: skip
    return svg_of(figure, 'confusion')


def reliability_svg(
    confidence: np.ndarray,
    accuracy: np.ndarray,
    counts: np.ndarray,
    error: float,
    *,
    things: str = 'pixels',
) -> str:
    """
    Return the share that is right over the confidence that was claimed, and how many there are.

    :param confidence: (B,) mean confidence of the bins, NaN without decisions.
    :param accuracy: (B,) share that is right.
    :param counts: (B,) decisions.
    :param error: expected calibration error, for the title.
    :param things: what is decided about, for the axis.
    """
    figure, (diagram, histogram) = axes_row(2, (8.0, 3.2), width_ratios=(1, 1))
    color = hex_color(class_color(1))
    diagram.plot((0, 1), (0, 1), color=INK, lw=1, ls='--', label='honest')
    known = np.asarray(counts) > 0
    diagram.plot(confidence[known], accuracy[known], 'o-', color=color, lw=1.8, label='measured')
    diagram.set(xlim=(0, 1), ylim=(0, 1), xlabel='confidence', ylabel='share that is right')
    diagram.legend(frameon=False, labelcolor=INK)
    diagram.set_title(f'calibration error {error:.3f}', color=INK, fontsize=10)
    share = np.asarray(counts, np.float64) / max(float(np.sum(counts)), 1.0)
    edges = (np.arange(len(share)) + 0.5) / len(share)
    histogram.bar(edges, share, width=0.9 / len(share), color=color, alpha=0.85)
    histogram.set(xlim=(0, 1), xlabel='confidence', ylabel=f'share of the {things}')
    return svg_of(figure, 'reliability')
