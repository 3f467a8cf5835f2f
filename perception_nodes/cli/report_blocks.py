"""What the pages of several tasks show in the same way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from perception_nodes.evaluation.reliability import ReliabilityBin
from perception_nodes.visualization.mask_plots import reliability_svg
from perception_nodes.visualization.report import Figure, Plot


def calibration_figure(error: float, note: str = '') -> Figure:
    """Return the expected calibration error as a key figure."""
    return Figure(
        label='calibration error', value=f'{error:.3f}', note=f'ECE, 15 bins{note and ", " + note}'
    )


def latency_figures(record: Mapping[str, Any]) -> tuple[Figure, ...]:
    """Return the time of a picture as a key figure; nothing where none was measured."""
    times = record.get('latency_ms')
    if not times:
        return ()
    digits = 1 if times['p50'] < 10 else 0
    p50, p95 = (f'{times[name]:.{digits}f}' for name in ('p50', 'p95'))
    return (Figure(label='latency, ms', value=p50, note=f'median; p95 {p95}'),)


def reliability_plot(bins: Sequence[ReliabilityBin], error: float, things: str) -> Plot:
    """
    Return how often decisions are right over how sure they were.

    :param error: expected calibration error.
    :param things: what is decided about, in the plural.
    """
    return Plot(
        svg=reliability_svg(
            np.array([item.confidence for item in bins]),
            np.array([item.accuracy for item in bins]),
            np.array([item.count for item in bins]),
            error,
            things=things,
        ),
        caption=f'On the dashed line, of {things} with 80 % confidence 80 % are right.',
    )
