"""
Data sets of rendered scenes in COCO format.

Every scene leaves a picture and a record of its annotations; the records are joined at the end.
A scene whose record exists is not rendered again, so an interrupted run continues where it was,
and a data set grows when more scenes are asked for.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import as_completed
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from perception_nodes.imaging.outlines import outline_of
from perception_nodes.simulation.classes import SEMANTIC_NAMES, THING_NAMES
from perception_nodes.simulation.path_labels import base_below, path_ahead
from perception_nodes.simulation.randomization import RandomizationConfig, Scene, SceneRenderer
from perception_nodes.simulation.rendering_pool import rendering_pool

JPEG_QUALITY = 92
SMALLEST_PX = 12
"""Things whose longer side is shorter are marked to be ignored."""
LEAST_VISIBLE = 0.15
"""Things of which less is visible are marked to be ignored."""
OCCLUDED_BELOW = 0.95
"""A thing counts as partly occluded when less of it is visible."""
SIZE_EDGES_PX = (0, 12, 20, 32, 64, 96, 160, 320, 10_000)
"""Histogram edges of the longer side in the dataset card."""
CARD_NAME, RECORDS_NAME = 'dataset.json', 'records'


class DatasetMismatchError(RuntimeError):
    """The folder holds scenes of another configuration."""


@dataclass(frozen=True, kw_only=True)
class SynthesisJob:
    """
    What is written where.

    :param folder: the data set; created when missing.
    :param masks: also write ``masks/`` (semantic classes, PNG).
    :param depth: also write ``depth/`` (millimetres, 16 bit PNG, 0 is unknown).
    :param paths: also write the path ahead into the records, see ``path_ahead``; base_link lies
        on the floor below the camera.
    """

    folder: Path
    config: RandomizationConfig
    scenes: int
    masks: bool = False
    depth: bool = False
    paths: bool = False

    def __post_init__(self) -> None:
        """Refuse an empty job."""
        if self.scenes < 1:
            raise ValueError(f'scenes must be at least 1, got {self.scenes!r}')


def annotations_of(scene: Scene) -> list[dict[str, Any]]:
    """
    Return the COCO annotations of a scene, without ids.

    Things too small or too hidden to be found get ``ignore: 1`` and ``iscrowd: 1``: COCO
    evaluation then neither counts a detection there as wrong nor its absence as a miss.
    """
    view = scene.view
    entries = []
    for index, (box, _, class_id) in enumerate(view.detections):
        left, top, right, bottom = (float(value) for value in box)
        visible = float(view.visible_fractions[index])
        hopeless = max(right - left, bottom - top) < SMALLEST_PX or visible < LEAST_VISIBLE
        entries.append(
            {
                'image_id': scene.index,
                'category_id': class_id + 1,
                'bbox': [left, top, right - left, bottom - top],
                'area': float(view.areas_px[index]),
                'iscrowd': int(hopeless),
                'ignore': int(hopeless),
                'visible_fraction': round(visible, 4),
                'truncated': round(float(view.truncated_fractions[index]), 4),
                'segmentation': outline_of(view.instance_ids == view.instance_numbers[index]),
            }
        )
    return entries


def write_scene(job: SynthesisJob, scene: Scene) -> None:
    """Write pictures first and the record last: a record means that the scene is complete."""
    name = f'{scene.index:06d}'
    quality = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    bgr = np.ascontiguousarray(scene.view.rgb[:, :, ::-1])
    _write_image(job.folder / 'images' / f'{name}.jpg', bgr, quality)
    if job.masks:
        _write_image(job.folder / 'masks' / f'{name}.png', scene.view.class_ids, [])
    if job.depth:
        millimetres = np.nan_to_num(scene.view.depth_m * 1000, nan=0.0).clip(0, 65535)
        _write_image(job.folder / 'depth' / f'{name}.png', millimetres.astype(np.uint16), [])
    height, width = scene.view.rgb.shape[:2]
    record = {
        'image': {
            'id': scene.index, 'file_name': f'images/{name}.jpg', 'width': width, 'height': height,
        },
        'annotations': annotations_of(scene),
        **({'path': _path_of(scene)} if job.paths else {}),
    }  # fmt: skip
    path = _record_path(job.folder, scene.index)
    part = path.with_suffix('.part')
    part.write_text(json.dumps(record), encoding='utf-8')
    part.replace(path)


def _path_of(scene: Scene) -> list[list[float]]:
    """Return the rows of the path ahead."""
    pose = scene.layout.world_from_optical
    rows = path_ahead(scene.path, base_below(pose), scene.view.class_ids, pose, scene.camera)
    return np.round(rows, 4).tolist()


def _write_image(path: Path, pixels: np.ndarray, options: list[int]) -> None:
    """Write one picture, or raise ``OSError``."""
    if not cv2.imwrite(str(path), pixels, options):
        raise OSError(f'cannot write {path}')


def _record_path(folder: Path, index: int) -> Path:
    """Return where the record of a scene lies."""
    return folder / RECORDS_NAME / f'{index:06d}.json'


def _render_chunk(job: SynthesisJob, indices: list[int]) -> int:
    """Render and write some scenes; runs in a worker process."""
    renderer = SceneRenderer(job.config)
    try:
        for index in indices:
            write_scene(job, renderer.render(index))
    finally:
        renderer.close()
    return len(indices)


def missing_scenes(job: SynthesisJob) -> list[int]:
    """Return the numbers of the scenes that are still to be rendered."""
    return [n for n in range(job.scenes) if not _record_path(job.folder, n).exists()]


def prepare(job: SynthesisJob) -> None:
    """
    Create the folders, or check that the data set in them continues.

    :raises DatasetMismatchError: the folder was made with another configuration.
    """
    wanted = _identity(job)
    marker = job.folder / RECORDS_NAME / 'config.json'
    if marker.exists() and json.loads(marker.read_text(encoding='utf-8')) != wanted:
        raise DatasetMismatchError(
            f'{job.folder} holds scenes of another configuration; choose another folder, '
            'repeat the seed, assets and size it was made with, or delete it'
        )
    layers = ['images', RECORDS_NAME, *['masks'] * job.masks, *['depth'] * job.depth]
    for layer in layers:
        (job.folder / layer).mkdir(parents=True, exist_ok=True)
    marker.write_text(json.dumps(wanted), encoding='utf-8')


def _identity(job: SynthesisJob) -> dict[str, Any]:
    """Return what all scenes of a data set must share."""
    layers = {'masks': job.masks, 'depth': job.depth}
    if job.paths:  # absent in sets from before there were paths
        layers['paths'] = True
    return json.loads(json.dumps({'config': asdict(job.config), **layers}))


def render_missing(job: SynthesisJob, workers: int) -> Iterator[int]:
    """
    Render what is missing, and yield how many scenes each finished piece had.

    :param workers: processes; one software renderer keeps about one core busy.
    """
    per_stage = job.config.scenes_per_stage
    chunks: dict[int, list[int]] = {}
    for index in missing_scenes(job):
        chunks.setdefault(index // per_stage, []).append(index)
    if workers <= 1:
        for chunk in chunks.values():
            yield _render_chunk(job, chunk)
        return
    with rendering_pool(workers) as pool:
        futures = [pool.submit(_render_chunk, job, chunk) for chunk in chunks.values()]
        for future in as_completed(futures):
            yield future.result()


def finish(job: SynthesisJob) -> dict[str, Any]:
    """Join the records to ``annotations.json``, write the dataset card, and return the card."""
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for index in range(job.scenes):
        record = json.loads(_record_path(job.folder, index).read_text(encoding='utf-8'))
        images.append(record['image'])
        for entry in record['annotations']:
            annotations.append({'id': len(annotations) + 1, **entry})
    categories = [{'id': n + 1, 'name': name} for n, name in enumerate(THING_NAMES)]
    document = {
        'info': {'description': 'Rendered scenes with exact boxes', 'version': '1'},
        'licenses': [{'id': 1, 'name': 'Apache-2.0'}],
        'images': images, 'annotations': annotations, 'categories': categories,
    }  # fmt: skip
    (job.folder / 'annotations.json').write_text(json.dumps(document), encoding='utf-8')
    card = dataset_card(job, annotations)
    (job.folder / CARD_NAME).write_text(json.dumps(card, indent=2) + '\n', encoding='utf-8')
    return card


def dataset_card(job: SynthesisJob, annotations: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what the data set is and what is in it."""
    counted = [entry for entry in annotations if not entry['ignore']]
    longer = np.array([max(entry['bbox'][2:]) for entry in counted])
    occluded = [entry['visible_fraction'] < OCCLUDED_BELOW for entry in counted]
    per_class = Counter(THING_NAMES[entry['category_id'] - 1] for entry in counted)
    histogram = np.histogram(longer, SIZE_EDGES_PX)[0] if counted else np.zeros(8, int)
    names = [f'{low}..{high}' for low, high in pairwise(SIZE_EDGES_PX)]
    return {
        'licence': 'Apache-2.0',
        'seed': job.config.seed,
        'assets': job.config.assets,
        'scenes': job.scenes,
        'config': asdict(job.config),
        'classes': list(THING_NAMES),
        'semantic_classes': list(SEMANTIC_NAMES) if job.masks else None,
        'objects': len(counted),
        'ignored': len(annotations) - len(counted),
        'objects_per_class': {name: per_class[name] for name in THING_NAMES},
        'longer_side_px': dict(zip(names, (int(n) for n in histogram), strict=True)),
        'occluded_share': round(float(np.mean(occluded)), 4) if counted else 0.0,
        'truncated_share': round(
            float(np.mean([entry['truncated'] > 0.02 for entry in counted])) if counted else 0.0, 4
        ),
    }
