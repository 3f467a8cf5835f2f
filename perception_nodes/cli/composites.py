"""What ``perception synthesize --backgrounds`` prepares: backgrounds and cut-outs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perception_nodes.cli.progress import console, progress_bar, track

if TYPE_CHECKING:
    from perception_nodes.simulation.records import RecordedSet

BackgroundsOption = Annotated[
    list[str] | None,
    typer.Option(
        help='Paste things onto real pictures in place of rendered rooms: a folder, video or bag '
        'that shows nothing of the classes; repeatable.'
    ),
]
CutoutsOption = Annotated[
    Path | None,
    typer.Option(
        help='With --backgrounds: folder of CLASS/*.png, cut out (RGBA); else rendered things.'
    ),
]
TopicOption = Annotated[
    str, typer.Option(help='With --backgrounds: image topic of a bag that has several.')
]


@dataclass(frozen=True, kw_only=True)
class Work:
    """
    A set to be made.

    :param words: of the progress bar.
    :param records: the set, prepared.
    :param make_missing: from a number of processes to how many pictures each piece had.
    :param finish: called at the end; returns the card.
    """

    words: str
    records: RecordedSet
    make_missing: Callable[[int], Iterator[int]]
    finish: Callable[[], dict[str, Any]]


def composites(
    written: Mapping[str, Any],
    config: Mapping[str, Any],
    backgrounds: Sequence[str],
    cutouts: Path | None,
    topic: str,
) -> Work:
    """
    Return the work of pasting, with folder, cut-outs and backgrounds prepared.

    :param written: folder, number of pictures, layers.
    :param config: fields of ``CompositeConfig``, and the assets.
    :raises ValueError: for cut-outs or backgrounds that cannot be used.
    :raises DatasetMismatchError: the folder was made with another configuration.
    """
    from perception_nodes.simulation.composites import job as composing
    from perception_nodes.simulation.composites.backgrounds import gather_backgrounds
    from perception_nodes.simulation.composites.composite import CompositeConfig
    from perception_nodes.simulation.composites.cutouts import find_cutouts, read_cutout

    settings = dict(config)
    assets = settings.pop('assets')
    job = composing.CompositeJob(
        **written, config=CompositeConfig(**settings), addresses=tuple(backgrounds),
        topic=topic, cutouts=cutouts, assets=assets,
    )  # fmt: skip
    if cutouts is not None:
        files = [path for of_class in find_cutouts(cutouts).files for path in of_class]
        for path in track(files, 'Reading cut-outs'):
            read_cutout(path)
    job.records.check()
    with progress_bar('Reading backgrounds', None) as advance:
        count = gather_backgrounds(
            job.addresses, job.backgrounds, job.config.size_wh, topic=topic, advance=advance
        )
    job.records.prepare()
    console.print(f'{count} backgrounds in {job.backgrounds}', highlight=False)
    return Work(
        words='Pasting things',
        records=job.records,
        make_missing=partial(composing.compose_missing, job),
        finish=partial(composing.finish, job),
    )
