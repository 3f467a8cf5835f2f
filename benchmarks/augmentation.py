"""
What the recipes do to training pictures, and what it costs: ``python -m benchmarks.augmentation``.

Scenes of the simulator are rendered; the picture of docs/augmentation.md is made from them, with
the simulator's own rooms as the backgrounds of composites, and the processor time of a sample is
measured on one core. Nothing is trained.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch.utils.data import Dataset

from perception_nodes.evaluation.datasets import open_dataset
from perception_nodes.evaluation.machine import describe_machine
from perception_nodes.evaluation.masked_sets import open_masked_set
from perception_nodes.imaging.picture_file import write_picture
from perception_nodes.learning.data.augmentation import training_transform
from perception_nodes.learning.data.masks import MaskDataset, mask_transform
from perception_nodes.learning.data.pictures import PictureDataset, Sample, labelled_pictures
from perception_nodes.learning.recipes.detection import DataRecipe
from perception_nodes.learning.recipes.segmentation import MaskDataRecipe
from perception_nodes.simulation.composites.backgrounds import gather_backgrounds
from perception_nodes.simulation.composites.composite import CompositeConfig
from perception_nodes.simulation.composites.job import CompositeJob, compose_missing
from perception_nodes.simulation.composites.job import finish as finish_composites
from perception_nodes.simulation.randomization import RandomizationConfig
from perception_nodes.simulation.synthesis import SynthesisJob, finish, render_missing
from perception_nodes.structures import Detections, SegmentationMask
from perception_nodes.visualization import BoxStyle, draw_detections, draw_mask

SCENES, COLUMNS, TIMED, TILE_PX = 60, 4, 180, 240
KINDS: dict[str, dict[str, Any]] = {
    'plain': {},
    'mosaic': {'mosaic': 1.0},
    'paste': {'paste': 1.0},
    'disturbed': {'disturbed': 1.0},
}
PASTED = ('person', 'sign')
TO_LOOK_AT = {'colour': 0.15, 'scale_min': 0.65, 'scale_max': 0.85}
"""Of the samples of the sheet, so that one sees more of a scene in its own colours."""
SHOWN = 10  # first scene of the sheet
TARGET = Path(__file__).resolve().parent.parent / 'docs' / 'images' / 'augmentation.jpg'


def render(folder: Path, config: RandomizationConfig, scenes: int) -> Path:
    """Return the folder of a rendered set with masks."""
    job = SynthesisJob(folder=folder, config=config, scenes=scenes, masks=True)
    job.records.prepare()
    for _ in render_missing(job, 2):
        pass
    finish(job)
    return folder


def boxed_samples(folder: Path, **more: float) -> Iterator[tuple[str, Dataset, tuple[str, ...]]]:
    """Yield the samples of a detector by what is done to them."""
    truth = open_dataset(f'coco:{folder / "annotations.json"}')
    classes = tuple(truth.category_ids)
    pictures = labelled_pictures(truth, classes)
    stored = PictureDataset(pictures)
    for name, settings in KINDS.items():
        change = training_transform(DataRecipe(**settings, **more), stored, classes)
        yield name, PictureDataset(pictures, change), classes


def masked_samples(folder: Path, **more: float) -> Iterator[tuple[str, Dataset, tuple[str, ...]]]:
    """Yield the samples of a segmenter likewise."""
    stored = MaskDataset(open_masked_set(f'masks:{folder}'), cached=True)
    for name, settings in KINDS.items():
        names = {'paste_classes': PASTED} if 'paste' in settings else {}
        recipe = MaskDataRecipe(crop_wh=(320, 320), **settings, **names, **more)
        yield name, stored.varied(mask_transform(recipe, stored)), stored.labelled.classes


def drawn(sample: Sample, classes: tuple[str, ...]) -> np.ndarray:
    """Return (TILE_PX, TILE_PX, 3) uint8 RGB: a sample with its labels."""
    rgb = np.ascontiguousarray(sample['image'].permute(1, 2, 0).numpy())
    if 'mask' in sample:
        mask = SegmentationMask(np.ascontiguousarray(sample['mask'][0].numpy()))
        rgb = draw_mask(rgb, mask, classes, legend=False)
    else:
        ids, ignored = sample['class_ids'].numpy(), sample['ignored'].numpy()
        boxes = Detections(sample['boxes'].numpy(), np.ones(len(ids)), ids)
        rgb = draw_detections(rgb, boxes[~ignored], classes, show_labels=False)
        rgb = draw_detections(rgb, boxes[ignored], classes, style=BoxStyle.TRUTH)
    return cv2.resize(rgb, (TILE_PX, TILE_PX), interpolation=cv2.INTER_AREA)


def composites(folder: Path, rooms: Path) -> Dataset:
    """Return samples of things on pictures of rooms, uncut."""
    size_wh = (480, 480)
    config = CompositeConfig(size_wh=size_wh, things=(3, 6), height=(0.15, 0.6), seed=4)
    job = CompositeJob(
        folder=folder, config=config, scenes=COLUMNS,
        addresses=(str(rooms),), assets='held_out',
    )  # fmt: skip
    gather_backgrounds(job.addresses, job.backgrounds, size_wh)
    job.records.prepare()
    for _ in compose_missing(job, 1):
        pass
    finish_composites(job)
    truth = open_dataset(f'coco:{folder / "annotations.json"}')
    return PictureDataset(labelled_pictures(truth, tuple(truth.category_ids)))


def cpu_ms(samples: Dataset) -> float:
    """Return the mean processor time of a sample."""
    begin = time.process_time()
    for index in range(TIMED):
        samples[index % SCENES]
    return 1e3 * (time.process_time() - begin) / TIMED


def main() -> None:
    """Render, draw the sheet, measure, print, and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--sheet', type=Path, default=TARGET)
    parser.add_argument('--out', type=Path, default=Path('out/benchmarks/augmentation.json'))
    options = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    torch.manual_seed(6)
    rows: list[list[np.ndarray]] = []
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name:
        folder, config = Path(name), RandomizationConfig(seed=3)
        scenes = render(folder / 'scenes', config, SCENES)
        empty = replace(config, things=(0, 0), assets='validation')
        rooms = render(folder / 'rooms', empty, 2 * COLUMNS) / 'images'
        for task, found in (('boxes', boxed_samples), ('masks', masked_samples)):
            figures |= {f'{task}, {kind}': cpu_ms(samples) for kind, samples, _ in found(scenes)}
            for kind, samples, classes in found(scenes, **TO_LOOK_AT):
                if kind in ('mosaic', 'paste'):
                    rows.append([drawn(samples[SHOWN + n], classes) for n in range(COLUMNS)])
        pasted = composites(folder / 'composites', rooms)
        rows.append([drawn(pasted[n], PASTED) for n in range(COLUMNS)])
    sheet = np.vstack([np.hstack(row) for row in rows])
    write_picture(options.sheet, sheet[:, :, ::-1], jpeg_quality=80)
    for kind, value in figures.items():
        print(f'{kind:18} {value:6.1f} ms')
    options.out.parent.mkdir(parents=True, exist_ok=True)
    result = {'machine': describe_machine(), 'samples': TIMED, 'cpu_ms': figures}
    options.out.write_text(json.dumps(result, indent=1) + '\n')


if __name__ == '__main__':
    main()
