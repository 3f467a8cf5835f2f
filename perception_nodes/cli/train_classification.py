"""``perception train classification``: learn to tell what pictures show."""

from __future__ import annotations

from typing import Annotated

import typer

from perception_nodes.cli.progress import console
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


@with_run_options
def classification(
    recipe: RecipeFile,
    data: Annotated[
        list[str],
        typer.Option(
            help='To learn from: folder:DIR with a folder for every class, of a split '
            'folder:DIR@train, part as folder:DIR[::10]; may be repeated.'
        ),
    ],
    val: Annotated[
        str, typer.Option(help='To choose the epoch and calibrate with; else --cut.')
    ] = '',
    cut: Annotated[
        float,
        typer.Option(
            help='Without --val: part of the tracks of each class cut from --data.',
            min=0.01,
            max=0.9,
        ),
    ] = 0.2,
    tracks: Annotated[
        str,
        typer.Option(
            '--track',
            help='Regular expression; what its first group finds in a file name tells which '
            'pictures show one thing, and are cut together. Empty: each is a thing of its own.',
        ),
    ] = '',
    bundle: BundleFolder = None,
    held_out: HeldOut = '',
    start: Start = None,
    trunk: Trunk = None,
    *,
    options: RunOptions,
) -> None:
    """Train a classifier: checkpoints, the best epoch as a calibrated bundle, its figures."""
    from perception_nodes.cli.evaluate_classification import errors_of
    from perception_nodes.evaluation.picture_folders import joined, open_picture_folders
    from perception_nodes.learning.classifier_bundling import ClassifierBundler
    from perception_nodes.learning.data.classed import cut_by_track
    from perception_nodes.learning.models.imagenet import origin_of
    from perception_nodes.learning.recipe import read_recipe, seeded
    from perception_nodes.learning.recipes.classification import ClassificationRecipe
    from perception_nodes.learning.tasks.classification import ClassificationTask

    run = TrainingRun(
        command='perception train classification',
        recipe=recipe,
        choice=[
            *(word for address in data for word in ('--data', address)),
            *(['--val', val] if val else ['--cut', str(cut), '--track', tracks]),
        ],
        data=', '.join(data),
        held_out=held_out,
        start=start,
        trunk=trunk,
        options=options,
    )
    settings = seeded(read_recipe(recipe, ClassificationRecipe), options.seed)
    training = joined([open_picture_folders(address) for address in data])
    if val:
        validation = open_picture_folders(val)
    else:
        training, validation = cut_by_track(training, tracks, part=cut)
        console.print(
            f'{len(training.pictures)} pictures to learn from, {len(validation.pictures)} to '
            'choose with',
            highlight=False,
        )
    final = open_picture_folders(held_out) if held_out else None
    task = ClassificationTask(settings, training, validation, start, trunk)
    bundler = ClassifierBundler(
        recipe=settings,
        validation=validation,
        held_out=final,
        held_out_words=held_out_words(final.pictures if final else (), held_out),
    )
    run.conclude(task, bundler, bundle, errors_of, features=origin_of(settings.model))
