"""``perception train``: learn a model from labelled pictures and write its bundle."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perception_nodes.cli.progress import console, progress_bar, track

if TYPE_CHECKING:
    from perception_nodes.learning.bundling import BundleReport
    from perception_nodes.learning.loop import Progress, Trainer

app = typer.Typer(help='Train a model and write a bundle.')

_TICKS = 1000  # steps of the progress bar


@app.callback()
def _train() -> None:
    """Train a model and write a bundle."""


@app.command()
def detection(
    recipe: Annotated[Path, typer.Option(help='YAML file of the training run.', exists=True)],
    data: Annotated[
        str, typer.Option(help='To learn from: coco:annotations.json, voc:folder@split, …')
    ],
    val: Annotated[str, typer.Option(help='To choose the epoch and calibrate with, likewise.')],
    out: Annotated[Path, typer.Option(help='Folder of checkpoints, record and curve.')],
    bundle: Annotated[
        Path | None, typer.Option(help='Folder of the bundle; else OUT/bundle.')
    ] = None,
    held_out: Annotated[
        str, typer.Option(help='Measured once, at the end, for model.yaml; like --data.')
    ] = '',
    licence: Annotated[str, typer.Option(help='Licence of the weights.')] = 'unknown',
    resume: Annotated[bool, typer.Option('--resume', help='Go on from the checkpoint.')] = False,
    threads: Annotated[int, typer.Option(help='CPU threads; 0: all.', min=0)] = 0,
    time_limit_min: Annotated[
        float, typer.Option(help='End within this time, minutes; 0: no limit.', min=0.0)
    ] = 0.0,
) -> None:
    """Train a detector: checkpoints, the best epoch as a calibrated bundle, its figures."""
    import torch

    from perception_nodes.evaluation.datasets import open_dataset
    from perception_nodes.learning.bundling import DetectorBundler
    from perception_nodes.learning.loop import Trainer
    from perception_nodes.learning.recipe import read_recipe
    from perception_nodes.learning.recipes.detection import DetectionRecipe
    from perception_nodes.learning.tasks.detection import DetectionTask, provenance_of

    threads = threads or os.cpu_count() or 1
    # Each thread of the training works alone; helpers of single operations would only spin.
    torch.set_num_threads(1)
    settings = read_recipe(recipe, DetectionRecipe)
    training, validation = open_dataset(data), open_dataset(val)
    final = open_dataset(held_out) if held_out else None
    task = DetectionTask(settings, training, validation)
    limit_s = time_limit_min * 60 if time_limit_min else None
    trainer = Trainer(task, out, resume=resume, time_limit_s=limit_s, threads=threads)
    best = _run(trainer, settings.name)
    model = task.build_model()
    model.load_state_dict(torch.load(best, map_location='cpu', weights_only=True))
    command = ['perception', 'train', 'detection', '--recipe', str(recipe)]
    command += ['--data', data, '--val', val]
    report = DetectorBundler(
        recipe=settings,
        validation=validation,
        held_out=final,
        held_out_words=f'{len(final.images)} held-out pictures, {held_out}' if final else '',
        provenance=provenance_of(settings, shlex.join(command), data, licence, trainer.history()),
        threads=threads,
        track=track,
    ).write(model, bundle or out / 'bundle')
    _print(report)


def _run(trainer: Trainer, name: str) -> Path:
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
    console.print(
        f'temperature {calibration.temperature}, bias {calibration.bias}: '
        f'calibration error {before:.3f} → {after:.3f}; '
        f'score threshold {calibration.score_threshold}'
    )
    for metric in report.bundle.spec.metrics:
        console.print(f'{metric.name} {metric.value:.3f}', highlight=False)


if __name__ == '__main__':
    app()
