"""``perception train translation``: learn to make synthetic pictures look like real frames."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from perception_nodes.cli.progress import console, progress_bar, track
from perception_nodes.cli.sources import Source, find_sources
from perception_nodes.cli.training_run import (
    BundleFolder,
    RecipeFile,
    RunOptions,
    TrainingRun,
    with_run_options,
)
from perception_nodes.structures import Frame

if TYPE_CHECKING:
    from perception_nodes.evaluation.masked_sets import MaskedSet
    from perception_nodes.learning.recipes.translation import TranslationRecipe
    from perception_nodes.learning.translation_figures import TranslationFigures
    from perception_nodes.learning.translator import Translator

_GAP = 5  # frames of a drive dropped on each side of what is measured with
_PROBES = 8


@with_run_options
def translation(
    recipe: RecipeFile,
    synthetic: Annotated[
        str,
        typer.Option(help='Labelled pictures to be changed: masks:folder, masks:folder[::10].'),
    ],
    real: Annotated[
        list[str],
        typer.Option(
            help='What they are to look like: pictures, folders, videos, patterns; no labels '
            'needed; may be repeated.'
        ),
    ],
    cut: Annotated[
        float,
        typer.Option(
            help='Part of both sides, from the middle, that is measured with and not learnt.',
            min=0.05,
            max=0.5,
        ),
    ] = 0.3,
    bundle: BundleFolder = None,
    *,
    options: RunOptions,
) -> None:
    """Train a translator of pictures: checkpoints, the best epoch as a bundle, what it keeps."""
    from perception_nodes.cli.translation_report import leave_translation_report
    from perception_nodes.evaluation.masked_sets import open_masked_set
    from perception_nodes.learning.data.splits import spread_over
    from perception_nodes.learning.data.translation import cut_middle, fitted_file
    from perception_nodes.learning.recipe import read_recipe, seeded
    from perception_nodes.learning.recipes.translation import TranslationRecipe
    from perception_nodes.learning.tasks.translation import TranslationTask
    from perception_nodes.learning.translator_bundling import write_translator

    reals = [word for source in real for word in ('--real', source)]
    run = TrainingRun(
        command='perception train translation',
        recipe=recipe,
        choice=['--synthetic', synthetic, *reals, '--cut', str(cut)],
        data=f'{synthetic}, towards {", ".join(real)}',
        options=options,
    )
    target = run.bundle_folder(bundle)
    settings = seeded(read_recipe(recipe, TranslationRecipe), options.seed)
    labelled = open_masked_set(synthetic)
    pictures = cut_middle(labelled.pictures, part=cut, gap=0, what='synthetic pictures')
    frames = cut_middle(_frames(real, settings), part=cut, gap=_GAP, what='real frames')
    learnt, measured = ([picture.path for picture in part] for part in pictures)
    task = TranslationTask(settings, (learnt, measured), frames)
    model, provenance = run.learn(task, settings.name, features='random')
    most = settings.schedule.validation_images
    chosen = replace(labelled, pictures=tuple(spread_over(pictures[1], most)))
    shown = spread_over(frames[0], most), spread_over(frames[1], most)
    report = write_translator(
        model,
        settings,
        provenance,
        target,
        probes=[fitted_file(path, settings.input_wh) for path in spread_over(measured, _PROBES)],
        measure=lambda opened: _figures(opened, chosen, shown, settings, options.thread_count),
        words=f'{len(chosen.pictures)} pictures of {synthetic}, {len(shown[1])} real frames, '
        'neither learnt',
        threads=options.thread_count,
    )
    page = leave_translation_report(report, settings, chosen, shown[1], options.out)
    _tell(report.figures, str(report.bundle.path), page)


def _frames(real: Sequence[str], settings: TranslationRecipe) -> list[np.ndarray]:
    """Return the real frames in the size of the recipe."""
    from perception_nodes.learning.data.translation import frames_kept

    found = find_sources(real)
    with progress_bar('Reading real frames', sum(item.frame_count for item in found)) as advance:

        def frames(sources: Sequence[Source]) -> Iterator[Frame]:
            for source in sources:
                for frame in source.frames():
                    yield frame
                    advance(1)

        return frames_kept(frames(found), settings.input_wh, settings.data.real_pictures)


def _figures(
    opened: Translator,
    labelled: MaskedSet,
    frames: tuple[Sequence[np.ndarray], Sequence[np.ndarray]],
    settings: TranslationRecipe,
    threads: int,
) -> TranslationFigures:
    """Measure the bundle, also by the segmenter that the recipe names."""
    from perception_nodes.learning.translation_figures import translation_figures
    from perception_nodes.segmentation import Segmenter

    segmenter = None
    if settings.keeper.is_on:
        segmenter = Segmenter.load(settings.keeper.bundle, device='cpu', threads=threads)
    figures = translation_figures(opened, labelled, frames, segmenter, track)
    if segmenter is not None:
        segmenter.close()
    return figures


def _tell(figures: TranslationFigures, bundle: str, page: Path) -> None:
    """Say what was written and measured."""
    console.print(f'bundle: {bundle}', highlight=False)
    for stride, item in figures.distances.items():
        console.print(
            f'Fréchet distance at stride {stride}: {item.before:.1f} → {item.after:.1f} '
            f'(other real frames: {item.real:.1f})',
            highlight=False,
        )
    console.print(f'edges kept {figures.edges:.3f}, spread {figures.spread:.2f}', highlight=False)
    check = figures.labels
    if check is not None:
        console.print(
            f'{check.segmenter}: {check.same:.1%} of the pixels as before; mIoU against the '
            f'labels {check.mean_iou_before:.3f} → {check.mean_iou_after:.3f}',
            highlight=False,
        )
    if figures.is_collapsed:
        console.print(
            'the translated pictures look all the same: raise loss, content or pixels',
            style='yellow',
        )
    console.print(f'→ {page}', highlight=False)
