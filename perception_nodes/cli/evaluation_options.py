"""What the evaluations of all tasks share: options, and what they say about the model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from perception_nodes.inference.frame_model import FrameModel

RenameOption = Annotated[
    list[str] | None,
    typer.Option(
        '--rename', help='CLASS=LABEL where model and labels use different names; several times.'
    ),
]

OutOption = Annotated[Path, typer.Option('--out', '-o', help='Folder to write.')]
OUT = Path('out/evaluate')


def renames_of(entries: list[str] | None) -> dict[str, str]:
    """
    Return ``{class of the model: class of the labels}``.

    :raises ValueError: naming an entry that does not read CLASS=LABEL.
    """
    pairs = [entry.partition('=') for entry in entries or ()]
    for name, separator, label in pairs:
        if not (name and separator and label):
            raise ValueError(f'rename: {name + separator + label!r} must read CLASS=LABEL')
    return {name: label for name, _, label in pairs}


def described(model: FrameModel) -> dict[str, Any]:
    """Return which weights were measured, and what they ran on."""
    return {
        'model': model.bundle.name,
        'weights_sha256': model.bundle.spec.weights.sha256,
        'runs_on': model.description,
    }


def cell(value: float) -> str:
    """Return a figure, or a dash where there is nothing to divide by."""
    return '–' if np.isnan(value) else f'{value:.3f}'


def latency_of(seconds: Sequence[float]) -> dict[str, float]:
    """Return median and 95th percentile in milliseconds; 0 without pictures."""
    p50, p95 = np.percentile(seconds, [50, 95]) * 1e3 if seconds else (0.0, 0.0)
    return {'p50': round(float(p50), 3), 'p95': round(float(p95), 3)}
