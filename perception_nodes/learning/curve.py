"""A picture of how a training run went."""

from __future__ import annotations

import json
from pathlib import Path

LOSSES = ('class', 'box', 'quality')


def read_record(path: Path) -> list[dict[str, float]]:
    """Return the lines of ``metrics.jsonl``, one for each epoch."""
    return [json.loads(line) for line in path.read_text(encoding='utf-8').splitlines() if line]


def draw_curve(record: list[dict[str, float]], path: Path, title: str) -> None:
    """
    Draw loss terms and validation figures over the epochs as PNG.

    :param record: at least one epoch.
    """
    from matplotlib.figure import Figure

    epochs = [line['epoch'] for line in record]
    figure = Figure(figsize=(9, 3.4), layout='constrained')
    left, right = figure.subplots(1, 2)
    for name in LOSSES:
        left.plot(epochs, [line.get(name, float('nan')) for line in record], label=name)
    for name in sorted({key for line in record for key in line if key.startswith('mAP')}):
        values = [line[name] if line.get(name) is not None else float('nan') for line in record]
        right.plot(epochs, values, label=name)
    left.set_title('loss (training crops)')
    right.set_title('average precision (validation)')
    right.set_ylim(0, 1)
    for axes in (left, right):
        axes.set_xlabel('epoch')
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    figure.suptitle(title)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
