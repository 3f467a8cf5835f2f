"""Plots about what a model costs and what it is worth."""

from __future__ import annotations

from collections.abc import Sequence

from perception_nodes.visualization.plots import axes_row, svg_of


def tradeoff_svg(
    points: Sequence[tuple[str, float, float]],
    *,
    front: Sequence[str],
    chosen: str | None,
    metric: str,
    target_ms: float | None = None,
) -> str:
    """
    Return score over time, with the front of those that nothing beats in both, which are named.

    :param points: (name, latency in ms, score).
    :param front: names of the front.
    :param chosen: name of the one that is taken, if any is.
    :param target_ms: drawn as a line.
    """
    figure, (axes,) = axes_row(1, (6.4, 3.8))
    ordered = sorted(item for item in ((x, y) for name, x, y in points if name in front))
    axes.plot(*zip(*ordered, strict=True), color='0.6', linewidth=1, zorder=1)
    for name, latency_ms, score in points:
        color = '#d62728' if name == chosen else '#1f77b4'
        axes.scatter([latency_ms], [score], color=color, zorder=2)
    named = sorted((x, y, name) for name, x, y in points if name in {*front, chosen})
    for number, (latency_ms, score, name) in enumerate(named):
        below = number % 2  # by turns, since neighbours lie close together
        axes.annotate(
            name, (latency_ms, score), xytext=(5, -12 if below else 5),
            textcoords='offset points', fontsize=8,
        )  # fmt: skip
    if target_ms is not None:
        axes.axvline(target_ms, color='#2ca02c', linestyle='--', linewidth=1)
    axes.margins(0.15)
    axes.set(xlabel='median time of a picture, ms', ylabel=metric)
    return svg_of(figure, 'tradeoff')
