"""``perception pseudo-label``: a model labels pictures that nobody has labelled."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from perception_nodes.cli.model_options import (
    DeviceOption,
    ModelOption,
    PrecisionOption,
    ThreadsOption,
)
from perception_nodes.cli.opened_model import open_model
from perception_nodes.cli.progress import console, progress_bar, track
from perception_nodes.cli.sources import Source, find_sources
from perception_nodes.detection import Detector
from perception_nodes.inference.frame_model import FrameModel
from perception_nodes.inference.registry import resolve_model
from perception_nodes.segmentation import Segmenter
from perception_nodes.structures import Frame

if TYPE_CHECKING:
    from perception_nodes.learning.pseudo_labels import PseudoLabels

_KEEP, _CONFIDENCE, _DOUBT = 0.7, 0.7, 0.2


def pseudo_label(
    sources: Annotated[list[str], typer.Argument(help='Pictures, folders, videos, patterns.')],
    model: ModelOption,
    out: Annotated[Path, typer.Option('--out', '-o', help='Folder of the set; new or empty.')],
    keep: Annotated[
        float | None,
        typer.Option(help=f'Segmenter: part of the pixels of each class to keep; {_KEEP}.'),
    ] = None,
    confidence: Annotated[
        float | None,
        typer.Option(help=f'Detector: score from which a box is an object; {_CONFIDENCE}.'),
    ] = None,
    doubt: Annotated[
        float | None,
        typer.Option(help=f'Detector: score from which a region is ignored; {_DOUBT}.'),
    ] = None,
    device: DeviceOption = 'auto',
    precision: PrecisionOption = 'fp32',
    threads: ThreadsOption = 0,
) -> None:
    """Let a detector or a segmenter label pictures where it is sure; leaves a set and a page."""
    from perception_nodes.cli.pseudo_label_report import leave_report
    from perception_nodes.learning.pseudo_labels import check_new

    found = find_sources(sources)
    check_new(out)
    opened = open_model(resolve_model(model), device=device, precision=precision, threads=threads)
    console.print(opened.description, highlight=False)
    given = {'--keep': keep, '--confidence': confidence, '--doubt': doubt}
    options = {name: value for name, value in given.items() if value is not None}
    labels = _labelled(opened, found, out, options)
    opened.close()
    words = [word for name, value in options.items() for word in (name, f'{value:g}')]
    command = ['perception', 'pseudo-label', *sources, '--model', model, '--out', str(out), *words]
    page = leave_report(labels, opened.description, out, shlex.join(command))
    console.print(_table(labels, out))
    console.print(f'Report: {page}', highlight=False, markup=False, soft_wrap=True)


def _labelled(
    opened: FrameModel, sources: list[Source], out: Path, options: Mapping[str, float]
) -> PseudoLabels:
    """
    Return what the model wrote.

    :raises ValueError: for options of another kind of model, or a model of another task.
    """
    from perception_nodes.learning.pseudo_boxes import write_pseudo_boxes
    from perception_nodes.learning.pseudo_masks import write_pseudo_masks

    if isinstance(opened, Detector):
        _refuse(options, ('--keep',), 'a detector takes --confidence and --doubt')
        return write_pseudo_boxes(
            opened, _frames(sources), out,
            confidence=options.get('--confidence', _CONFIDENCE),
            doubt=options.get('--doubt', _DOUBT),
        )  # fmt: skip
    if isinstance(opened, Segmenter):
        _refuse(options, ('--confidence', '--doubt'), 'a segmenter takes --keep')
        keep = options.get('--keep', _KEEP)
        return write_pseudo_masks(opened, _frames(sources), out, keep=keep, track=track)
    raise ValueError(
        f'{opened.bundle.name}: a model for {opened.task} writes no boxes or masks; take a '
        'detector or a segmenter'
    )


def _refuse(options: Mapping[str, float], unwanted: tuple[str, ...], cure: str) -> None:
    for name in unwanted:
        if name in options:
            raise ValueError(f'{name} is of another kind of model; {cure}')


def _table(labels: PseudoLabels, out: Path) -> Table:
    address = f'masks:{out}' if labels.unit == 'pixels' else f'coco:{out}/annotations.json'
    table = Table(title=f'{len(labels.names)} pictures → {address}')
    for heading in ('class', 'confidence from', f'{labels.unit} kept', 'of all'):
        table.add_column(heading, justify='left' if heading == 'class' else 'right')
    rows = zip(labels.classes, labels.lowest, labels.kept, labels.kept_share, strict=True)
    for name, lowest, kept, share in rows:
        answered = lowest == lowest
        cells = (f'{lowest:.2f}', str(kept.sum()), f'{share:.0%}') if answered else ('–', '0', '–')
        table.add_row(name, *cells)
    return table


def _frames(sources: list[Source]) -> Iterator[tuple[str, Frame]]:
    """Yield a name of its own with every frame, and show how many are done."""
    taken: set[str] = set()
    with progress_bar('Labelling', sum(source.frame_count for source in sources)) as advance:
        for source in sources:
            for index, frame in enumerate(source.frames()):
                stem = f'{source.path.stem}_{index:06d}' if source.is_video else source.path.stem
                name, number = stem, 1
                while name in taken:
                    number += 1
                    name = f'{stem}_{number}'
                taken.add(name)
                yield name, frame
                advance(1)
