"""
Time of segmenters on different trunks: ``python -m benchmarks.trunks``.

The networks of the simulator's recipe at 640×480, exported, in float32 and in int8, on one
thread. Their weights are random, which changes no time; ranges of int8 are those of noise.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from rich.console import Console
from rich.table import Table

from perception_nodes.compression.int8 import Int8Writer
from perception_nodes.evaluation.machine import describe_machine
from perception_nodes.learning.export import SEGMENTER_OUTPUTS, export_onnx
from perception_nodes.learning.models.segmenter import segmenter_of
from perception_nodes.learning.recipe import read_recipe
from perception_nodes.learning.recipes.segmentation import SegmentationRecipe

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / 'benchmarks' / 'results' / 'trunks.json'
RECIPE = ROOT / 'config' / 'recipes' / 'simulator_segmentation.yaml'
REFERENCE = 'efficientnet_lite0, ours, stride 2'
ROWS = (
    ('efficientnet_lite0', 'ours', 2),
    ('mobilenetv3_small_100', 'ours', 2),
    ('mobilenetv3_large_100', 'ours', 2),
    ('mobilenetv4_conv_small', 'ours', 2),
    ('resnet18', 'ours', 2),
    ('efficientnet_lite0', 'ours', 4),
    ('efficientnet_lite0', 'smp/Unet', 2),
    ('efficientnet_lite0', 'smp/FPN', 4),
    ('efficientnet_lite0', 'smp/DeepLabV3Plus', 4),
)
"""Trunk, decoder and output stride."""
_WARM_UP = 2
_RANGES_FROM = 4  # pictures of noise


def write_forms(
    row: tuple[str, str, int], recipe: SegmentationRecipe, folder: Path
) -> dict[str, Path]:
    """Write the network of a row in float32 and int8, and return the files by form."""
    trunk, decoder, stride = row
    model = replace(
        recipe.model, trunk=trunk, decoder=decoder, output_stride=stride, pretrained=False,
        frozen_stages=0,
    )  # fmt: skip
    torch.manual_seed(0)
    network = segmenter_of(replace(recipe, model=model), learns_norms=False)
    folder.mkdir(parents=True)
    files = {form: folder / f'{form}.onnx' for form in ('fp32', 'int8')}
    export_onnx(network, files['fp32'], size_wh=recipe.input_wh, output_names=SEGMENTER_OUTPUTS)
    noise = [picture_of(recipe, seed) for seed in range(_RANGES_FROM)]
    with Int8Writer(files['fp32'], noise) as writer:
        writer.write(files['int8'])
    return files


def picture_of(recipe: SegmentationRecipe, seed: int) -> np.ndarray:
    """Return (1, 3, H, W) float32 noise as the network would see it."""
    width, height = recipe.input_wh
    rng = np.random.default_rng(seed)
    return rng.normal(size=(1, 3, height, width)).astype(np.float32)


def opened(file: Path) -> onnxruntime.InferenceSession:
    """Return the network on one thread, that of the caller."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(file), options, providers=['CPUExecutionProvider'])


def times_ms(
    sessions: dict[str, onnxruntime.InferenceSession], picture: np.ndarray, rounds: int
) -> dict[str, list[float]]:
    """
    Return the milliseconds of every round, all networks in turn.

    It is the thread's CPU time: other programs on the machine count only for the caches.
    """
    found: dict[str, list[float]] = {name: [] for name in sessions}
    for turn in range(rounds + _WARM_UP):
        for name, session in sessions.items():
            begin = time.thread_time()
            session.run(None, {'image': picture})
            if turn >= _WARM_UP:
                found[name].append((time.thread_time() - begin) * 1e3)
    return found


def measure(rounds: int) -> dict[str, dict[str, float]]:
    """Return medians, quotients to the reference of the same form, and sizes, by row and form."""
    recipe = read_recipe(RECIPE, SegmentationRecipe)
    sessions, sizes = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        for index, row in enumerate(ROWS):
            name = f'{row[0]}, {row[1]}, stride {row[2]}'
            for form, file in write_forms(row, recipe, Path(folder) / str(index)).items():
                sessions[f'{name}, {form}'] = opened(file)
                sizes[f'{name}, {form}'] = file.stat().st_size / 1e6
        found = times_ms(sessions, picture_of(recipe, 0), rounds)
    rows = {}
    for name, values in found.items():
        reference = found[f'{REFERENCE}, {name.rsplit(", ", 1)[1]}']
        quotients = np.array(values) / np.array(reference)
        rows[name] = {
            'median_ms': round(float(np.median(values)), 1),
            'of_reference': round(float(np.median(quotients)), 2),
            'size_mb': round(sizes[name], 1),
        }
    return rows


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--rounds', type=int, default=20, help='pictures that count')
    parser.add_argument('--out', type=Path, default=RESULT)
    values = parser.parse_args()
    machine, rows = describe_machine(), measure(values.rounds)
    table = Table('network', 'median ms', f'of {REFERENCE}', 'MB')
    for name, row in rows.items():
        table.add_row(name, *(str(value) for value in row.values()))
    Console(width=120).print(table)
    document = {'machine': machine, 'rounds': values.rounds, 'rows': rows}
    values.out.write_text(json.dumps(document, indent=1) + '\n', encoding='utf-8')


if __name__ == '__main__':
    main()
