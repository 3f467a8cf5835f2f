"""``perception train``: learn a model from labelled pictures and write its bundle."""

from __future__ import annotations

from typing import Annotated

import typer

from perception_nodes.cli.progress import console
from perception_nodes.cli.train_classification import classification
from perception_nodes.cli.train_translation import translation
from perception_nodes.cli.training_run import (
    BundleFolder,
    HeldOut,
    RecipeFile,
    RunOptions,
    Start,
    TrainingRun,
    Trunk,
    held_out_words,
    with_run_options,
)

app = typer.Typer(help='Train a model and write a bundle.')
app.command()(classification)
app.command()(translation)


@app.callback()
def _train() -> None:
    """Train a model and write a bundle."""


@app.command()
@with_run_options
def detection(
    recipe: RecipeFile,
    data: Annotated[
        str, typer.Option(help='To learn from: coco:annotations.json, voc:folder@split, …')
    ],
    val: Annotated[str, typer.Option(help='To choose the epoch and calibrate with, likewise.')],
    bundle: BundleFolder = None,
    held_out: HeldOut = '',
    start: Start = None,
    trunk: Trunk = None,
    *,
    options: RunOptions,
) -> None:
    """Train a detector: checkpoints, the best epoch as a calibrated bundle, its figures."""
    from perception_nodes.cli.evaluate_detection import errors_of
    from perception_nodes.evaluation.datasets import open_dataset
    from perception_nodes.learning.detector_bundling import DetectorBundler
    from perception_nodes.learning.models.imagenet import origin_of
    from perception_nodes.learning.recipe import read_recipe, seeded
    from perception_nodes.learning.recipes.detection import DetectionRecipe
    from perception_nodes.learning.tasks.detection import DetectionTask

    run = TrainingRun(
        command='perception train detection',
        recipe=recipe,
        choice=['--data', data, '--val', val],
        data=data,
        held_out=held_out,
        start=start,
        trunk=trunk,
        options=options,
    )
    settings = seeded(read_recipe(recipe, DetectionRecipe), options.seed)
    training, validation = open_dataset(data), open_dataset(val)
    final = open_dataset(held_out) if held_out else None
    task = DetectionTask(settings, training, validation, start, trunk)
    bundler = DetectorBundler(
        recipe=settings,
        validation=validation,
        held_out=final,
        held_out_words=held_out_words(final.images if final else (), held_out),
    )
    run.conclude(task, bundler, bundle, errors_of, features=origin_of(settings.model))


@app.command()
@with_run_options
def segmentation(
    recipe: RecipeFile,
    data: Annotated[
        list[str],
        typer.Option(
            help='To learn from: camvid:folder@split, masks:folder, part as masks:folder[::10]; '
            'may be repeated.'
        ),
    ],
    val: Annotated[
        str, typer.Option(help='To choose the epoch and calibrate with; else --cut.')
    ] = '',
    cut: Annotated[
        float,
        typer.Option(
            help='Without --val: part cut from the middle of each recording in --data.',
            min=0.0,
            max=0.5,
        ),
    ] = 0.12,
    gap: Annotated[
        int, typer.Option(help='Pictures dropped on each side of what --cut cuts.', min=0)
    ] = 2,
    bundle: BundleFolder = None,
    held_out: HeldOut = '',
    start: Start = None,
    trunk: Trunk = None,
    *,
    options: RunOptions,
) -> None:
    """Train a segmenter: checkpoints, the best epoch as a calibrated bundle, its figures."""
    from perception_nodes.cli.evaluate_segmentation import errors_of
    from perception_nodes.evaluation.masked_sets import joined, open_masked_set
    from perception_nodes.learning.data.masks import cut_by_time
    from perception_nodes.learning.models.imagenet import origin_of
    from perception_nodes.learning.recipe import read_recipe, seeded
    from perception_nodes.learning.recipes.segmentation import SegmentationRecipe
    from perception_nodes.learning.segmenter_bundling import SegmenterBundler
    from perception_nodes.learning.tasks.segmentation import SegmentationTask

    run = TrainingRun(
        command='perception train segmentation',
        recipe=recipe,
        choice=[
            *(word for address in data for word in ('--data', address)),
            *(['--val', val] if val else ['--cut', str(cut), '--gap', str(gap)]),
        ],
        data=', '.join(data),
        held_out=held_out,
        start=start,
        trunk=trunk,
        options=options,
    )
    settings = seeded(read_recipe(recipe, SegmentationRecipe), options.seed)
    training = joined([open_masked_set(address) for address in data])
    if val:
        validation = open_masked_set(val)
    else:
        training, validation = cut_by_time(training, part=cut, gap=gap)
    final = open_masked_set(held_out) if held_out else None
    task = SegmentationTask(settings, training, validation, start, trunk)
    bundler = SegmenterBundler(
        recipe=settings,
        validation=validation,
        held_out=final,
        held_out_words=held_out_words(final.pictures if final else (), held_out),
    )
    run.conclude(task, bundler, bundle, errors_of, features=origin_of(settings.model))


@app.command()
@with_run_options
def path(
    recipe: RecipeFile,
    data: Annotated[
        str, typer.Option(help='To learn from: paths:folder, or tub:folder@first:last.')
    ],
    val: Annotated[str, typer.Option(help='To choose the epoch and scale deviations, likewise.')],
    bundle: BundleFolder = None,
    held_out: HeldOut = '',
    start: Start = None,
    trunk: Trunk = None,
    *,
    options: RunOptions,
) -> None:
    """Train a network that names points of the path: checkpoints, the best epoch as a bundle."""
    from perception_nodes.cli.path_errors import errors_of
    from perception_nodes.learning.data.path_sets import open_path_set
    from perception_nodes.learning.models.imagenet import origin_of
    from perception_nodes.learning.path_bundling import PathBundler
    from perception_nodes.learning.recipe import read_recipe, seeded
    from perception_nodes.learning.recipes.path import PathRecipe
    from perception_nodes.learning.tasks.path import PathTask

    run = TrainingRun(
        command='perception train path',
        recipe=recipe,
        choice=['--data', data, '--val', val],
        data=data,
        held_out=held_out,
        start=start,
        trunk=trunk,
        options=options,
    )
    settings = seeded(read_recipe(recipe, PathRecipe), options.seed)
    lock = settings.data.steering_curvature_1_m
    training, validation = open_path_set(data, lock), open_path_set(val, lock)
    final = open_path_set(held_out, lock) if held_out else None
    for name, count in training.skipped.items():
        console.print(f'left out: {count} records, {name}', style='yellow', markup=False)
    task = PathTask(settings, training, validation, start, trunk)
    bundler = PathBundler(
        recipe=settings,
        training=training,
        validation=validation,
        held_out=final,
        held_out_words=held_out_words(final.pictures if final else (), held_out),
    )
    run.conclude(task, bundler, bundle, errors_of, features=origin_of(settings.model))


if __name__ == '__main__':
    app()
