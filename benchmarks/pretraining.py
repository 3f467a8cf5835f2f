"""
What pre-training on crops without labels is worth: ``python -m benchmarks.pretraining``.

Traffic signs (GTSRB): the classes with four tracks are known, the crops of the others choose the
epoch. A seed leaves out one track of every known class; the trunk learns from the crops of the
other tracks without their labels. Then each class is taught from crops of those tracks, all six
or two, by prototypes on the trunk's mean features, and the left-out track is asked about. Beside
it stand the trunk as it was, from nothing and from ImageNet, on the very same queries.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch import nn

from benchmarks.few_shot import ROOT, TRACKS, SignCrops, data_folder, find_crops, read_rgb
from benchmarks.pretraining_picture import draw
from perception_nodes.evaluation.machine import describe_machine
from perception_nodes.fewshot.embedding import GradientColorEmbedder
from perception_nodes.fewshot.prototypes import empty_bank
from perception_nodes.fewshot.space import unit_rows
from perception_nodes.learning.checkpoints import RECORD
from perception_nodes.learning.curve import read_record
from perception_nodes.learning.data.batches import normalised
from perception_nodes.learning.data.views import whole_frames
from perception_nodes.learning.loop import Trainer
from perception_nodes.learning.models.trunk import Trunk
from perception_nodes.learning.recipe import recipe_from_dict
from perception_nodes.learning.recipes.pretraining import PretrainingRecipe
from perception_nodes.learning.recipes.trunk import TrunkRecipe
from perception_nodes.learning.tasks.pretraining import PretrainingTask, refuse_collapse
from perception_nodes.learning.trunk_export import write_trunk
from perception_nodes.learning.warm_start import trunk_from

RESULT = ROOT / 'benchmarks' / 'results' / 'pretraining.json'
STRIDE = 16
TRUNK_RATE = {'ImageNet': 0.2, 'nothing': 0.5}
"""Of what a run begins from; a trunk that knows something learns more slowly."""
_console = Console(width=120)


class Probe(nn.Module):
    """A trunk to ask for features; ``trunk_from`` fills it as it fills any network."""

    def __init__(self, *, pretrained: bool) -> None:
        super().__init__()
        self.trunk = Trunk(TrunkRecipe(pretrained=pretrained), (STRIDE,))

    @torch.inference_mode()
    def features(self, crops: Sequence[np.ndarray], recipe: PretrainingRecipe) -> np.ndarray:
        """Return (N, C) float32 of length 1: the mean features of whole crops."""
        self.eval()
        images = normalised(whole_frames(crops, recipe), recipe)
        found = [self.trunk(part)[0].mean((2, 3)) for part in images.split(64)]
        return unit_rows(torch.cat(found).numpy())


def recipe_of(begun: str, seed: int, epochs: int) -> PretrainingRecipe:
    """Return the recipe; signs are not mirrored, since left and right are classes."""
    values = {
        'name': 'signs', 'input_wh': [48, 48], 'seed': seed,
        'model': {'pretrained': begun == 'ImageNet', 'stride': STRIDE, 'width': 256},
        'data': {'area_min': 0.5, 'flip': False, 'colour': 0.6, 'workers': 0},
        'schedule': {
            'epochs': epochs, 'batch': 64, 'learning_rate': 0.002, 'warmup_steps': 10,
            'trunk_rate_factor': TRUNK_RATE[begun], 'weight_decay': 0.02, 'ema_decay': 0.95,
            'validation_images': 0, 'validate_every': 5,
        },
    }  # fmt: skip
    return recipe_from_dict(values, PretrainingRecipe)


def accuracies(vectors: np.ndarray, crops: SignCrops, fold: int) -> dict[str, float]:
    """
    Return the share of left-out crops that are told right, taught from six and from two crops.

    :param vectors: (N, D) float32 of length 1, of the known crops.
    :param fold: which track of every class is left out; the next one is the one that is taught.
    """
    names, folds = np.array(crops.names), folds_of(crops)
    kept = {'6 crops': folds != fold, '2 crops': folds == (fold + 1) % TRACKS}
    asked, found = folds == fold, {}
    for words, taught in kept.items():
        bank = empty_bank('probe', {}, (1, vectors.shape[1]))
        for name in sorted(set(names)):
            own = (names == name) & taught
            bank = bank.enrolled(name, vectors[own][:, None], folds[own].tolist())
        nearest = bank.nearness(vectors[asked][:, None]).argmax(1)
        found[words] = float((np.array(bank.class_names)[nearest] == names[asked]).mean())
    return found


def folds_of(crops: SignCrops) -> np.ndarray:
    """Return (N,) the place of each crop's track among those of its class."""
    tracks: dict[str, set[str]] = {}
    for name, track in zip(crops.names, crops.tracks, strict=True):
        tracks.setdefault(name, set()).add(track)
    pairs = zip(crops.names, crops.tracks, strict=True)
    return np.array([sorted(tracks[name]).index(track) for name, track in pairs])


def learnt_trunk(
    recipe: PretrainingRecipe, training: Sequence[np.ndarray], held_out: Sequence[np.ndarray],
    folder: Path,
) -> tuple[Path, list[dict[str, float]]]:  # fmt: skip
    """Pre-train, and return the file of the trunk and the figures before and after epochs."""
    task = PretrainingTask(recipe, training, held_out)
    trainer = Trainer(task, folder)
    before = {'epoch': 0, **task.validate(trainer.model)}
    trainer.run()
    best = trainer.best_model()
    refuse_collapse(task.validate(best))
    write_trunk(best, folder / 'trunk.onnx', recipe, held_out)
    looked_at = [line for line in read_record(folder / RECORD) if 'view_match' in line]
    return folder / 'trunk.onnx', [before, *looked_at]


def measure(job: tuple[int, str, int]) -> dict[str, Any]:
    """
    Return the accuracies of a beginning, without and with pre-training.

    :param job: seed, beginning, epochs.
    """
    seed, begun, epochs = job
    torch.set_num_threads(1)
    crops, fold, recipe = find_crops(data_folder()), seed % TRACKS, recipe_of(begun, seed, epochs)
    known = [read_rgb(path) for path in crops.paths]
    held_out = [read_rgb(path) for path in crops.open_paths]
    training = [known[index] for index in np.flatnonzero(folds_of(crops) != fold)]
    torch.manual_seed(seed)
    plain = Probe(pretrained=begun == 'ImageNet')
    started = time.process_time()
    with TemporaryDirectory() as folder:
        file, epochs_seen = learnt_trunk(recipe, training, held_out, Path(folder))
        after = trunk_from(Probe(pretrained=False), file)
    found = {
        begun: accuracies(plain.features(known, recipe), crops, fold),
        f'{begun}, pre-trained': accuracies(after.features(known, recipe), crops, fold),
        'cpu_s': round(time.process_time() - started), 'epochs': epochs_seen,
    }  # fmt: skip
    if begun == 'ImageNet':
        larger = replace(recipe, input_wh=(96, 96))
        vectors = plain.features(known, larger)
        found['ImageNet, crops of 96 pixels'] = accuracies(vectors, crops, fold)
        embedder = GradientColorEmbedder()
        by_hand = np.stack([embedder(crop) for crop in known])
        found['gradients and colours, by hand'] = accuracies(by_hand, crops, fold)
    return found


def summary(runs: Sequence[dict[str, Any]]) -> dict[str, dict[str, list[float]]]:
    """Return mean and standard deviation over the seeds, by features and number of crops."""
    rows: dict[str, dict[str, list[float]]] = {}
    names = sorted({name for run in runs for name in run if isinstance(run[name], dict)})
    for name in names:
        cells = [run[name] for run in runs if name in run]
        for crops in cells[0]:
            values = [cell[crops] for cell in cells]
            deviation = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
            rows.setdefault(name, {})[crops] = [round(float(np.mean(values)), 4),
                                                round(deviation, 4)]  # fmt: skip
    return rows


def main() -> None:
    """Measure all seeds and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument('--out', type=Path, default=RESULT)
    parser.add_argument('--seeds', type=int, default=3)
    parser.add_argument('--epochs', type=int, default=40)
    parser.add_argument('--processes', type=int, default=2, help='runs beside each other')
    parser.add_argument('--picture', type=Path, help='PNG of curves and accuracies to write')
    options = parser.parse_args()
    try:
        crops = find_crops(data_folder())
    except ValueError as error:
        raise SystemExit(str(error)) from None
    machine = describe_machine()
    jobs = [(seed, begun, options.epochs) for seed in range(options.seeds) for begun in TRUNK_RATE]
    runs = []
    with ProcessPoolExecutor(options.processes, mp_context=get_context('spawn')) as pool:
        for job, found in zip(jobs, pool.map(measure, jobs), strict=True):
            runs.append({'seed': job[0], 'begun': job[1], **found})
            _console.print(f'seed {job[0]} from {job[1]} done')
    document = {
        'machine': machine, 'seeds': options.seeds, 'epochs': options.epochs,
        'classes': len(set(crops.names)), 'queries_per_seed': len(crops.paths) // TRACKS,
        'frames_per_seed': len(crops.paths) * (TRACKS - 1) // TRACKS,
        'held_out_frames': len(crops.open_paths), 'summary': summary(runs), 'runs': runs,
    }  # fmt: skip
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(document, indent=1) + '\n')
    if options.picture:
        draw(document, options.picture)
    table = Table('features', '6 crops', '2 crops', title='accuracy, mean ± deviation over seeds')
    for name, row in document['summary'].items():
        table.add_row(name, *(f'{mean:.3f} ± {deviation:.3f}' for mean, deviation in row.values()))
    _console.print(table)


if __name__ == '__main__':
    main()
