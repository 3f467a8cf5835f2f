"""
Plots as inline SVG that follow the light or dark colours of the page they stand in.

Matplotlib draws in placeholder colours; they are replaced by CSS (``currentColor`` and the
variable ``--line``), so that one picture fits both.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from perception_nodes.visualization.palette import class_color, hex_color

INK = '#010203'
"""Stands for the colour of text until the plot is written."""
_GRID = '#040506'
_PERCENTILES = (50, 95, 99)
_MOST_BINS = 40
_CONFIDENCE_BINS = 20


@dataclass(frozen=True, kw_only=True, eq=False)
class PrecisionRecallCurve:
    """
    Precision over recall of one class, for falling score thresholds.

    :param name: class name.
    :param recall: (N,) in 0..1, not falling.
    :param precision: (N,) in 0..1.
    :param class_id: chooses the colour.
    :param operating_point: (recall, precision) at the threshold in use, marked by a dot.
    """

    name: str
    recall: np.ndarray
    precision: np.ndarray
    class_id: int = 0
    operating_point: tuple[float, float] | None = None


def precision_recall_svg(curves: Sequence[PrecisionRecallCurve]) -> str:
    """Return precision over recall, one line a class, as an ``<svg>`` element."""
    figure, (axes,) = axes_row(1, (4.6, 3.6))
    for curve in curves:
        color = hex_color(class_color(curve.class_id))
        axes.plot(curve.recall, curve.precision, color=color, lw=1.8, label=curve.name)
        if curve.operating_point is not None:
            axes.plot(*curve.operating_point, 'o', color=color, ms=6, mec=INK, mew=0.8)
    axes.set(xlim=(0, 1.02), ylim=(0, 1.03), xlabel='recall', ylabel='precision')
    if curves:
        axes.legend(frameon=False, labelcolor=INK, loc='lower left')
    return svg_of(figure, 'precision-recall')


def latency_svg(times_s: np.ndarray, ages_ms: np.ndarray, *, x_label: str = 'time [s]') -> str:
    """
    Return ages over time beside their histogram with p50, p95 and p99.

    :param times_s: (N,) when each frame was taken.
    :param ages_ms: (N,) how old each result was.
    """
    figure, (over_time, histogram) = axes_row(2, (8.6, 3.0), width_ratios=(3, 2))
    color = hex_color(class_color(1))
    over_time.plot(times_s, ages_ms, '.', color=color, ms=3)
    over_time.set(xlabel=x_label, ylabel='age of the result [ms]', ylim=(0, None))
    histogram.set(xlabel='age of the result [ms]', ylabel='frames')
    if len(ages_ms):
        bins = int(np.clip(len(ages_ms) // 8, 5, _MOST_BINS))
        histogram.hist(ages_ms, bins=bins, color=color, alpha=0.85)
        _mark_percentiles(histogram, ages_ms)
    return svg_of(figure, 'latency')


def bars_svg(values: Mapping[str, float], *, x_label: str, largest: float | None = None) -> str:
    """
    Return horizontal bars with their values written beside them, in the order given.

    :param largest: end of the axis, None for the largest value.
    """
    figure, (axes,) = axes_row(1, (4.6, 0.9 + 0.32 * max(1, len(values))))
    names = list(values)
    numbers = np.array([values[name] for name in names], float)
    axes.barh(
        names, np.nan_to_num(numbers), color=[hex_color(class_color(i)) for i in range(len(names))]
    )
    end = largest if largest is not None else float(np.nanmax(numbers, initial=1e-9))
    for row, number in enumerate(numbers):
        text = f'{number:.3g}' if np.isfinite(number) else 'not measured'
        axes.text(np.nan_to_num(number) + 0.01 * end, row, text, va='center', color=INK)
    axes.set(xlabel=x_label, xlim=(0, 1.14 * end))
    axes.invert_yaxis()
    return svg_of(figure, 'bars')


def confidence_svg(kept: np.ndarray, uncertain: np.ndarray, *, unit: str) -> str:
    """
    Return a histogram of confidences: answers that were kept, and those left out above them.

    :param kept: (256,) answers by confidence, 0..1 in equal steps.
    :param uncertain: (256,) likewise.
    :param unit: what is counted, in the plural.
    """
    figure, (axes,) = axes_row(1, (6.4, 3.0))
    width = 1 / _CONFIDENCE_BINS
    edges = np.linspace(0, 256, _CONFIDENCE_BINS + 1).round().astype(int)[:-1]
    below = np.zeros(_CONFIDENCE_BINS)
    for name, counts, color in (
        ('kept', kept, hex_color(class_color(2))),
        ('uncertain', uncertain, _GRID),
    ):
        bars = np.add.reduceat(np.asarray(counts), edges)
        middles = (np.arange(_CONFIDENCE_BINS) + 0.5) * width
        axes.bar(middles, bars, width=0.9 * width, bottom=below, color=color, label=name)
        below = below + bars
    axes.set(xlim=(0, 1), ylim=(0, 1.05 * max(below.max(), 1)))
    axes.set(xlabel='confidence', ylabel=unit)
    axes.legend(frameon=False, labelcolor=INK)
    return svg_of(figure, 'confidence')


def lines_svg(
    series: Mapping[str, tuple[np.ndarray, np.ndarray]],
    *,
    x_label: str,
    y_label: str,
    salt: str = 'lines',
) -> str:
    """
    Return lines over a shared axis, for example a loss over epochs: ``{name: (x, y)}``.

    :param salt: other than that of the other plots of lines in the page.
    """
    figure, (axes,) = axes_row(1, (6.4, 3.0))
    for index, (name, (x, y)) in enumerate(series.items()):
        axes.plot(x, y, color=hex_color(class_color(index)), lw=1.6, label=name)
    axes.set(xlabel=x_label, ylabel=y_label)
    if len(series) > 1:
        axes.legend(frameon=False, labelcolor=INK)
    return svg_of(figure, salt)


def track_svg(
    path_xy: np.ndarray,
    *,
    edges: Sequence[np.ndarray] = (),
    marks_xy: np.ndarray | None = None,
) -> str:
    """
    Return a path seen from above, with its start, in equal scales.

    :param path_xy: (N, 2) metres, x to the right and y up.
    :param edges: (M, 2) lines beside it, such as the edges of a lane.
    :param marks_xy: (K, 2) places to mark on it, None for none.
    """
    figure, (axes,) = axes_row(1, (6.4, 4.2))
    for edge in edges:
        axes.plot(*edge.T, color=hex_color(class_color(2)), lw=1.2)
    axes.plot(*path_xy.T, color=hex_color(class_color(1)), lw=1.6)
    if marks_xy is not None:
        axes.plot(*marks_xy.T, 'X', color=hex_color(class_color(5)), ms=8, ls='none')
    if len(path_xy):
        axes.plot(*path_xy[0], 'o', color=hex_color(class_color(5)), ms=7)
        axes.annotate(' start', path_xy[0], color=INK)
    axes.set(xlabel='x [m]', ylabel='y [m]')
    axes.set_aspect('equal', adjustable='datalim')
    return svg_of(figure, 'track')


def _mark_percentiles(axes: Axes, ages_ms: np.ndarray) -> None:
    top = axes.get_ylim()[1]
    for row, percentile in enumerate(_PERCENTILES):
        value = float(np.percentile(ages_ms, percentile))
        axes.axvline(value, color=INK, lw=1, ls=('-', '--', ':')[row])
        axes.text(
            value, top * (0.97 - 0.09 * row), f' p{percentile} {value:.0f}', color=INK, va='top'
        )


def axes_row(
    columns: int, size_inch: tuple[float, float], width_ratios: Sequence[float] | None = None
) -> tuple[Figure, list[Axes]]:
    """Return a transparent figure whose axes are drawn in the placeholder colours."""
    figure = Figure(figsize=size_inch, layout='constrained')
    axes = list(figure.subplots(1, columns, squeeze=False, width_ratios=width_ratios)[0])
    for item in axes:
        item.patch.set_alpha(0)
        item.grid(color=_GRID, lw=0.8)
        item.set_axisbelow(True)
        item.spines[['top', 'right']].set_visible(False)
        item.spines[['left', 'bottom']].set_color(_GRID)
        item.tick_params(colors=INK, length=0, labelsize=9)
        item.xaxis.label.set_color(INK)
        item.yaxis.label.set_color(INK)
    return figure, axes


def svg_of(figure: Figure, salt: str) -> str:
    """Return the bare ``<svg>`` element with CSS colours instead of the placeholders."""
    import matplotlib

    buffer = io.StringIO()
    # The salt keeps the ids of several plots in one page apart, and the output reproducible.
    with matplotlib.rc_context({'svg.fonttype': 'none', 'svg.hashsalt': salt}):
        figure.savefig(buffer, format='svg', transparent=True, metadata={'Date': None})
    text = buffer.getvalue()
    text = text[text.index('<svg') :].replace(INK, 'currentColor').replace(_GRID, 'var(--line)')
    text = re.sub(r'font-family: [^;"]*', 'font-family: system-ui, sans-serif', text)
    text = re.sub(r'font: ([\d.]+px) [^;"]*', r'font: \1 system-ui, sans-serif', text)
    return re.sub(r'<metadata>.*?</metadata>\s*', '', text, flags=re.DOTALL)
