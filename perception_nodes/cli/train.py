"""``perception train``: learn a model from labelled pictures and write its bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perception_nodes.cli.progress import console, progress_bar

app = typer.Typer(help='Train a model and write a bundle.')


@app.callback()
def _train() -> None:
    """Train a model and write a bundle."""


@app.command()
def detection(
    recipe: Annotated[Path, typer.Option(help='YAML file of the training run.', exists=True)],
    data: Annotated[Path, typer.Option(help='COCO annotation file to learn from.', exists=True)],
    val: Annotated[Path, typer.Option(help='COCO file that chooses the epoch.', exists=True)],
    out: Annotated[Path, typer.Option(help='Folder of checkpoints and the record.')],
    resume: Annotated[bool, typer.Option(help='Go on from the last checkpoint.')] = False,
    threads: Annotated[int, typer.Option(help='CPU threads of torch; 0: all.', min=0)] = 0,
    time_limit_min: Annotated[
        float, typer.Option(help='End within this time, minutes; 0: no limit.', min=0.0)
    ] = 0.0,
) -> None:
    """Train a detector."""
    import torch

    from perception_nodes.evaluation.ground_truth import read_coco
    from perception_nodes.learning.loop import Progress, Trainer
    from perception_nodes.learning.recipe import read_recipe
    from perception_nodes.learning.tasks.detection import DetectionTask

    if threads:
        torch.set_num_threads(threads)
    settings = read_recipe(recipe)
    task = DetectionTask(settings, read_coco(data), read_coco(val))
    limit_s = time_limit_min * 60 if time_limit_min else None
    trainer = Trainer(task, out, resume=resume, time_limit_s=limit_s)
    with progress_bar(f'Training {settings.name}', 1000) as advance:
        shown = 0

        def show(now: Progress) -> None:
            nonlocal shown
            done = int(1000 * now.fraction)
            words = ' '.join(f'{name} {value:.3f}' for name, value in now.losses.items())
            advance(done - shown, f'epoch {now.epoch} step {now.step} {words}')
            shown = done
            if now.figures:
                console.print(
                    f'epoch {now.epoch}: '
                    + ' '.join(f'{name} {value:.3f}' for name, value in now.figures.items())
                )

        best = trainer.run([show])
    console.print(f'best weights: {best}')


if __name__ == '__main__':
    app()
