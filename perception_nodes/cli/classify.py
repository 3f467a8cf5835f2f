"""``perception classify``: what pictures show, by a trained model or by a bank of classes."""

from __future__ import annotations

import functools
import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from perception_nodes.classification import ClassificationConfig, Classifier
from perception_nodes.cli.answers_report import AnsweredPictures
from perception_nodes.cli.evaluation_options import described
from perception_nodes.cli.fewshot import classify_by_bank
from perception_nodes.cli.looking import look_at_all
from perception_nodes.cli.model_options import DeviceOption, PrecisionOption, ThreadsOption
from perception_nodes.cli.opened_model import draw_classes, in_words, named
from perception_nodes.cli.progress import console
from perception_nodes.cli.sources import find_sources
from perception_nodes.structures import Frame


def classify(
    images: Annotated[list[str], typer.Argument(help='Crops: pictures, folders, videos.')],
    bank: Annotated[
        Path | None, typer.Option('--bank', help='File with taught classes (perception enroll).')
    ] = None,
    model: Annotated[
        str, typer.Option('--model', '-m', help='Folder, URI or name of a trained classifier.')
    ] = '',
    rejected_share: Annotated[
        float | None,
        typer.Option(
            help='Of a bank: part of the known that may be called unknown, 0 to below 1; else the '
            'bank’s.'
        ),
    ] = None,
    min_confidence: Annotated[
        float,
        typer.Option(
            min=0.0, max=1.0, help='Of a model: probability below which a picture is unknown.'
        ),
    ] = 0.0,
    most: Annotated[
        int, typer.Option(min=1, help='Of a model: classes shown of each picture.')
    ] = 3,
    overlays: Annotated[
        Path | None, typer.Option(help='Of a model: folder for copies with the class on them.')
    ] = None,
    out: Annotated[
        Path | None, typer.Option('--out', '-o', help='Folder for report.html and report.json.')
    ] = None,
    as_json: Annotated[bool, typer.Option('--json', help='JSON on stdout.')] = False,
    device: DeviceOption = 'auto',
    precision: PrecisionOption = 'fp32',
    threads: ThreadsOption = 0,
) -> None:
    """Tell what every picture shows, or that it is unknown."""
    if (bank is None) == (not model):
        raise ValueError(
            'give either --model, a trained classifier, or --bank, classes taught by perception '
            'enroll'
        )
    if bank is not None:
        words = ['--rejected-share', str(rejected_share)] if rejected_share is not None else []
        command = _command(images, '--bank', str(bank), *words)
        classify_by_bank(images, bank, rejected_share, out=out, command=command, as_json=as_json)
        return
    classifier = Classifier.load(model, device=device, precision=precision, threads=threads)
    console.print(classifier.description, highlight=False)
    config, rows = ClassificationConfig(min_confidence=min_confidence), []
    names, answered = classifier.class_names, AnsweredPictures()

    def look(frame: Frame, name: str) -> tuple[Callable[[], np.ndarray], str]:
        found = classifier(frame, config)
        shown = zip(found.class_ids[:most].tolist(), found.probabilities[:most], strict=True)
        rows.append(
            {
                'source': name,
                'name': named(found.class_id, names),
                'confidence': round(found.confidence, 4),
                'classes': {names[number]: round(float(share), 4) for number, share in shown},
            }
        )
        answered.add(frame, f'{Path(name).name}: {in_words(found, names)}')
        draw = functools.partial(
            draw_classes, frame.pixels, found, names, color_order=frame.color_order
        )
        return draw, in_words(found, names)

    failed = look_at_all(find_sources(images), 'Classifying', look, overlays)
    classifier.close()
    if out is not None:
        command = _command(images, '--model', model, '--min-confidence', str(min_confidence))
        record = {'by': model, 'min_confidence': min_confidence, 'command': command}
        answered.leave(rows, {**described(classifier), **record}, out)
    _tell(rows, min_confidence, as_json=as_json)
    if failed:
        raise typer.Exit(code=1)


def _command(images: list[str], *words: str) -> str:
    return shlex.join(['perception', 'classify', *images, *words])


def _tell(rows: list[dict[str, Any]], min_confidence: float, *, as_json: bool) -> None:
    """Print the answers; they are results and go to stdout."""
    if as_json:
        print(json.dumps({'min_confidence': min_confidence, 'answers': rows}, indent=1))
        return
    table = Table('picture', 'class', 'most probable')
    for row in rows:
        shown = ', '.join(f'{name} {share:.3f}' for name, share in row['classes'].items())
        table.add_row(Path(row['source']).name, row['name'], shown)
    Console().print(table)
