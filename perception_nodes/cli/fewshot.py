"""``perception enroll``, and ``perception classify --bank``: classes from a few pictures each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from perception_nodes.cli.progress import console, track
from perception_nodes.cli.sources import Source, find_sources
from perception_nodes.evaluation.picture_folders import track_finder
from perception_nodes.fewshot.bank_file import load_bank, save_bank
from perception_nodes.fewshot.embedding import GradientColorEmbedder, open_embedder
from perception_nodes.fewshot.prototypes import Answer, PrototypeBank, empty_bank
from perception_nodes.fewshot.views import VIEWS, embed_views
from perception_nodes.structures import ColorOrder

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
    if name:
        vectors, groups = _vectors(changed, find_sources(images or []), tracks)
        changed = changed.enrolled(name, vectors, groups)
    if name or remove:
        save_bank(bank, changed)
    _tell(changed, bank)


def classify_by_bank(
    images: list[str], bank: Path, rejected_share: float | None, *, as_json: bool
) -> None:
    """Tell which taught class every picture shows, or that it is unknown."""
    known = load_bank(bank)
    if rejected_share is not None:
        known = known.with_rejected_share(rejected_share)
    sources = find_sources(images)
    found: list[tuple[str, Answer]] = []
    for source in track(sources, 'Classifying'):
        answers = known.classify(_vectors(known, [source])[0])
        found += [(str(source.path), answer) for answer in answers]
    if as_json:
        rows = [{'source': name, **asdict(answer)} for name, answer in found]
        print(json.dumps({'threshold': known.threshold, 'answers': rows}, indent=1))
        return
    table = Table('picture', 'class', 'score', 'nearest')
    for name, answer in found:
        table.add_row(Path(name).name, answer.name, f'{answer.score:.3f}', answer.nearest)
    Console().print(table)
    console.print(f'unknown below {known.threshold:.3f}', highlight=False)


def _new_bank() -> PrototypeBank:
    """Return a bank without classes for the embedder that needs no training."""
    embedder = GradientColorEmbedder()
    length = len(embedder(np.zeros((8, 8, 3), np.uint8)))
    return empty_bank(embedder.name, embedder.settings, (VIEWS, length))


def _vectors(
    bank: PrototypeBank, sources: list[Source], pattern: str = ''
) -> tuple[np.ndarray, list[int]]:
    """Return (N, V, D) float32 of all frames of the sources, and the group of each."""
    embedder = open_embedder(bank.embedder_name, bank.embedder_settings)
    track_of, numbers, groups = track_finder(pattern), dict[str, int](), list[int]()

    def crops() -> Iterator[np.ndarray]:
        for source in sources:
            track = str(source.path) if source.is_video else track_of(source.path)
            for frame in source.frames():
                groups.append(numbers.setdefault(track, len(numbers)))
                yield np.ascontiguousarray(frame.in_order(ColorOrder.RGB))

    return embed_views(embedder, crops()), groups


def _tell(bank: PrototypeBank, path: Path) -> None:
    """Print the classes of a bank."""
    table = Table('class', 'pictures', 'tracks', title=str(path))
    for number, name in enumerate(bank.class_names):
        own = bank.labels == number
        table.add_row(name, str(int(own.sum())), str(len(np.unique(bank.groups[own]))))
    Console().print(table)
    if bank.class_names and not bank.rejects:
        console.print(
            'Every class has one picture or one track: nothing will be unknown', style='yellow'
        )
