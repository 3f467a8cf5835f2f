"""``perception enroll``, and ``perception classify --bank``: classes from a few pictures each."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from perception_nodes.cli.answers_report import AnsweredPictures
from perception_nodes.cli.fewshot_report import bank_record, bank_report
from perception_nodes.cli.progress import console, track
from perception_nodes.cli.report_blocks import leave, thumbnail
from perception_nodes.cli.sources import Source, find_sources
from perception_nodes.evaluation.picture_folders import track_finder
from perception_nodes.fewshot.bank_file import load_bank, save_bank
from perception_nodes.fewshot.embedding import GradientColorEmbedder, open_embedder
from perception_nodes.fewshot.prototypes import PrototypeBank, empty_bank
from perception_nodes.fewshot.views import VIEWS, embed_views
from perception_nodes.structures import ColorOrder, Frame

_SHOWN, _THUMBNAIL_PX = 60, 200  # pictures on the page, and their width

BankOption = Annotated[Path, typer.Option('--bank', help='File with the classes.')]


def enroll(
    bank: BankOption,
    name: Annotated[str, typer.Argument(help='Class; one that is known is renewed.')] = '',
    images: Annotated[
        list[str] | None, typer.Argument(help='Its crops: pictures, folders, patterns.')
    ] = None,
    show: Annotated[bool, typer.Option('--list', help='Show the classes.')] = False,
    remove: Annotated[str, typer.Option(help='Class to forget.')] = '',
    tracks: Annotated[
        str,
        typer.Option(
            '--track',
            help='Regular expression; what its first group finds in a file name tells which '
            'pictures show one thing, and are left out together when the threshold is found. '
            'Empty: each is a thing of its own. Frames of a video always are of one.',
        ),
    ] = '',
) -> None:
    """Teach a class from a few pictures of it, cut out closely; takes seconds."""
    if not (name or show or remove):
        raise ValueError('nothing to do: give NAME and IMAGES, --remove NAME or --list')
    if name and not images:
        raise ValueError(f'no pictures of "{name}"; give some: perception enroll {name} IMAGES')
    changed = load_bank(bank) if bank.exists() or not name else _new_bank()
    if remove:
        changed = changed.without(remove)
    shown: list[Frame] = []
    if name:
        vectors, groups = _vectors(changed, find_sources(images or []), tracks, shown)
        changed = changed.enrolled(name, vectors, groups)
    record = bank_record(changed)
    if name or remove:
        save_bank(bank, changed)
        words = [*([name, *(images or [])] if name else []), '--bank', str(bank)]
        words += ['--remove', remove] if remove else []
        words += ['--track', tracks] if tracks else []
        record |= {
            'bank': str(bank), 'enrolled': name, 'removed': remove,
            'command': shlex.join(['perception', 'enroll', *words]),
        }  # fmt: skip
        files = f'{bank.name}.json', f'{bank.name}.html'
        leave(bank_report(record, shown), record, bank.parent, *files)
    _tell(record, bank)


def classify_by_bank(
    images: list[str],
    bank: Path,
    rejected_share: float | None,
    *,
    out: Path | None,
    command: str,
    as_json: bool,
) -> None:
    """
    Tell which taught class every picture shows, or that it is unknown.

    :param out: folder for page and figures; None writes none.
    :param command: that asks for it, for the page.
    """
    known = load_bank(bank)
    if rejected_share is not None:
        known = known.with_rejected_share(rejected_share)
    sources = find_sources(images)
    rows: list[dict[str, Any]] = []
    answered = AnsweredPictures()
    for source in track(sources, 'Classifying'):
        shown: list[Frame] = []
        answers = known.classify(_vectors(known, [source], shown=shown)[0])
        rows += [{'source': str(source.path), **asdict(answer)} for answer in answers]
        for frame, answer in zip(shown, answers, strict=False):
            answered.add(frame, f'{source.path.name}: {answer.name} {answer.score:.3f}')
    if out is not None:
        record = {'by': str(bank), 'threshold': known.threshold, 'command': command}
        answered.leave(rows, record, out)
    if as_json:
        print(json.dumps({'threshold': known.threshold, 'answers': rows}, indent=1))
        return
    table = Table('picture', 'class', 'score', 'nearest')
    for row in rows:
        name = Path(row['source']).name
        table.add_row(name, row['name'], f'{row["score"]:.3f}', row['nearest'])
    Console().print(table)
    console.print(f'unknown below {known.threshold:.3f}', highlight=False)


def _new_bank() -> PrototypeBank:
    """Return a bank without classes for the embedder that needs no training."""
    embedder = GradientColorEmbedder()
    length = len(embedder(np.zeros((8, 8, 3), np.uint8)))
    return empty_bank(embedder.name, embedder.settings, (VIEWS, length))


def _vectors(
    bank: PrototypeBank,
    sources: list[Source],
    pattern: str = '',
    shown: list[Frame] | None = None,
) -> tuple[np.ndarray, list[int]]:
    """
    Return (N, V, D) float32 of all frames of the sources, and the group of each.

    :param shown: gets the first of them, small.
    """
    embedder = open_embedder(bank.embedder_name, bank.embedder_settings)
    track_of, numbers, groups = track_finder(pattern), dict[str, int](), list[int]()

    def crops() -> Iterator[np.ndarray]:
        for source in sources:
            track = str(source.path) if source.is_video else track_of(source.path)
            for frame in source.frames():
                groups.append(numbers.setdefault(track, len(numbers)))
                if shown is not None and len(shown) < _SHOWN:
                    shown.append(thumbnail(frame, _THUMBNAIL_PX))
                yield np.ascontiguousarray(frame.in_order(ColorOrder.RGB))

    return embed_views(embedder, crops()), groups


def _tell(record: Mapping[str, Any], path: Path) -> None:
    """Print the classes of a bank."""
    table = Table('class', 'pictures', 'tracks', title=str(path))
    for item in record['classes']:
        table.add_row(item['name'], str(item['pictures']), str(item['tracks']))
    Console().print(table)
    if record['classes'] and record['threshold'] is None:
        console.print(
            'Every class has one picture or one track: nothing will be unknown', style='yellow'
        )
