"""``perception synthesize``: a labelled data set of rendered scenes, or of composites."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from perception_nodes.cli.composites import (
    BackgroundsOption,
    CutoutsOption,
    TopicOption,
    Work,
    composites,
)
from perception_nodes.cli.progress import console, progress_bar
from perception_nodes.cli.synthesis_report import synthesis_report
from perception_nodes.visualization.report import write_report

ASSETS_HELP = 'Family of assets: train, validation or held_out; they share nothing.'
DisturbedOption = Annotated[
    float,
    typer.Option(min=0.0, max=1.0, help='Part in bad light, rain, fog, or with a dirty lens.'),
]
WornOption = Annotated[
    float,
    typer.Option(
        min=0.0, max=100.0, help='With --on-path: largest share of tape missing, percent.'
    ),
]


def parse_size(text: str) -> tuple[int, int]:
    """
    Return (width, height) of a text such as ``640x480``.

    :raises typer.BadParameter: anything else.
    """
    parts = text.lower().split('x')
    if len(parts) != 2 or not all(part.isdigit() and int(part) >= 32 for part in parts):
        raise typer.BadParameter(f'{text!r} is not a size; write WIDTHxHEIGHT, such as 640x480')
    return int(parts[0]), int(parts[1])


def synthesize(
    out: Annotated[Path, typer.Argument(help='Folder of the data set; continued if it exists.')],
    scenes: Annotated[int, typer.Option(min=1, help='Number of pictures.')] = 100,
    assets: Annotated[str, typer.Option(help=ASSETS_HELP)] = 'train',
    seed: Annotated[int, typer.Option(min=0, help='Seed of everything random.')] = 1,
    size: Annotated[str, typer.Option(help='Picture size, WIDTHxHEIGHT.')] = '640x480',
    workers: Annotated[int, typer.Option(min=1, help='Processes that work side by side.')] = 2,
    masks: Annotated[bool, typer.Option(help='Also write semantic masks.')] = False,
    depth: Annotated[bool, typer.Option(help='Also write depth in millimetres.')] = False,
    on_path: Annotated[
        bool, typer.Option('--on-path', help='Cameras in the lane of a marked path, as robots.')
    ] = False,
    tight: Annotated[
        bool, typer.Option('--tight', help='With --on-path: bends down to 0.45 m radius.')
    ] = False,
    disturbed: DisturbedOption = 0.0,
    worn: WornOption = 0.0,
    paths: Annotated[bool, typer.Option(help='Also write points of the path ahead.')] = False,
    backgrounds: BackgroundsOption = None,
    cutouts: CutoutsOption = None,
    topic: TopicOption = '',
) -> None:
    """Render randomised scenes, or paste things onto real pictures, with exact boxes (COCO)."""
    from perception_nodes.simulation.records import DatasetMismatchError

    shared = {'assets': assets, 'seed': seed, 'size_wh': parse_size(size), 'disturbed': disturbed}
    written = {'folder': out, 'scenes': scenes, 'masks': masks}
    try:
        if backgrounds:
            others = {'--depth': depth, '--on-path': on_path, '--tight': tight, '--worn': worn}
            _refuse({**others, '--paths': paths}, 'is of rendered rooms; leave out --backgrounds')
            work = composites(written, shared, backgrounds, cutouts, topic)
        else:
            _refuse({'--cutouts': cutouts, '--topic': topic}, 'needs --backgrounds as well')
            if not on_path:
                _refuse({'--tight': tight, '--worn': worn}, 'is of a path; give --on-path as well')
            shared |= {'tight': tight, 'worn_percent': worn} if on_path else {}
            work = _scenes({**written, 'depth': depth, 'paths': paths}, shared, on_path)
    except (ValueError, DatasetMismatchError) as error:
        raise typer.BadParameter(str(error)) from error
    with progress_bar(work.words, scenes) as advance:
        advance(scenes - len(work.records.missing(scenes)))
        for count in work.make_missing(workers):
            advance(count)
    about = work.finish()
    Console().print(_summary(about))
    page = write_report(synthesis_report(about, out), out / 'report.html')
    console.print(f'→ {page}', highlight=False)


def _scenes(written: Mapping[str, Any], config: Mapping[str, Any], on_path: bool) -> Work:
    """Return the work of rendering, with its folder prepared."""
    from perception_nodes.simulation import synthesis
    from perception_nodes.simulation.randomization import RandomizationConfig

    kind = RandomizationConfig.on_path if on_path else RandomizationConfig
    job = synthesis.SynthesisJob(**written, config=kind(**config))
    job.records.prepare()
    return Work(
        words='Rendering scenes',
        records=job.records,
        make_missing=partial(synthesis.render_missing, job),
        finish=partial(synthesis.finish, job),
    )


def _refuse(options: Mapping[str, Any], why: str) -> None:
    """
    Refuse options that would do nothing.

    :raises typer.BadParameter: naming the first that is given.
    """
    for name, value in options.items():
        if value:
            raise typer.BadParameter(f'{name} {why}')


def _summary(card: dict) -> Table:
    """Return the card as a table."""
    table = Table(title=f'{card["scenes"]} pictures, {card["assets"]}, seed {card["seed"]}')
    table.add_column('what')
    table.add_column('number', justify='right')
    for name, count in card['objects_per_class'].items():
        table.add_row(name, str(count))
    table.add_row('partly occluded', f'{card["occluded_share"]:.1%}')
    for name, count in card['longer_side_px'].items():
        table.add_row(f'longer side {name} px', str(count))
    table.add_row('marked ignore', str(card['ignored']))
    return table
