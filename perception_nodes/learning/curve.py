"""A picture of how a training run went."""

from __future__ import annotations

import json
from pathlib import Path

LOSSES = (
    'class', 'box', 'quality', 'cross_entropy', 'lovasz', 'points', 'visible',
    'invariance', 'variance', 'covariance',
    'adversarial', 'content', 'pixels', 'labels', 'critic_real', 'critic_translated',
)  # fmt: skip
FIGURES = (
    'mAP', 'mIoU', 'IoU', 'closeness', 'inside', 'seen', 'top', 'mean_recall', 'view_match',
    'spread', 'likeness', 'edges', 'kept',
)  # fmt: skip


def read_record(path: Path) -> list[dict[str, float]]:
    """Return the lines of ``metrics.jsonl``, one for each epoch."""
    return [json.loads(line) for line in path.read_text(encoding='utf-8').splitlines() if line]


def draw_curve(record: list[dict[str, float]], path: Path, title: str) -> None:
    """
    Draw loss terms and validation figures over the epochs as PNG.

    :param record: at least one epoch.
    """
    from matplotlib.figure import Figure

    names = sorted({name for line in record for name in line})
    figure = Figure(figsize=(11, 4), layout='constrained')
    left, right = figure.subplots(1, 2)
    for name in names:
        # Not every epoch is validated: a line goes from one known value to the next.
        known = [(line['epoch'], line[name]) for line in record if line.get(name) is not None]
        if name in LOSSES:
            left.plot(*zip(*known, strict=True), label=name)
        elif name.startswith(FIGURES):
            width = 1.0 if name.startswith('IoU') else 2.5  # one class beside the mean
            right.plot(*zip(*known, strict=True), label=name, linewidth=width)
    left.set_title('loss (training crops)')
    right.set_title('validation')
    right.set_ylim(0, 1)
    for axes in (left, right):
        axes.set_xlabel('epoch')
        axes.grid(alpha=0.3)
        axes.legend(fontsize=7, loc='center left', bbox_to_anchor=(1, 0.5))
    figure.suptitle(title)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
