"""``perception translate``: a labelled set whose pictures look like real ones."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perception_nodes.cli.model_options import (
    DeviceOption,
    ModelOption,
    PrecisionOption,
    ThreadsOption,
)
from perception_nodes.cli.progress import console, track
from perception_nodes.evaluation.masked_sets import open_masked_set


def translate(
    data: Annotated[str, typer.Argument(help='Labelled set: masks:folder, camvid:folder@train.')],
    model: ModelOption,
    out: Annotated[Path, typer.Option('--out', '-o', help='Folder of the set to write.')],
    device: DeviceOption = 'auto',
    precision: PrecisionOption = 'fp32',
    threads: ThreadsOption = 0,
) -> None:
    """Translate the pictures of a labelled set and keep its labels; opens as masks:OUT."""
    from perception_nodes.learning.translated_sets import write_translated
    from perception_nodes.learning.translator import Translator

    labelled = open_masked_set(data)
    translator = Translator.load(model, device=device, precision=precision, threads=threads)
    console.print(translator.description, highlight=False)
    count = write_translated(translator, labelled, out, address=data, track=track)
    translator.close()
    console.print(f'{count} pictures → masks:{out}', highlight=False)
