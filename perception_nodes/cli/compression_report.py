"""The table and the page of ``perception compress``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table as ConsoleTable

from perception_nodes.compression.tradeoff import Candidate, pareto
from perception_nodes.visualization.report import (
    Figure,
    Figures,
    Plot,
    Report,
    Section,
    Table,
    Text,
)
from perception_nodes.visualization.tradeoff_plots import tradeoff_svg


def tell_candidates(candidates: Sequence[Candidate], taken: Candidate | None, metric: str) -> None:
    """Show the table; the figures are results and go to stdout."""
    table = ConsoleTable()
    for heading in _columns(metric):
        table.add_column(heading, justify='left' if heading == 'form' else 'right')
    for name, score, *figures in _rows(candidates):
        style = 'bold' if taken is not None and taken.name == name else ''
        table.add_row(name, f'{score:.4f}', *(f'{value:.2f}' for value in figures), style=style)
    Console().print(table)


def compression_report(
    record: dict[str, Any], candidates: Sequence[Candidate], taken: Candidate | None
) -> Report:
    """
    Return the page.

    :param record: as ``compress.json`` holds it.
    :param taken: None where none is good and fast enough; ``refused`` then says why.
    """
    metric = record['metric']
    plot = tradeoff_svg(
        [(one.name, one.latency_ms, one.score) for one in candidates],
        front=[one.name for one in pareto(candidates)],
        chosen=None if taken is None else taken.name,
        metric=metric,
        target_ms=record['target_latency_ms'],
    )
    result = _result(record, candidates[0], taken)
    table = Table(columns=_columns(metric), rows=tuple(_rows(candidates)))
    machine = ', '.join(f'{key}: {value}' for key, value in record['machine'].items())
    where = f'On {record["device"]}, {record["threads"] or "all"} threads; {machine}'
    return Report(
        title=f'{record["model"]}, compressed',
        subtitle=f'Scored on {record["val"]}; ranges from {record["data"]}.',
        sections=(
            Section(title='Result', blocks=(result, Plot(svg=plot), table)),
            Section(title='Machine', blocks=(Text(paragraphs=(where,)),)),
        ),
    )


def _result(record: dict[str, Any], first: Candidate, taken: Candidate | None) -> Figures | Text:
    """Return what was taken, or why nothing was."""
    if taken is None:
        return Text(paragraphs=(f'Nothing was taken: {record["refused"]}.',))
    metric = record['metric']
    return Figures(
        items=(
            Figure(label='taken', value=taken.name),
            Figure(label=metric, value=f'{taken.score:.3f}', note=f'{first.score:.3f} before'),
            Figure(
                label='median time', value=f'{taken.latency_ms:.1f} ms',
                note=f'{first.latency_ms:.1f} ms before, in the same run',
            ),
        )
    )  # fmt: skip


def _rows(candidates: Sequence[Candidate]) -> list[tuple[Any, ...]]:
    """Return the cells of the table; paces are multiples of the original's."""
    first = candidates[0]
    return [
        (
            one.name, one.score, one.latency_ms, first.latency_ms / one.latency_ms,
            one.network_ms, first.network_ms / one.network_ms, one.size_mb,
        )
        for one in candidates
    ]  # fmt: skip


def _columns(metric: str) -> tuple[str, ...]:
    return ('form', metric, 'ms', 'times as fast', 'network ms', 'times as fast', 'MB')
