"""``perception synthesize``: render a labelled data set."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn
from rich.table import Table

from perception_nodes.cli.synthesis_report import synthesis_report
from perception_nodes.visualization.report import write_report

ASSETS_HELP = 'Family of assets: train, validation or held_out; they share nothing.'


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
    scenes: Annotated[int, typer.Option(min=1, help='Number of scenes.')] = 100,
    assets: Annotated[str, typer.Option(help=ASSETS_HELP)] = 'train',
    seed: Annotated[int, typer.Option(min=0, help='Seed of everything random.')] = 1,
    size: Annotated[str, typer.Option(help='Picture size, WIDTHxHEIGHT.')] = '640x480',
    workers: Annotated[int, typer.Option(min=1, help='Processes that render.')] = 2,
    masks: Annotated[bool, typer.Option(help='Also write semantic masks.')] = False,
    depth: Annotated[bool, typer.Option(help='Also write depth in millimetres.')] = False,
    on_path: Annotated[
        bool, typer.Option('--on-path', help='Cameras in the lane of a marked path, as robots.')
    ] = False,
    tight: Annotated[
        bool, typer.Option('--tight', help='With --on-path: bends down to 0.45 m radius.')
    ] = False,
    disturbed: Annotated[
        float,
        typer.Option(min=0.0, max=1.0, help='Part in bad light, rain, fog, or with a dirty lens.'),
    ] = 0.0,
    worn: Annotated[
        float,
        typer.Option(
            min=0.0, max=100.0, help='With --on-path: largest share of tape missing, percent.'
        ),
    ] = 0.0,
    paths: Annotated[bool, typer.Option(help='Also write points of the path ahead.')] = False,
) -> None:
    """Render randomised scenes with exact boxes as a COCO data set."""
    from perception_nodes.simulation import synthesis
    from perception_nodes.simulation.randomization import RandomizationConfig

    console = Console()
    size_wh = parse_size(size)
    if tight and not on_path:
        raise typer.BadParameter('--tight tells how the path bends; give --on-path as well')
    if worn and not on_path:
        raise typer.BadParameter('--worn tells what the path lacks; give --on-path as well')
    try:
        if on_path:
            config = RandomizationConfig.on_path(
                assets=assets, seed=seed, size_wh=size_wh, tight=tight, disturbed=disturbed,
                worn_percent=worn,
            )  # fmt: skip
        else:
            config = RandomizationConfig(
                assets=assets, seed=seed, size_wh=size_wh, disturbed=disturbed
            )
        job = synthesis.SynthesisJob(
            folder=out,
            config=config,
            scenes=scenes,
            masks=masks,
            depth=depth,
            paths=paths,
        )
        synthesis.prepare(job)
    except (ValueError, synthesis.DatasetMismatchError) as error:
        raise typer.BadParameter(str(error)) from error
    missing = len(synthesis.missing_scenes(job))
    columns = ('rendering', BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task('rendering', total=scenes, completed=scenes - missing)
        for count in synthesis.render_missing(job, workers):
            progress.advance(task, count)
    card = synthesis.finish(job)
    page = write_report(synthesis_report(card, out), out / 'report.html')
    console.print(_summary(card))
    console.print(f'→ {page}', highlight=False)


def _summary(card: dict) -> Table:
    """Return the card as a table."""
    table = Table(title=f'{card["scenes"]} scenes, {card["assets"]}, seed {card["seed"]}')
    table.add_column('what')
    table.add_column('number', justify='right')
    for name, count in card['objects_per_class'].items():
        table.add_row(name, str(count))
    table.add_row('partly occluded', f'{card["occluded_share"]:.1%}')
    for name, count in card['longer_side_px'].items():
        table.add_row(f'longer side {name} px', str(count))
    table.add_row('marked ignore', str(card['ignored']))
    return table
