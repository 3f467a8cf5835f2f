"""
What ImageNet features bring to a classifier of signs: ``python -m benchmarks.classification``.

The recipe of GTSRB is trained once from ImageNet features and once from nothing, with three seeds
each and else alike. Crops of one physical sign (a track) are near-duplicates: of every class one
track is held out, another seed holding out another one, and one more chooses the epoch where the
class has three. Every run is stored, and found again when the command is repeated.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from perception_nodes.evaluation.machine import describe_machine
from perception_nodes.evaluation.picture_folders import (
    PictureFolders,
    open_picture_folders,
    tracks_of,
)
from perception_nodes.learning.calibration import fit_temperature
from perception_nodes.learning.data.classed import cut_by_track
from perception_nodes.learning.loop import Trainer
from perception_nodes.learning.recipe import read_recipe, seeded
from perception_nodes.learning.recipes.classification import ClassificationRecipe
from perception_nodes.learning.tasks.classification import (
    ClassificationTask,
    metrics_of,
    scored,
)

ROOT = Path(__file__).resolve().parent.parent
RECIPE = ROOT / 'config' / 'recipes' / 'gtsrb_classifier.yaml'
RESULT = ROOT / 'benchmarks' / 'results' / 'classification.json'
TRACK = r'_(\d+)_'
STARTS = {'ImageNet features': True, 'nothing': False}
FIGURES = ('top1', 'top5', 'mean_recall', 'calibration_error')
_ONE_TRACK = 0.01  # of a class's tracks; at least one is cut
_console = Console(width=110)


def data_folder() -> Path:
    """Return where the crops should be."""
    shared = Path(os.environ.get('PERCEPTION_TEST_DATA', ROOT.parent / 'shared' / 'data'))
    return shared / 'gtsrb_crops'


def parts_of(
    labelled: PictureFolders, seed: int
) -> tuple[PictureFolders, PictureFolders, PictureFolders]:
    """
    Return what to learn from, what to choose with, and what is held out; tracks stay whole.

    A class of two tracks has none to choose with.
    """
    rest, held_out = cut_by_track(labelled, TRACK, part=_ONE_TRACK, first=seed)
    training, validation = cut_by_track(rest, TRACK, part=_ONE_TRACK, first=seed)
    lost = {item.class_id for item in labelled.pictures} - {
        class_id for class_id, count in enumerate(training.counts()) if count
    }
    if lost:
        raise ValueError(f'nothing is left to learn class {sorted(lost)} from')
    seen = [set(tracks_of(part, TRACK)) for part in (training, validation, held_out)]
    if seen[0] & seen[1] or seen[0] & seen[2] or seen[1] & seen[2]:
        raise ValueError('a track lies in two parts')
    return training, validation, held_out


def run(
    recipe: ClassificationRecipe, labelled: PictureFolders, seed: int, folder: Path
) -> dict[str, Any]:
    """Train, and return the figures of the held-out crops at the validation's temperature."""
    training, validation, held_out = parts_of(labelled, seed)
    started = time.process_time()
    trainer = Trainer(ClassificationTask(recipe, training, validation), folder)
    trainer.run()
    spent_s = time.process_time() - started
    model = trainer.best_model()
    chosen = list(scored(model, recipe, validation))
    logits = np.stack([item.logits for item in chosen])
    truth = np.array([item.picture.class_id for item in chosen])
    temperature = fit_temperature(logits, truth)
    found = list(scored(model, recipe, held_out))
    metrics = metrics_of(found, recipe, temperature).to_dict()
    wrong = [
        f'{item.picture.path.name}: {recipe.classes[item.logits.argmax()]}'
        for item in found
        if item.logits.argmax() != item.picture.class_id
    ]
    return {
        'seed': seed,
        'pictures': [len(part.pictures) for part in (training, validation, held_out)],
        **{name: metrics[name] for name in FIGURES},
        'wrong': wrong, 'temperature': round(temperature, 4), 'cpu_s': round(spent_s),
        **trainer.history(),
    }  # fmt: skip


def main() -> None:
    """Train both arms with every seed and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument('--out', type=Path, default=RESULT)
    parser.add_argument('--work', type=Path, default=ROOT / 'out' / 'benchmarks' / 'signs')
    parser.add_argument('--seeds', type=int, default=3)
    parser.add_argument('--epochs', type=int, default=0, help="0: the recipe's")
    options = parser.parse_args()
    torch.set_num_threads(1)
    labelled = open_picture_folders(f'folder:{data_folder()}')
    recipe = read_recipe(RECIPE, ClassificationRecipe)
    if options.epochs:
        schedule = dataclasses.replace(recipe.schedule, epochs=options.epochs)
        recipe = dataclasses.replace(recipe, schedule=schedule)
    labelled = labelled.numbered_as(recipe.classes)
    results: dict[str, list[dict[str, Any]]] = {name: [] for name in STARTS}
    for seed in range(options.seeds):
        for name, pretrained in STARTS.items():
            model = dataclasses.replace(recipe.model, pretrained=pretrained)
            tried = dataclasses.replace(seeded(recipe, seed), model=model)
            results[name].append(_stored(tried, labelled, seed, options.work / f'{name}_{seed}'))
            _write(options.out, recipe, results)
    _tell(results)


def _stored(
    recipe: ClassificationRecipe, labelled: PictureFolders, seed: int, folder: Path
) -> dict[str, Any]:
    """Return the figures of a run, from its folder if it is done."""
    path = folder / 'figures.json'
    if not path.exists():
        shutil.rmtree(folder, ignore_errors=True)
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(run(recipe, labelled, seed, folder), indent=1) + '\n')
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return mean, smallest and largest of the figures."""
    return {
        name: {
            'mean': round(float(np.mean([row[name] for row in rows])), 4),
            'least': min(row[name] for row in rows),
            'most': max(row[name] for row in rows),
        }
        for name in FIGURES
    }


def _write(
    target: Path, recipe: ClassificationRecipe, results: dict[str, list[dict[str, Any]]]
) -> None:
    document = {
        'machine': describe_machine(), 'recipe': RECIPE.name, 'epochs': recipe.schedule.epochs,
        'summary': {name: summary(rows) for name, rows in results.items() if rows},
        'runs': results,
    }  # fmt: skip
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(document, indent=1) + '\n')


def _tell(results: dict[str, list[dict[str, Any]]]) -> None:
    table = Table('start', 'top 1', 'by seed', 'top 5', 'calibration error', 'CPU s')
    for name, rows in results.items():
        means = summary(rows)
        table.add_row(
            name, f'{means["top1"]["mean"]:.3f}', ' '.join(f'{row["top1"]:.3f}' for row in rows),
            f'{means["top5"]["mean"]:.3f}', f'{means["calibration_error"]["mean"]:.3f}',
            f'{np.mean([row["cpu_s"] for row in rows]):.0f}',
        )  # fmt: skip
    _console.print(table)


if __name__ == '__main__':
    main()
