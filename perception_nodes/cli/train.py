"""``perception train``: learn a model from labelled pictures and write its bundle."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perception_nodes.cli.progress import console, progress_bar, track

if TYPE_CHECKING:
    from torch import nn

    from perception_nodes.inference.bundle_sections import Provenance
    from perception_nodes.learning.bundling import BundleReport
    from perception_nodes.learning.loop import Progress, Task, Trainer

app = typer.Typer(help='Train a model and write a bundle.')

_TICKS = 1000  # steps of the progress bar

RecipeFile = Annotated[Path, typer.Option(help='YAML file of the training run.', exists=True)]
OutFolder = Annotated[Path, typer.Option(help='Folder of checkpoints, record and curve.')]
BundleFolder = Annotated[Path | None, typer.Option(help='Folder of the bundle; else OUT/bundle.')]
HeldOut = Annotated[
    str, typer.Option(help='Measured once, at the end, for model.yaml; like --data.')
]
Licence = Annotated[str, typer.Option(help='Licence of the weights.')]
Start = Annotated[
    Path | None,
    typer.Option(help='ONNX file of an earlier network of the recipe to go on from.', exists=True),
]
Resume = Annotated[bool, typer.Option('--resume', help='Go on from the checkpoint.')]
Threads = Annotated[int, typer.Option(help='CPU threads; 0: all.', min=0)]
TimeLimit = Annotated[
    float, typer.Option(help='End within this time, minutes; 0: no limit.', min=0.0)
]


@app.callback()
def _train() -> None:
    """Train a model and write a bundle."""


@dataclass(frozen=True, kw_only=True)
class _Run:
    """
    What every training command is told.

    :param words: the command without what does not change the result.
    """

    words: list[str]
    data: str
    out: Path
    licence: str
    start: Path | None = None
    resume: bool
    threads: int
    time_limit_min: float

    def learn(self, task: Task, name: str, *, pretrained: bool) -> tuple[nn.Module, Provenance]:
        """Train with a progress bar; return the best network and where it comes from."""
        import torch

        from perception_nodes.learning.bundling import provenance_of
        from perception_nodes.learning.energy import available_meter
        from perception_nodes.learning.loop import Trainer

        # Each thread of the training works alone; helpers of single operations would only spin.
        torch.set_num_threads(1)
        trainer = Trainer(
            task,
            self.out,
            resume=self.resume,
            time_limit_s=self.time_limit_min * 60 or None,
            threads=self.threads,
            meter=available_meter(),
        )
        best = _trained(trainer, name)
        model = task.build_model()
        model.load_state_dict(torch.load(best, map_location='cpu', weights_only=True))
        begun = ['--start', str(self.start)] if self.start else []
        provenance = provenance_of(
            shlex.join(['perception', 'train', *self.words, *begun]),
            self.data,
            self.licence,
            trainer.history(),
            pretrained=pretrained,
            start=self.start,
        )
        return model, provenance


@app.command()
def detection(
    recipe: RecipeFile,
    data: Annotated[
        str, typer.Option(help='To learn from: coco:annotations.json, voc:folder@split, …')
    ],
    val: Annotated[str, typer.Option(help='To choose the epoch and calibrate with, likewise.')],
    out: OutFolder,
    bundle: BundleFolder = None,
    held_out: HeldOut = '',
    licence: Licence = 'unknown',
    start: Start = None,
    resume: Resume = False,
    threads: Threads = 0,
    time_limit_min: TimeLimit = 0.0,
) -> None:
    """Train a detector: checkpoints, the best epoch as a calibrated bundle, its figures."""
    from perception_nodes.evaluation.datasets import open_dataset
    from perception_nodes.learning.detector_bundling import DetectorBundler
    from perception_nodes.learning.recipe import read_recipe
    from perception_nodes.learning.recipes.detection import DetectionRecipe
    from perception_nodes.learning.tasks.detection import DetectionTask

    run = _Run(
        words=['detection', '--recipe', str(recipe), '--data', data, '--val', val],
        data=data,
        out=out,
        licence=licence,
        start=start,
        resume=resume,
        threads=threads or os.cpu_count() or 1,
        time_limit_min=time_limit_min,
    )
    settings = read_recipe(recipe, DetectionRecipe)
    training, validation = open_dataset(data), open_dataset(val)
    final = open_dataset(held_out) if held_out else None
    task = DetectionTask(settings, training, validation, start)
    model, provenance = run.learn(task, settings.name, pretrained=settings.model.pretrained)
    report = DetectorBundler(
        recipe=settings,
        validation=validation,
        held_out=final,
        held_out_words=f'{len(final.images)} held-out pictures, {held_out}' if final else '',
        provenance=provenance,
        threads=run.threads,
        track=track,
    ).write(model, bundle or out / 'bundle')
    _print(report)


@app.command()
def segmentation(
    recipe: RecipeFile,
    data: Annotated[
        list[str],
        typer.Option(help='To learn from: camvid:folder@split, masks:folder; may be repeated.'),
    ],
    out: OutFolder,
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
    licence: Licence = 'unknown',
    start: Start = None,
    resume: Resume = False,
    threads: Threads = 0,
    time_limit_min: TimeLimit = 0.0,
) -> None:
    """Train a segmenter: checkpoints, the best epoch as a calibrated bundle, its figures."""
    from perception_nodes.evaluation.masked_sets import joined, open_masked_set
    from perception_nodes.learning.data.masks import cut_by_time
    from perception_nodes.learning.recipe import read_recipe
    from perception_nodes.learning.recipes.segmentation import SegmentationRecipe
    from perception_nodes.learning.segmenter_bundling import SegmenterBundler
    from perception_nodes.learning.tasks.segmentation import SegmentationTask

    choice = ['--val', val] if val else ['--cut', str(cut), '--gap', str(gap)]
    run = _Run(
        words=[
            'segmentation',
            '--recipe',
            str(recipe),
            *(word for address in data for word in ('--data', address)),
            *choice,
        ],
        data=', '.join(data),
        out=out,
        licence=licence,
        start=start,
        resume=resume,
        threads=threads or os.cpu_count() or 1,
        time_limit_min=time_limit_min,
    )
    settings = read_recipe(recipe, SegmentationRecipe)
    training = joined([open_masked_set(address) for address in data])
    if val:
        validation = open_masked_set(val)
    else:
        training, validation = cut_by_time(training, part=cut, gap=gap)
    final = open_masked_set(held_out) if held_out else None
    task = SegmentationTask(settings, training, validation, start)
    model, provenance = run.learn(task, settings.name, pretrained=settings.model.pretrained)
    report = SegmenterBundler(
        recipe=settings,
        validation=validation,
        held_out=final,
        held_out_words=f'{len(final.pictures)} held-out pictures, {held_out}' if final else '',
        provenance=provenance,
        threads=run.threads,
        track=track,
    ).write(model, bundle or out / 'bundle')
    _print(report)


@app.command()
def path(
    recipe: RecipeFile,
    data: Annotated[
        str, typer.Option(help='To learn from: paths:folder, or tub:folder@first:last.')
    ],
    val: Annotated[str, typer.Option(help='To choose the epoch and scale deviations, likewise.')],
    out: OutFolder,
    bundle: BundleFolder = None,
    held_out: HeldOut = '',
    licence: Licence = 'unknown',
    resume: Resume = False,
    threads: Threads = 0,
    time_limit_min: TimeLimit = 0.0,
) -> None:
    """Train a network that names points of the path: checkpoints, the best epoch as a bundle."""
    from perception_nodes.learning.data.path_sets import open_path_set
    from perception_nodes.learning.path_bundling import PathBundler
    from perception_nodes.learning.recipe import read_recipe
    from perception_nodes.learning.recipes.path import PathRecipe
    from perception_nodes.learning.tasks.path import PathTask

    run = _Run(
        words=['path', '--recipe', str(recipe), '--data', data, '--val', val],
        data=data,
        out=out,
        licence=licence,
        resume=resume,
        threads=threads or os.cpu_count() or 1,
        time_limit_min=time_limit_min,
    )
    settings = read_recipe(recipe, PathRecipe)
    lock = settings.data.steering_curvature_1_m
    training, validation = open_path_set(data, lock), open_path_set(val, lock)
    final = open_path_set(held_out, lock) if held_out else None
    for name, count in training.skipped.items():
        console.print(f'left out: {count} records, {name}', style='yellow', markup=False)
    task = PathTask(settings, training, validation)
    model, provenance = run.learn(task, settings.name, pretrained=settings.model.pretrained)
    report = PathBundler(
        recipe=settings,
        training=training,
        validation=validation,
        held_out=final,
        held_out_words=f'{len(final.pictures)} held-out pictures, {held_out}' if final else '',
        provenance=provenance,
        threads=run.threads,
        track=track,
    ).write(model, bundle or out / 'bundle')
    _print(report)


def _trained(trainer: Trainer, name: str) -> Path:
    """Train with a progress bar, draw the curve, and return the best weights."""
    from perception_nodes.learning.curve import draw_curve, read_record
    from perception_nodes.learning.loop import RECORD

    with progress_bar(f'Training {name}', _TICKS) as advance:
        shown = 0

        def show(now: Progress) -> None:
            nonlocal shown
            done = int(_TICKS * now.fraction)
            words = _words({**now.losses, **now.figures})
            advance(done - shown, f'epoch {now.epoch} step {now.step} {words}')
            shown = done
            if now.figures:
                console.print(f'epoch {now.epoch}: {_words(now.figures)}', highlight=False)

        best = trainer.run([show])
    draw_curve(read_record(trainer.folder / RECORD), trainer.folder / 'curve.png', name)
    return best


def _words(values: dict[str, float]) -> str:
    """Return names and numbers in a line."""
    return ' '.join(f'{name} {value:.3f}' for name, value in values.items())


def _print(report: BundleReport) -> None:
    """Say what was written and measured."""
    before, after = report.calibration_error
    calibration = report.bundle.spec.calibration
    console.print(f'bundle: {report.bundle.path}', highlight=False)
    console.print(f'ONNX differs from torch by at most {max(report.parity.values()):.1e}')
    fitted = f'temperature {calibration.temperature}'
    if report.bundle.spec.task == 'detection':
        fitted += f', bias {calibration.bias}, score threshold {calibration.score_threshold}'
    console.print(f'{fitted}: calibration error {before:.3f} → {after:.3f}')
    for metric in report.bundle.spec.metrics:
        console.print(f'{metric.name} {metric.value:.3f}', highlight=False)


if __name__ == '__main__':
    app()
