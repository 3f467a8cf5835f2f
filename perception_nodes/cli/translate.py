"""``perception translate``: a labelled set whose pictures look like real ones."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from perception_nodes.cli.evaluation_options import described
from perception_nodes.cli.model_options import (
    DeviceOption,
    ModelOption,
    PrecisionOption,
    ThreadsOption,
)
from perception_nodes.cli.progress import console, track
from perception_nodes.cli.report_blocks import leave, machine_section
from perception_nodes.evaluation.ground_truth import read_picture
from perception_nodes.evaluation.machine import describe_machine
from perception_nodes.evaluation.masked_sets import MaskedSet, open_masked_set
from perception_nodes.learning.data.splits import spread_over
from perception_nodes.visualization.report import (
    Gallery,
    Report,
    Section,
    contact_sheet,
    picture,
)

_SHOWN, _TILE_PX = 8, 480


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
    record = {
        'command': shlex.join(['perception', 'translate', data, '--model', model]), 'data': data,
        **described(translator), 'pictures': count, 'machine': describe_machine(),
    }  # fmt: skip
    translator.close()
    page = leave(_report(record, labelled, out), record, out)
    console.print(f'{count} pictures → masks:{out}; {page}', highlight=False)


def _report(record: Mapping[str, Any], labelled: MaskedSet, out: Path) -> Report:
    """Return the page: some pictures, each beside its translation."""
    pairs = [
        read_picture(path)
        for item in spread_over(labelled.pictures, _SHOWN)
        for path in (item.path, out / 'images' / item.path.name)
    ]
    shown = picture(contact_sheet(pairs, columns=2, tile_width=_TILE_PX), 'before and after')
    return Report(
        title=f'Translation of {record["data"]}',
        subtitle=f'{record["pictures"]} pictures by {record["runs_on"]}; labels as they were',
        sections=(
            Section(title='Some of them', blocks=(Gallery(pictures=(shown,)),)),
            machine_section(record['machine']),
        ),
        footer=f'{record["command"]}; weights sha256 {record["weights_sha256"]}',
    )
