"""The page that ``perception robustness`` leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from perception_nodes.cli.report_blocks import machine_section
from perception_nodes.robustness.stand import METRIC_WORDS, Robustness, hardest
from perception_nodes.robustness.subject import spoilt
from perception_nodes.structures import Frame
from perception_nodes.visualization.report import (
    Figure,
    Figures,
    Gallery,
    Picture,
    Plot,
    Report,
    Section,
    Table,
    Text,
    picture,
)
from perception_nodes.visualization.robustness_plots import bars_svg, heat_svg

_SHOWN_SEVERITY = 3


def robustness_report(
    results: Sequence[Robustness],
    worst: Mapping[str, Sequence[Picture]],
    shown: tuple[str, Frame],
    record: Mapping[str, Any],
    attacked: Sequence[Section] = (),
) -> Report:
    """
    Return the page.

    :param results: of the models that are compared, at least one.
    :param worst: by the name of the model.
    :param shown: name of a picture, and the picture, which shows the corruptions.
    :param attacked: sections about attacks.
    """
    return Report(
        title='Robustness',
        subtitle=f'{record["task"]}, {record["pictures"]} pictures of {record["data"]}',
        sections=(
            *_corrupted(results, worst, shown, record['left_out']),
            *attacked,
            machine_section(record['machine']),
        ),
        footer=f'perception robustness --data {record["data"]}; suite {record["suite"]}; '
        + '; '.join(f'{run["model"]} sha256 {run["weights_sha256"]}' for run in record['models']),
    )


def _corrupted(
    results: Sequence[Robustness],
    worst: Mapping[str, Sequence[Picture]],
    shown: tuple[str, Frame],
    left_out: Mapping[str, str],
) -> tuple[Section, ...]:
    """Return what corruptions cost; nothing where none was asked for."""
    names = hardest(results[0])
    if not names:
        return ()
    figures = tuple(_headline(item, results[0]) for item in results)
    scores = {item.model: {name: item.mean_of(name) for name in names} for item in results}
    bars = Plot(svg=bars_svg(scores, names, METRIC_WORDS[results[0].metric]))
    missing = tuple(f'Left out: {name}, since {reason}.' for name, reason in left_out.items())
    return (
        Section(
            title='Result',
            blocks=(Figures(items=figures), bars, *([Text(paragraphs=missing)] * bool(missing))),
        ),
        *(_section(item, names) for item in results),
        *(_worst(item, worst[item.model]) for item in results),
        Section(title='The corruptions', blocks=(_gallery(shown, names),)),
    )


def _headline(item: Robustness, first: Robustness) -> Figure:
    """Return what is left of the score, against that of the first model."""
    note = f'{item.clean.score:.3f} clean, {item.score:.3f} over the suite'
    if item is not first:
        clean, worse = item.clean.score - first.clean.score, item.score - first.score
        note += f'; against the first {clean:+.3f} and {worse:+.3f}'
    words = METRIC_WORDS[item.metric]
    return Figure(label=f'{item.model}: {words} left', value=f'{item.ratio:.1%}', note=note)


def _section(item: Robustness, names: Sequence[str]) -> Section:
    """Return the score by corruption and severity, and the means with calibration and latency."""
    severities = list(item.by_corruption[names[0]])
    values = np.array(
        [[item.by_corruption[name][level].score for level in severities] for name in names]
    )
    heat = heat_svg(
        values, names, [str(level) for level in severities],
        best=item.clean.score, salt=f'heat {item.model}',
    )  # fmt: skip
    words = METRIC_WORDS[item.metric]
    caption = f'{words}; the bluest is that of clean pictures, {item.clean.score:.3f}'
    return Section(title=item.model, blocks=(Plot(svg=heat, caption=caption), _means(item, names)))


def _means(item: Robustness, names: Sequence[str]) -> Table:
    clean = item.clean
    rows = (
        ('clean', clean.score, 1.0, clean.calibration_error, round(clean.latency_ms)),
        *(
            (name, item.mean_of(name), item.mean_of(name) / max(clean.score, 1e-9),
             item.mean_of(name, 'calibration_error'), round(item.mean_of(name, 'latency_ms')))
            for name in names
        ),
    )  # fmt: skip
    return Table(
        columns=(
            'corruption',
            METRIC_WORDS[item.metric],
            'of clean',
            'calibration error',
            'latency, ms',
        ),
        rows=rows,
        caption='means over the severities; calibration: ECE, 15 bins; latency: of medians',
    )


def _worst(item: Robustness, worst: Sequence[Picture]) -> Section:
    return Section(title=f'{item.model}: most wrong', blocks=(Gallery(pictures=tuple(worst)),))


def _gallery(shown: tuple[str, Frame], names: Sequence[str]) -> Gallery:
    name, frame = shown
    stem = Path(name).stem
    return Gallery(
        pictures=tuple(
            picture(spoilt(frame, stem, (corruption, _SHOWN_SEVERITY))[0], corruption)
            for corruption in names
        )
    )
