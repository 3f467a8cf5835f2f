"""``perception nav2``: what in a Nav2 parameter file would silently fail."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from perception_nodes.nav2 import (
    Nav2Finding,
    Parameters,
    Release,
    Severity,
    check_nav2,
    read_parameters,
)

app = typer.Typer(help='Check Nav2 parameter files.')

_STYLES = {
    Severity.ERROR: ('✗', 'bold red'),
    Severity.WARNING: ('!', 'yellow'),
    Severity.INFO: ('i', 'cyan'),
    Severity.NOT_CHECKED: ('?', 'dim'),
}


@app.callback()
def nav2() -> None:
    """Check Nav2 parameter files."""


@app.command()
def check(
    files: Annotated[
        list[Path],
        typer.Argument(
            help='Parameter files of one robot; later ones win, as on the command line of ROS.',
            exists=True,
            dir_okay=False,
            readable=True,
        ),
    ],
    release: Annotated[
        Release, typer.Option(help='Whose Nav2 will read the files.')
    ] = Release.JAZZY,
    as_json: Annotated[bool, typer.Option('--json', help='Print the findings as JSON.')] = False,
    strict: Annotated[bool, typer.Option('--strict', help='Warnings fail too.')] = False,
) -> None:
    """
    Name what in Nav2 parameter files would fail without an error message.

    Exit code 0: nothing found; 1: at least one error (with --strict: or warning); 2: a file that
    ROS could not read either.
    """
    parameters = read_parameters(files)
    findings = [*parameters.findings, *check_nav2(parameters.values, release)]
    if as_json:
        _print_json(findings, parameters)
    else:
        _print_table(findings, parameters)
    raise typer.Exit(1 if _fails(findings, strict) else 0)


def _fails(findings: Sequence[Nav2Finding], strict: bool) -> bool:
    """Tell whether the exit code is 1."""
    bad = {Severity.ERROR, Severity.WARNING} if strict else {Severity.ERROR}
    return any(finding.severity in bad for finding in findings)


def _print_json(findings: Sequence[Nav2Finding], parameters: Parameters) -> None:
    """Print one object to stdout."""
    rows = [{**item.to_dict(), 'line': parameters.line(item.where)} for item in findings]
    report = {'sound': not _fails(findings, strict=False), 'findings': rows}
    typer.echo(json.dumps(report, indent=2, ensure_ascii=False))


def _print_table(findings: Sequence[Nav2Finding], parameters: Parameters) -> None:
    """Print one row a finding and a line that sums up."""
    console = Console(highlight=False)
    if findings:
        console.print(_table(findings, parameters))
    console.print(_verdict(findings))


def _table(findings: Sequence[Nav2Finding], parameters: Parameters) -> Table:
    table = Table('', 'where', 'what happens', 'cure', show_lines=True)
    table.columns[1].overflow = 'fold'
    for finding in findings:
        mark, style = _STYLES[finding.severity]
        place = Text(finding.where, style='bold')
        line = parameters.line(finding.where)
        if line:
            place.append(f'\n{line}', style='not bold dim')
        table.add_row(Text(mark, style=style), place, Text(finding.what), Text(finding.cure))
    return table


def _verdict(findings: Sequence[Nav2Finding]) -> Text:
    """Return how many findings of each severity there are."""
    counts = Counter(finding.severity for finding in findings)
    if not counts:
        return Text('✓ nothing found', style='bold green')
    words = ', '.join(f'{counts[level]} {level.value}' for level in _STYLES if counts[level])
    return Text(words, style='bold red' if counts[Severity.ERROR] else 'bold')
