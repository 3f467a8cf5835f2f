"""``perception pseudo-label``: a model labels pictures that nobody has labelled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from perception_nodes.cli.model_options import (
    DeviceOption,
    ModelOption,
    PrecisionOption,
    ThreadsOption,
)
from perception_nodes.cli.progress import console, progress_bar
from perception_nodes.cli.sources import Source, find_sources
from perception_nodes.structures import Frame


def pseudo_label(
    sources: Annotated[list[str], typer.Argument(help='Pictures, folders, videos, patterns.')],
    model: ModelOption,
    out: Annotated[Path, typer.Option('--out', '-o', help='Folder of the set to write.')],
    keep: Annotated[
        float,
        typer.Option(help='Part of the pixels of each class to keep, the surest.', max=1.0),
    ] = 0.7,
    device: DeviceOption = 'auto',
    precision: PrecisionOption = 'fp32',
    threads: ThreadsOption = 0,
) -> None:
    """Let a segmenter label pictures where it is sure; the set opens as masks:OUT."""
    from perception_nodes.learning.pseudo_labels import write_pseudo_labels
    from perception_nodes.segmentation import Segmenter

    found = find_sources(sources)
    segmenter = Segmenter.load(model, device=device, precision=precision, threads=threads)
    console.print(segmenter.description, highlight=False)
    with progress_bar('Labelling', sum(source.frame_count for source in found)) as advance:
        labels = write_pseudo_labels(segmenter, _frames(found, advance), out, keep=keep)
    segmenter.close()
    table = Table(title=f'{labels.pictures} pictures → masks:{out}')
    for heading in ('class', 'confidence from', 'pixels kept'):
        table.add_column(heading, justify='left' if heading == 'class' else 'right')
    for name, lowest, kept in zip(labels.classes, labels.lowest, labels.kept, strict=True):
        table.add_row(name, f'{lowest:.2f}', f'{kept:.0%}' if kept == kept else 'none')
    console.print(table)


def _frames(sources: list[Source], advance: Callable[..., None]) -> Iterator[tuple[str, Frame]]:
    """Yield a name of its own with every frame."""
    taken: set[str] = set()
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
