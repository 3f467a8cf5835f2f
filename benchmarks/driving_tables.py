"""Figures of closed-loop runs, group by group, for the terminal and for pages in Markdown."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.table import Table

from perception_nodes.simulation.episodes import FaultKind, RunPlan, RunTable, summarize

Rows = dict[str, dict[str, float]]


def _per_cent(value: float) -> str:
    return f'{value:.1%}'.replace('.0%', '%').replace('%', ' %')


def _cm(value: float) -> str:
    return f'{100 * value:.1f} cm'


def _s(value: float) -> str:
    return f'{value:.2f} s'


def _count(value: float) -> str:
    return f'{value:.0f}'


COLUMNS: dict[str, tuple[str, Callable[[float], str]]] = {
    'runs': ('runs', _count),
    'success': ('finished', _per_cent),
    'stopped': ('stopped for good', _per_cent),
    'departed': ('departed', _per_cent),
    'contact': ('contact', _per_cent),
    'lateral_rms_m': ('lateral RMS', _cm),
    'lateral_max_m': ('lateral max', _cm),
    'false_stops_100m': ('false stops / 100 m', '{:.2f}'.format),
    'lap_time_ratio': ('time / nominal', '{:.2f}'.format),
    'zero_command_after_max_s': ('zero command after', _s),
    'at_rest_after_max_s': ('at rest after that', _s),
    'not_stopped': ('not stopped in time', _count),
    'not_recovered': ('not recovered', _count),
    'real_time_factor': ('real-time factor', '{:.2f}'.format),
}
"""Figures by the names of ``summarize``: the heading, and how a value is written."""


def figures(table: RunTable, plans: Sequence[RunPlan]) -> Rows:
    """Return the figures per group of runs, and of all together."""
    groups: dict[str, list[RunPlan]] = {}
    for plan in plans:
        name = f'{plan.course}, {plan.speed_m_s} m/s, {plan.disturbance}'
        name += f', {plan.fault}' if plan.fault != FaultKind.NONE.value else ''
        name += ', nobody steps in' if plan.world.get('figures') is False else ''
        groups.setdefault(name, []).append(plan)
        if plan.disturbance != 'none':
            groups.setdefault(f'all, {plan.disturbance}', []).append(plan)
    found = {name: summarize(table.results(members)) for name, members in groups.items()}
    return {**found, 'all': summarize(table.results(plans))}


def cells(rows: Rows) -> list[list[str]]:
    """Return the headings and the figures as text, one group a line; only figures that exist."""
    used = [name for name in COLUMNS if any(name in row for row in rows.values())]
    lines = [['group', *(COLUMNS[name][0] for name in used)]]
    for group, row in rows.items():
        values = [COLUMNS[name][1](row[name]) if name in row else '' for name in used]
        lines.append([group, *values])
    return lines


def terminal_table(title: str, rows: Rows) -> Table:
    """Return the figures as a table of rich."""
    headings, *lines = cells(rows)
    table = Table(title=title)
    for place, heading in enumerate(headings):
        table.add_column(heading, justify='right' if place else 'left')
    for line in lines:
        table.add_row(*line)
    return table


def markdown(rows: Rows) -> str:
    """Return the figures as a table in Markdown."""
    headings, *lines = cells(rows)
    table = [headings, ['---'] * len(headings), *lines]
    return '\n'.join(f'| {" | ".join(line)} |' for line in table)
