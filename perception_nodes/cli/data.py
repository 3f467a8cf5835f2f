"""``perception data``: what is wrong in labelled sets, and frames out of recordings."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from perception_nodes.cli.data_import import import_bag
from perception_nodes.cli.data_report import data_report
from perception_nodes.cli.progress import console, progress_bar
from perception_nodes.cli.report_blocks import leave
from perception_nodes.curation.checking import DataCheck, check_sets
from perception_nodes.curation.finding import CHECKS, DataFinding, Severity
from perception_nodes.curation.reading import read_inventory, splits_of

app = typer.Typer(help='Check labelled data; take frames out of recordings.')
app.command('import-bag')(import_bag)

_STYLES = {Severity.ERROR: ('✗', 'bold red'), Severity.WARNING: ('!', 'yellow')}
_EXAMPLES, _CLASSES = 3, 10


@app.callback()
def data() -> None:
    """Check labelled data; take frames out of recordings."""


@app.command()
def check(
    sets: Annotated[
        list[str],
        typer.Argument(
            metavar='DATA...',
            help='KIND:PLACE[@SPLIT] with coco, voc, yolo, penn_fudan, camvid, masks, folder or '
            'tub; or a path. Without a split, all that are there.',
        ),
    ],
    against: Annotated[
        list[str] | None,
        typer.Option(help='Held-out set: what shows the same is a leak; may be repeated.'),
    ] = None,
    out: Annotated[
        Path | None, typer.Option('--out', '-o', help='Folder for report.html and report.json.')
    ] = None,
) -> None:
    """
    Name what is wrong in labelled sets, and pictures that splits share.

    Exit code 0: no error (there may be warnings); 1: at least one error; 2: a set that cannot be
    read at all.
    """
    wanted = list(dict.fromkeys(item for address in sets for item in splits_of(address)))
    held = [item for address in against or () for item in splits_of(address)]
    with console.status('Reading labels …'):
        inventories = [read_inventory(address) for address in wanted]
        others = [read_inventory(address) for address in held if address not in wanted]
    total = sum(len(item.entries) for item in [*inventories, *others])
    with progress_bar('Looking at pictures', total) as advance:
        result = check_sets(inventories, others, advance)
    _print(result)
    if out is not None:
        options = [word for address in held for word in ('--against', address)]
        command = shlex.join(['perception', 'data', 'check', *sets, *options])
        _write(result, out, command)
    raise typer.Exit(0 if result.sound else 1)


def _write(result: DataCheck, folder: Path, command: str) -> None:
    """Write both reports."""
    page = leave(data_report(result, command), result.to_dict(), folder)
    console.print(f'Report: {page}', highlight=False, markup=False, soft_wrap=True)


def _print(result: DataCheck) -> None:
    """Print what was found, how often classes occur, and a line that sums up."""
    output = Console(highlight=False)
    if result.findings:
        output.print(_findings_table(result))
    for balance in result.balances:
        table = Table('class', balance.unit, '1 to')
        most = max(balance.counts.values(), default=0)
        ranked = sorted(balance.counts.items(), key=lambda item: -item[1])
        for name, count in ranked if len(ranked) <= _CLASSES else ranked[-_CLASSES:]:
            table.add_row(Text(name), str(count), f'{most / count:.1f}' if count else '–')
        output.print(Text(f'Classes of {balance.data}: {balance.hint}', style='bold'))
        output.print(table)
    output.print(_verdict(result))


def _findings_table(result: DataCheck) -> Table:
    table = Table('', 'check', 'data', 'places', 'for example', 'cure', show_lines=True)
    table.columns[2].overflow = table.columns[4].overflow = 'fold'
    for finding in result.findings:
        mark, style = _STYLES[finding.severity]
        cells = (finding.check, finding.data, str(len(finding.places)), _examples(finding))
        cure = CHECKS[finding.check].cure
        table.add_row(Text(mark, style=style), *map(Text, cells), Text(cure))
    return table


def _examples(finding: DataFinding) -> str:
    lines = []
    for place in finding.places[:_EXAMPLES]:
        names = ' = '.join(path.name for path in (place.other, place.path) if path)
        lines.append(f'{names}: {place.words}' if place.words else names)
    return '\n'.join(lines)


def _verdict(result: DataCheck) -> Text:
    total = sum(result.pictures.values())
    words = f'{total} pictures in {result.seconds:.1f} s: '
    if not result.findings:
        return Text(f'✓ {words}nothing found', style='bold green')
    counts = {level: 0 for level in _STYLES}
    for finding in result.findings:
        counts[finding.severity] += len(finding.places)
    words += f'{counts[Severity.ERROR]} error(s), {counts[Severity.WARNING]} warning(s)'
    return Text(words, style='yellow' if result.sound else 'bold red')
