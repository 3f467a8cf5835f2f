"""``perception pretrain``: learn the trunk's features from frames without labels."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perception_nodes.cli.progress import console, progress_bar
from perception_nodes.cli.report_blocks import leave
from perception_nodes.cli.training_run import (
    RecipeFile,
    RunOptions,
    TrainingRun,
    with_run_options,
)
from perception_nodes.evaluation.ground_truth import read_picture
from perception_nodes.evaluation.machine import describe_machine

if TYPE_CHECKING:
    import numpy as np
    from torch import nn

    from perception_nodes.curation.frame_sets import FrameSet
    from perception_nodes.learning.recipes.pretraining import PretrainingRecipe
    from perception_nodes.learning.tasks.pretraining import PretrainingTask

TRUNK, REPORT, NEIGHBOURS = 'trunk.onnx', 'pretraining.json', 'neighbours.jpg'
_ASKED, _NEAREST = 6, 6


@with_run_options
def pretrain(
    recipe: RecipeFile,
    pictures: Annotated[
        list[str],
        typer.Option(
            help='Frames to learn from: a folder (also of folders), a video, a bag; may be '
            'repeated.'
        ),
    ],
    val: Annotated[
        list[str] | None,
        typer.Option(help='Frames that choose the epoch, likewise; else --cut.'),
    ] = None,
    cut: Annotated[
        float,
        typer.Option(
            help='Without --val: part cut from the middle of each source.', min=0.0, max=0.5
        ),
    ] = 0.12,
    gap: Annotated[
        int, typer.Option(help='Frames dropped on each side of what --cut cuts.', min=0)
    ] = 2,
    every: Annotated[int, typer.Option(help='Take every so many frames.', min=1)] = 1,
    topic: Annotated[str, typer.Option(help='Image topic of bags with several.')] = '',
    *,
    options: RunOptions,
) -> None:
    """Learn features from frames without labels; OUT/trunk.onnx is for train --trunk."""
    from perception_nodes.learning.models.imagenet import origin_of
    from perception_nodes.learning.recipe import read_recipe, seeded
    from perception_nodes.learning.recipes.pretraining import PretrainingRecipe
    from perception_nodes.learning.tasks.pretraining import PretrainingTask

    settings = seeded(read_recipe(recipe, PretrainingRecipe), options.seed)
    found = _gathered(pictures, settings, every, topic)
    if val:
        training = list(found.pictures)
        held_out = list(_gathered(val, settings, every, topic).pictures)
        choice = [word for place in val for word in ('--val', place)]
    else:
        training, held_out = _cut(found, cut, gap)
        choice = ['--cut', str(cut), '--gap', str(gap)]
    console.print(
        f'{len(training)} frames to learn from, {len(held_out)} to choose the epoch with; left '
        f'out: {found.same} that show the same as another',
        highlight=False,
    )
    run = TrainingRun(
        command='perception pretrain',
        recipe=recipe,
        choice=[
            *(word for place in pictures for word in ('--pictures', place)),
            *choice,
            *(['--every', str(every)] if every > 1 else []),
            *(['--topic', topic] if topic else []),
        ],
        data=', '.join(pictures),
        options=options,
    )
    task = PretrainingTask(settings, training, held_out)
    before = _view_match_before(task)
    model, provenance = run.learn(task, settings.name, features=origin_of(settings.model))
    figures = _figures(task.validate(model), options.out)
    figures['view_match_before'] = before
    if figures['view_match'] <= before:
        console.print(
            f'no gain on the held-out frames: view_match {before:.3f} before, '
            f'{figures["view_match"]:.3f} after; the trunk that it began from may be better',
            style='yellow',
        )
    document = {
        'frames': len(training), 'held_out_frames': len(held_out), 'same': found.same,
        'figures': figures, 'provenance': dataclasses.asdict(provenance),
    }  # fmt: skip
    _leave(model, settings, training, held_out, options.out, document)


def _gathered(places: list[str], recipe: PretrainingRecipe, every: int, topic: str) -> FrameSet:
    """Return the frames, so large that the smallest view is not enlarged."""
    from perception_nodes.curation.frame_sets import gather_frames

    side_px = math.ceil(min(recipe.input_wh) / math.sqrt(recipe.data.area_min))
    with progress_bar('Reading frames', None) as advance:
        found = gather_frames(places, side_px=side_px, every=every, topic=topic, advance=advance)
    for reason, count in found.skipped.items():
        console.print(f'skipped: {count} frames, {reason}', style='yellow', markup=False)
    return found


def _cut(found: FrameSet, part: float, gap: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return the frames to learn from, and those of the middle of every source."""
    from perception_nodes.learning.data.splits import split_by_time

    split = split_by_time(found.names, part=part, gap=gap)
    return found.part(split.kept), found.part(split.cut)


def _view_match_before(task: PretrainingTask) -> float:
    """Return how well the trunk tells the held-out frames before it has learnt."""
    import torch

    torch.manual_seed(task.seed)
    return round(task.validate(task.build_model())[task.metric], 4)


def _figures(figures: dict[str, float], out: Path) -> dict[str, float]:
    """
    Return the figures of the kept weights, unless the run collapsed then or at its end.

    :raises CollapseError: when it did.
    """
    from perception_nodes.learning.checkpoints import RECORD
    from perception_nodes.learning.curve import read_record
    from perception_nodes.learning.tasks.pretraining import refuse_collapse

    refuse_collapse(figures)
    refuse_collapse(read_record(out / RECORD)[-1])
    return {name: round(value, 4) for name, value in figures.items()}


def _leave(
    model: nn.Module,
    recipe: PretrainingRecipe,
    training: list[np.ndarray],
    held_out: list[np.ndarray],
    out: Path,
    document: dict[str, Any],
) -> None:
    """Write the trunk, the figures, a sheet of nearest neighbours, and the page."""
    from perception_nodes.cli.pretraining_report import pretraining_report
    from perception_nodes.learning.checkpoints import RECORD
    from perception_nodes.learning.curve import read_record
    from perception_nodes.learning.data.splits import spread_over
    from perception_nodes.learning.data.views import whole_frames
    from perception_nodes.learning.recipe import recipe_to_dict
    from perception_nodes.learning.tasks.pretraining import described
    from perception_nodes.learning.trunk_export import write_trunk
    from perception_nodes.visualization.neighbour_sheet import (
        nearest_pictures,
        write_neighbour_sheet,
    )

    asked = spread_over(held_out, _ASKED)
    asked_features, known_features = (
        described(model, whole_frames(frames, recipe), recipe)[0].numpy()
        for frames in (asked, training)
    )
    nearest = nearest_pictures(asked_features, known_features, _NEAREST)
    write_neighbour_sheet(out / NEIGHBOURS, asked, training, nearest)
    differs = write_trunk(model, out / TRUNK, recipe, held_out)
    document = {
        **document, 'onnx_differs_by': differs, 'recipe': recipe_to_dict(recipe),
        'machine': describe_machine(),
    }  # fmt: skip
    page = pretraining_report(document, read_record(out / RECORD), read_picture(out / NEIGHBOURS))
    leave(page, document, out, REPORT)
    words = ', '.join(f'{name} {value:.3f}' for name, value in document['figures'].items())
    console.print(f'{words}; ONNX differs by at most {differs:.1e}', highlight=False)
    console.print(f'→ {out / TRUNK}: perception train … --trunk {out / TRUNK}', highlight=False)
