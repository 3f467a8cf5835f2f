"""What the pages of several tasks show in the same way."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml

from perception_nodes.evaluation.metrics import as_plain
from perception_nodes.evaluation.reliability import ReliabilityBin
from perception_nodes.structures import Frame
from perception_nodes.visualization.mask_plots import reliability_svg
from perception_nodes.visualization.report import (
    Figure,
    Plot,
    Report,
    Section,
    Table,
    Text,
    write_report,
)


def leave(
    report: Report,
    record: Mapping[str, Any],
    out: Path,
    name: str = 'report.json',
    page: str = 'report.html',
) -> Path:
    """
    Write the figures of a command as JSON and its page beside them; return the page.

    :param record: plain data; paths and the like become text, NaN becomes null.
    :param out: folder, made if absent.
    :param name: of the JSON file.
    :param page: of the HTML file.
    """
    values = as_plain(dict(record), None)
    text = json.dumps(values, indent=1, default=str, ensure_ascii=False, allow_nan=False)
    out.mkdir(parents=True, exist_ok=True)
    (out / name).write_text(f'{text}\n', encoding='utf-8')
    return write_report(report, out / page)


def machine_section(machine: Mapping[str, str]) -> Section:
    """Return what the figures were measured on."""
    words = ', '.join(f'{key}: {value}' for key, value in machine.items())
    return Section(title='Machine', blocks=(Text(paragraphs=(words,)),))


def recipe_section(recipe: Mapping[str, Any]) -> Section:
    """Return the settings of a training as they are written in a recipe."""
    text = yaml.safe_dump(json.loads(json.dumps(recipe)), sort_keys=False)
    return Section(title='Recipe', blocks=(Text(paragraphs=tuple(text.splitlines())),))


def thumbnail(frame: Frame, width_px: int) -> Frame:
    """Return a frame no wider than that many pixels."""
    width, height = frame.size_wh
    factor = min(1.0, width_px / width)
    size = max(1, round(width * factor)), max(1, round(height * factor))
    pixels = cv2.resize(frame.pixels, size, interpolation=cv2.INTER_AREA)
    return Frame(pixels=pixels, color_order=frame.color_order)


def card(values: Mapping[str, object]) -> Table:
    """Return what belongs to names, a row each."""
    return Table(
        columns=('', 'value'), rows=tuple((key, str(value)) for key, value in values.items())
    )


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
