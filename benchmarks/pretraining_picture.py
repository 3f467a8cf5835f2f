"""A picture of what pre-training did to the figure that chooses the epoch, and to accuracy."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

_COLOURS = {'ImageNet': 'tab:blue', 'nothing': 'tab:orange'}


def draw(document: Mapping[str, Any], path: Path) -> None:
    """
    Draw the curves of all runs and the accuracies with their deviations.

    :param document: what the benchmark wrote.
    :param path: PNG to write.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 3.6), layout='constrained')
    left, right = figure.subplots(1, 2)
    for run in document['runs']:
        line = [(epoch['epoch'], epoch['view_match']) for epoch in run['epochs']]
        label = f'from {run["begun"]}' if run['seed'] == 0 else None
        left.plot(*zip(*line, strict=True), color=_COLOURS[run['begun']], label=label)
    left.set_title('view_match on held-out crops, every seed')
    left.set_xlabel('epoch')
    left.set_ylim(0, 1)
    left.legend()
    rows = document['summary']
    for offset, crops in ((0.2, '6 crops'), (-0.2, '2 crops')):
        means, deviations = zip(*(row[crops] for row in rows.values()), strict=True)
        places = [place + offset for place in range(len(rows))]
        right.barh(places, means, 0.38, xerr=deviations, label=f'taught from {crops} a class')
    right.set_yticks(range(len(rows)), rows)
    right.set_xlim(0, 1)
    right.set_title('accuracy on signs that were left out')
    right.legend(loc='lower right', fontsize=8)
    for axes in (left, right):
        axes.grid(alpha=0.3)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
