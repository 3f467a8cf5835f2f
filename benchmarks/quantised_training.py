"""
What learning in int8 gains: ``python -m benchmarks.quantised_training``.

The network of a bundle learns on for a short while, with the rounding and, as its off-switch,
without: the same crops, steps and rates from the same seed. All forms are scored as ONNX Runtime
runs them, on pictures that nothing was chosen by. Rows that the file has are not measured again.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch import nn

from perception_nodes.compression.int8 import Int8Writer
from perception_nodes.compression.tradeoff import latencies_ms
from perception_nodes.evaluation.ground_truth import read_picture
from perception_nodes.evaluation.machine import describe_machine
from perception_nodes.evaluation.masked_sets import MaskedSet, open_masked_set
from perception_nodes.evaluation.segmentation import SegmentationMeter
from perception_nodes.inference.bundle import (
    ModelBundle,
    placeholder_weights,
    read_bundle,
    write_bundle,
)
from perception_nodes.learning.data.batches import preprocessor_of
from perception_nodes.learning.data.splits import spread_over
from perception_nodes.learning.export import SEGMENTER_OUTPUTS, export_onnx
from perception_nodes.learning.loop import Trainer
from perception_nodes.learning.recipe import read_recipe, seeded
from perception_nodes.learning.recipes.quantised import NOT_QUANTISED
from perception_nodes.learning.recipes.segmentation import SegmentationRecipe
from perception_nodes.learning.tasks.segmentation import SegmentationTask, scored
from perception_nodes.segmentation import Segmenter

ROOT = Path(__file__).resolve().parent.parent
RESULT = ROOT / 'benchmarks' / 'results' / 'quantised_training.json'
MODELS = ROOT / 'resource' / 'models'
RECIPE = ROOT / 'config' / 'recipes' / 'simulator_segmentation_int8.yaml'
_PARITY_PICTURES = 8
_ROUNDS = 30
_console = Console(width=120)


@dataclass(frozen=True, eq=False, kw_only=True)
class Comparison:
    """
    One network, how it learns on, and the pictures.

    :param bundle: in float32.
    :param kept: convolutions that its int8 bundle keeps in float32.
    """

    bundle: ModelBundle
    kept: tuple[str, ...]
    recipe: SegmentationRecipe
    training: MaskedSet
    validation: MaskedSet

    def rows(self, seed: int) -> dict[str, Callable[[], dict[str, Any]]]:
        """Return the measurements of a seed by name, without making them."""
        return {
            f'int8 learnt, seed {seed}': lambda: self.learnt_in_int8(seed),
            f'learnt on in float32, seed {seed}': lambda: self.quantised_afterwards(seed),
        }

    def begun(self) -> dict[str, Any]:
        """Return the figures of the network as it is, and quantised."""
        start = self.bundle.weights_path
        return {'fp32': self.score(start), **self._quantised(start)}

    def learnt_in_int8(self, seed: int) -> dict[str, Any]:
        """Return the figures after learning with the rounding, and whether torch says the same."""
        with self._learnt(seed, self.recipe) as (model, seconds, folder):
            weights = export_onnx(
                model, folder / 'int8.onnx', size_wh=self.recipe.input_wh,
                output_names=SEGMENTER_OUTPUTS,
            )  # fmt: skip
            return {
                'int8': self.score(weights), 'cpu_s': seconds,
                'agreement': self._agreement(model, weights),
                'latency': self._latencies(weights),
            }  # fmt: skip

    def quantised_afterwards(self, seed: int) -> dict[str, Any]:
        """Return the figures after learning without the rounding."""
        plain = dataclasses.replace(self.recipe, quantised=NOT_QUANTISED)
        with self._learnt(seed, plain) as (model, seconds, folder):
            weights = export_onnx(
                model, folder / 'float.onnx', size_wh=self.recipe.input_wh,
                output_names=SEGMENTER_OUTPUTS,
            )  # fmt: skip
            return {'fp32': self.score(weights), **self._quantised(weights), 'cpu_s': seconds}

    def score(self, weights: Path) -> dict[str, float]:
        """Return mean and single IoU as ONNX Runtime says."""
        meter = SegmentationMeter(self.recipe.classes)
        with self._opened(weights) as segmenter:
            for picture in self.validation.pictures:
                frame, truth = self.validation.read(picture)
                meter.add(truth, segmenter(frame))
        found = meter.metrics()
        by_class = {name: round(part.iou, 4) for name, part in found.by_class.items()}
        return {'mIoU': round(found.mean_iou, 4), **by_class}

    @contextmanager
    def _learnt(
        self, seed: int, recipe: SegmentationRecipe
    ) -> Iterator[tuple[nn.Module, float, Path]]:
        """Train and yield the network, the seconds of the processor, and a folder."""
        task = SegmentationTask(
            seeded(recipe, seed), self.training, self.validation, self.bundle.weights_path
        )
        with tempfile.TemporaryDirectory() as folder:
            started = time.process_time()
            trainer = Trainer(task, Path(folder))
            trainer.run()
            seconds = round(time.process_time() - started, 1)
            yield trainer.best_model().eval(), seconds, Path(folder)

    def _quantised(self, weights: Path) -> dict[str, dict[str, float]]:
        """Return the figures of both int8 forms."""
        with self._writer(weights) as writer, tempfile.TemporaryDirectory() as folder:
            whole = self.score(writer.write(Path(folder) / 'int8.onnx'))
            kept = self.score(writer.write(Path(folder) / 'kept.onnx', self.kept))
        return {'int8': whole, 'int8, layers float': kept}

    def _writer(self, weights: Path) -> Int8Writer:
        prepare = preprocessor_of(self.recipe)
        paths = [picture.path for picture in self.training.pictures]
        chosen = spread_over(paths, self.recipe.quantised.pictures)
        return Int8Writer(weights, [prepare(read_picture(path))[0].copy() for path in chosen])

    def _agreement(self, model: nn.Module, weights: Path) -> float:
        """Return which part of the cells the file and the network call the same."""
        import onnxruntime

        session = onnxruntime.InferenceSession(str(weights), providers=['CPUExecutionProvider'])
        prepare, same = preprocessor_of(self.recipe), []
        chosen = tuple(spread_over(self.validation.pictures, _PARITY_PICTURES))
        some = dataclasses.replace(self.validation, pictures=chosen)
        for item in scored(model, self.recipe, some):
            batch = prepare(read_picture(item.picture.path))[0]
            found = session.run(None, {'image': batch})[0][0]
            same.append((found.argmax(0) == item.logits.argmax(0)).mean())
        return round(float(np.mean(same)), 5)

    def _latencies(self, weights: Path) -> dict[str, float]:
        """Return the times of the network, in turn with those of the other forms."""
        frames = [read_picture(item.path) for item in self.validation.pictures[:4]]
        start = self.bundle.weights_path
        with self._writer(start) as writer, tempfile.TemporaryDirectory() as folder:
            whole = writer.write(Path(folder) / 'int8.onnx')
            kept = writer.write(Path(folder) / 'kept.onnx', self.kept)
            forms = {
                'learnt': weights, 'int8': whole, 'int8, layers float': kept, 'fp32': start,
            }  # fmt: skip
            with contextlib.ExitStack() as stack:
                models = {
                    name: stack.enter_context(self._opened(path)) for name, path in forms.items()
                }
                times = latencies_ms(models, frames, _ROUNDS)
        return {name: round(network, 2) for name, (_, network) in times.items()}

    @contextmanager
    def _opened(self, weights: Path) -> Iterator[Segmenter]:
        """Open weights as a bundle of the same kind."""
        spec = dataclasses.replace(
            self.bundle.spec, weights=placeholder_weights('model.onnx'), golden=None, metrics=()
        )
        with tempfile.TemporaryDirectory() as folder:
            written = write_bundle(Path(folder) / 'bundle', spec, weights)
            segmenter = Segmenter.load(written, device='cpu', threads=1)
            yield segmenter
            segmenter.close()


def _show(rows: dict[str, dict[str, Any]]) -> None:
    """Print mean and deviation of every form."""
    table = Table('network', 'form', 'mIoU', '±', 'seeds')
    kinds = [
        'as it is',
        *dict.fromkeys(name.split(', seed')[0] for name in rows if 'seed' in name),
    ]
    for kind in kinds:
        found = [row for name, row in rows.items() if name.split(', seed')[0] == kind]
        for form in ('fp32', 'int8', 'int8, layers float'):
            values = [row[form]['mIoU'] for row in found if form in row]
            if values:
                spread = f'{np.std(values, ddof=1):.4f}' if len(values) > 1 else ''
                table.add_row(kind, form, f'{np.mean(values):.4f}', spread, str(len(values)))
    _console.print(table)


def main() -> None:
    """Measure what is missing in the file, and show the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument('--data', required=True, help='to learn from, as masks:folder')
    parser.add_argument('--val', required=True, help='scored on, likewise')
    parser.add_argument('--model', type=Path, default=MODELS / 'simulator_segmenter')
    parser.add_argument('--int8', type=Path, default=MODELS / 'simulator_segmenter_int8')
    parser.add_argument('--recipe', type=Path, default=RECIPE)
    parser.add_argument('--seeds', type=int, nargs='+', default=[0, 1, 2])
    parser.add_argument('--out', type=Path, default=RESULT)
    options = parser.parse_args()
    torch.set_num_threads(1)
    comparison = Comparison(
        bundle=read_bundle(options.model),
        kept=tuple(read_bundle(options.int8).spec.provenance.details['kept_float']),
        recipe=read_recipe(options.recipe, SegmentationRecipe),
        training=open_masked_set(options.data), validation=open_masked_set(options.val),
    )  # fmt: skip
    document = {
        'machine': describe_machine(), 'data': options.data, 'val': options.val,
        'pictures': [len(comparison.training.pictures), len(comparison.validation.pictures)],
        'rows': {},
    }  # fmt: skip
    if options.out.exists():
        document = json.loads(options.out.read_text(encoding='utf-8'))
    wanted = {'as it is': comparison.begun}
    for seed in options.seeds:
        wanted |= comparison.rows(seed)
    for name, measure in wanted.items():
        if name not in document['rows']:
            with _console.status(name):
                document['rows'][name] = measure()
            options.out.parent.mkdir(parents=True, exist_ok=True)
            options.out.write_text(json.dumps(document, indent=1) + '\n', encoding='utf-8')
    _show(document['rows'])


if __name__ == '__main__':
    main()
