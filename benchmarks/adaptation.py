"""
What adaptation without labels gains and costs: ``python -m benchmarks.adaptation``.

For every seed, place and method: the bundled segmenter is adapted to unlabelled scenes of the
held-out family and scored on other scenes of it, disturbed likewise, and on the same scenes
undisturbed. Source statistics come from scenes of the train family. Rows that are there already
are kept, so an interrupted run goes on; scenes stay in ``--out``.
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from perception_nodes.cli.adapt_report import mask_row, measured_on
from perception_nodes.evaluation.machine import describe_machine
from perception_nodes.evaluation.masked_sets import open_masked_set
from perception_nodes.imaging.disturbances import disturb
from perception_nodes.imaging.sources.spread import spread_frames
from perception_nodes.inference.bundle import ModelBundle, read_bundle
from perception_nodes.inference.registry import resolve_model
from perception_nodes.learning.adaptation.adapting import Statistics, adapt, source_statistics
from perception_nodes.learning.adaptation.bundles import adapted_bundle
from perception_nodes.learning.adaptation.config import AdaptationConfig
from perception_nodes.learning.adaptation.statistics import read_statistics, write_statistics
from perception_nodes.learning.adaptation.watch import AdaptationRefused
from perception_nodes.segmentation import Segmenter
from perception_nodes.simulation import synthesis
from perception_nodes.simulation.disturbances import load_disturbance
from perception_nodes.simulation.randomization import RandomizationConfig
from perception_nodes.structures import ColorOrder, SegmentationMask

ROOT = Path(__file__).resolve().parent.parent
RESULT = ROOT / 'benchmarks' / 'results' / 'adaptation.json'
MODEL = 'resource/models/simulator_segmenter'
MIXED, PRESETS = 'mixed', ('medium', 'strong')
OFF, METHODS = 'off', ('statistics', 'entropy')
SEEDS = (101, 102, 103)
SIZE_WH = (640, 480)
_OTHER = 50  # from the seed of the scenes to adapt to, to that of the scenes to score
_console = Console(width=120)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """
    Sizes of the sets.

    :param adapting: unlabelled scenes.
    :param scored: labelled scenes.
    """

    out: Path
    adapting: int
    scored: int
    config: AdaptationConfig

    def scenes(self, name: str, seed: int, count: int, assets: str, disturbed: float) -> Path:
        """Render what is missing of a set and return its folder."""
        folder = self.out / 'scenes' / name
        config = RandomizationConfig.on_path(
            assets=assets, seed=seed, size_wh=SIZE_WH, disturbed=disturbed
        )
        job = synthesis.SynthesisJob(
            folder=folder, config=config, scenes=count, masks=True, depth=True, paths=False
        )
        job.records.prepare()
        for _ in synthesis.render_missing(job, 1):
            pass
        synthesis.finish(job)
        return folder

    def place(self, place: str, seed: int, count: int) -> Path:
        """Return the folder of held-out scenes as a place shows them."""
        if place == MIXED:
            return self.scenes(f'{place}_{seed}', seed, count, 'held_out', 1.0)
        clean = self.scenes(f'clean_{seed}', seed, count, 'held_out', 0.0)
        if place == 'clean':
            return clean
        return _spoilt(clean, self.out / 'scenes' / f'{place}_{seed}', place, seed)


def _spoilt(clean: Path, folder: Path, preset: str, seed: int) -> Path:
    """Return a copy of a set under a named disturbance; the masks stay."""
    if (folder / 'dataset.json').is_file():
        return folder
    for name in ('images', 'masks'):
        (folder / name).mkdir(parents=True, exist_ok=True)
    disturbance = load_disturbance(preset)
    for number, path in enumerate(sorted((clean / 'images').iterdir())):
        rgb = np.ascontiguousarray(cv2.imread(str(path))[..., ::-1])
        stored = cv2.imread(str(clean / 'depth' / f'{path.stem}.png'), cv2.IMREAD_UNCHANGED)
        depth_m = np.where(stored, stored / 1000.0, np.nan)
        found = disturb(rgb, disturbance, seed=seed * 1000 + number, frame=number, depth_m=depth_m)
        cv2.imwrite(str(folder / 'images' / f'{path.stem}.png'), found[..., ::-1])
        mask = f'{path.stem}.png'
        (folder / 'masks' / mask).write_bytes((clean / 'masks' / mask).read_bytes())
    (folder / 'dataset.json').write_bytes((clean / 'dataset.json').read_bytes())
    return folder


class Rows:
    """
    Rows of the result, written one by one.

    :param path: of the JSON file.
    :param identity: a file of another one is begun anew.
    """

    def __init__(self, path: Path, identity: dict[str, Any]) -> None:
        self._path, self.identity = path, identity
        self.rows: list[dict[str, Any]] = []
        if path.is_file():
            found = json.loads(path.read_text(encoding='utf-8'))
            if found['identity'] == identity:
                self.rows = found['rows']

    def __contains__(self, key: tuple[int, str, str]) -> bool:
        return key in {(row['seed'], row['place'], row['method']) for row in self.rows}

    def add(self, row: dict[str, Any]) -> None:
        """Keep a row."""
        self.rows.append(row)
        document = {
            'identity': self.identity, 'machine': describe_machine(), 'rows': self.rows,
            'summary': summary(self.rows),
        }  # fmt: skip
        self._path.parent.mkdir(parents=True, exist_ok=True)
        part = self._path.with_suffix('.part')
        part.write_text(json.dumps(document, indent=1) + '\n', encoding='utf-8')
        part.replace(self._path)


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return mean and deviation over the seeds of what each method gains over none."""
    off = {(row['seed'], row['place']): row for row in rows if row['method'] == OFF}
    found = {}
    for place in dict.fromkeys(row['place'] for row in rows):
        for method in (OFF, *METHODS):
            some = [
                (row, off[row['seed'], place])
                for row in rows
                if (row['place'], row['method']) == (place, method)
                and (row['seed'], place) in off
                and 'disturbed' in row
            ]
            if some:
                found[f'{place}, {method}'] = {'seeds': len(some), **_means(some)}
    return found


def _means(pairs: list[tuple[dict[str, Any], dict[str, Any]]]) -> dict[str, float]:
    figures = {}
    for part in ('disturbed', 'clean'):
        for name in ('mIoU', 'calibration_error'):
            values = np.array([row[part][name] for row, _ in pairs])
            gains = values - [before[part][name] for _, before in pairs]
            figures[f'{part}_{name}'] = round(float(values.mean()), 4)
            figures[f'{part}_{name}_gain'] = round(float(gains.mean()), 4)
            if len(gains) > 1:
                figures[f'{part}_{name}_gain_std'] = round(float(gains.std(ddof=1)), 4)
    return figures


def measure(bundle: ModelBundle, disturbed: Path, clean: Path) -> dict[str, Any]:
    """Return the figures of a bundle on a place's scenes and on the same scenes undisturbed."""
    segmenter = Segmenter.load(bundle, device='cpu', threads=1)
    figures = {
        name: measured_on(segmenter, open_masked_set(f'masks:{folder}'), lambda items, _: items)
        for name, folder in (('disturbed', disturbed), ('clean', clean))
    }
    segmenter.close()
    return figures


def row_of(
    plan: Plan, bundle: ModelBundle, statistics: Statistics, place: str, seed: int, method: str
) -> dict[str, Any]:
    """Return the row of a place, a seed and a method."""
    row: dict[str, Any] = {'seed': seed, 'place': place, 'method': method}
    scored = [plan.place(name, seed + _OTHER, plan.scored) for name in (place, 'clean')]
    if method == OFF:
        return {**row, **measure(bundle, *scored)}
    adapting = plan.place(place, seed, plan.adapting)
    started, config = time.process_time(), replace(plan.config, method=method, seed=seed)
    frames = list(spread_frames([str(adapting / 'images')], plan.adapting))
    try:
        adapted = adapt(bundle, frames, statistics, config)
    except AdaptationRefused as error:
        return {**row, 'refused': str(error)}
    cpu_s = round(time.process_time() - started, 1)
    written = adapted_bundle(
        bundle, adapted, plan.out / 'bundles' / f'{place}_{seed}_{method}',
        frames=frames, source='python -m benchmarks.adaptation', pictures=str(adapting),
    )  # fmt: skip
    record = {
        name: adapted.record[name]
        for name in ('looks', 'confidence', 'steps')
        if name in adapted.record
    }
    return {**row, 'cpu_s': cpu_s, **measure(written, *scored), **record}


def write_sheet(plan: Plan, bundle: ModelBundle, path: Path) -> None:
    """Draw scenes of the first seed: picture, before, after both methods, labels."""
    labelled = open_masked_set(f'masks:{plan.place(MIXED, SEEDS[0] + _OTHER, plan.scored)}')
    adapted = [
        read_bundle(plan.out / 'bundles' / f'{MIXED}_{SEEDS[0]}_{name}') for name in METHODS
    ]
    opened = [Segmenter.load(one, device='cpu', threads=1) for one in (bundle, *adapted)]
    rows = []
    for item in labelled.pictures[2 :: len(labelled.pictures) // 3][:3]:
        frame, truth = labelled.read(item)
        masks = [*(segmenter(frame) for segmenter in opened), SegmentationMask(truth)]
        rows.append(mask_row(frame, masks, bundle.classes).in_order(ColorOrder.BGR))
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.vstack(rows), [cv2.IMWRITE_JPEG_QUALITY, 88])


def kept_statistics(plan: Plan, bundle: ModelBundle) -> Statistics:
    """Return the statistics of the source, measured once on scenes of the train family."""
    weights = bundle.spec.weights.sha256
    path = plan.out / f'source_{plan.adapting}.safetensors'
    if not path.is_file():
        source = plan.scenes('source', 71, plan.adapting, 'train', 0.0)
        frames = list(spread_frames([str(source / 'images')], plan.adapting))
        write_statistics(source_statistics(bundle, frames, plan.config), path, weights)
    return read_statistics(path, weights)


def main() -> None:
    """Measure what is missing, show the table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--out', type=Path, default=Path('out/adaptation'))
    parser.add_argument('--result', type=Path, default=RESULT)
    parser.add_argument('--adapting', type=int, default=32)
    parser.add_argument('--scored', type=int, default=24)
    parser.add_argument('--places', nargs='*', default=[MIXED], choices=[MIXED, *PRESETS])
    parser.add_argument('--seeds', nargs='*', type=int, default=SEEDS)
    parser.add_argument('--sheet', type=Path, help='picture (JPEG) to draw')
    words = parser.parse_args()
    torch.set_num_threads(1)
    bundle = resolve_model(MODEL)
    config = AdaptationConfig()
    plan = Plan(out=words.out, adapting=words.adapting, scored=words.scored, config=config)
    identity = {
        'model': MODEL, 'weights_sha256': bundle.spec.weights.sha256,
        'adapting': words.adapting, 'scored': words.scored,
        'prior_pictures': config.prior_pictures, 'passes': config.passes, 'steps': config.steps,
        'learning_rate': config.learning_rate, 'least_agreement': config.least_agreement,
    }  # fmt: skip
    rows = Rows(words.result, identity)
    statistics = kept_statistics(plan, bundle)
    # All seeds of one method before the next: the default method is known first.
    runs = itertools.product((OFF, *METHODS), words.places, words.seeds)
    for method, place, seed in runs:
        if (seed, place, method) in rows:
            continue
        row = row_of(plan, bundle, statistics, place, seed, method)
        rows.add(row)
        found = row['disturbed']['mIoU'] if 'disturbed' in row else row['refused']
        _console.print(place, seed, method, found)
    if words.sheet:
        write_sheet(plan, bundle, words.sheet)
    table = Table('', 'mIoU disturbed', 'gain', '±', 'mIoU clean', 'gain', 'ECE disturbed')
    for name, figures in summary(rows.rows).items():
        keys = ('disturbed_mIoU', 'disturbed_mIoU_gain', 'disturbed_mIoU_gain_std', 'clean_mIoU',
                'clean_mIoU_gain', 'disturbed_calibration_error')  # fmt: skip
        table.add_row(name, *(f'{figures.get(key, float("nan")):.3f}' for key in keys))
    _console.print(table)


if __name__ == '__main__':
    main()
