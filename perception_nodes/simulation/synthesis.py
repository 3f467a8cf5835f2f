"""Data sets of rendered scenes: pictures with boxes, outlines, masks, depth and paths."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from perception_nodes.imaging.picture_file import write_picture
from perception_nodes.simulation.classes import SEMANTIC_NAMES, THING_NAMES
from perception_nodes.simulation.path_labels import base_below, path_ahead
from perception_nodes.simulation.randomization import RandomizationConfig, Scene, SceneRenderer
from perception_nodes.simulation.records import (
    JPEG_QUALITY,
    RecordedSet,
    annotation_of,
    counts_of,
)
from perception_nodes.simulation.rendering_pool import rendering_pool

_LICENCE = 'Apache-2.0'


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

    @property
    def records(self) -> RecordedSet:
        """The folder, as a set that can be continued."""
        layers = {'masks': self.masks, 'depth': self.depth}
        if self.paths:  # absent in sets from before there were paths
            layers['paths'] = True
        return RecordedSet(
            folder=self.folder,
            identity={'config': asdict(self.config), **layers},
            layers=('images', *['masks'] * self.masks, *['depth'] * self.depth),
            classes=THING_NAMES,
        )


def annotations_of(scene: Scene) -> list[dict[str, Any]]:
    """Return the COCO annotations of a scene, without ids."""
    view = scene.view
    return [
        annotation_of(
            scene.index,
            class_id,
            box.tolist(),
            view.instance_ids == view.instance_numbers[index],
            visible_fraction=float(view.visible_fractions[index]),
            truncated_fraction=float(view.truncated_fractions[index]),
        )
        for index, (box, _, class_id) in enumerate(view.detections)
    ]


def write_scene(job: SynthesisJob, scene: Scene) -> None:
    """Write pictures first and the record last: a record means that the scene is complete."""
    records, view = job.records, scene.view
    picture = records.picture('images', scene.index, '.jpg')
    write_picture(picture, view.rgb[:, :, ::-1], jpeg_quality=JPEG_QUALITY)
    if job.masks:
        write_picture(records.picture('masks', scene.index, '.png'), view.class_ids)
    if job.depth:
        millimetres = np.nan_to_num(view.depth_m * 1000, nan=0.0).clip(0, 65535)
        path = records.picture('depth', scene.index, '.png')
        write_picture(path, millimetres.astype(np.uint16))
    height, width = view.rgb.shape[:2]
    more = {'path': _path_of(scene)} if job.paths else {}
    records.write(scene.index, (width, height), annotations_of(scene), **more)


def _path_of(scene: Scene) -> list[list[float]]:
    """Return the rows of the path ahead."""
    pose = scene.layout.world_from_optical
    rows = path_ahead(scene.path, base_below(pose), scene.view.class_ids, pose, scene.camera)
    return np.round(rows, 4).tolist()


def _render_chunk(job: SynthesisJob, indices: list[int]) -> int:
    """Render and write some scenes; runs in a worker process."""
    renderer = SceneRenderer(job.config)
    try:
        for index in indices:
            write_scene(job, renderer.render(index))
    finally:
        renderer.close()
    return len(indices)


def render_missing(job: SynthesisJob, workers: int) -> Iterator[int]:
    """
    Render what is missing, and yield how many scenes each finished piece had.

    :param workers: processes; one software renderer keeps about one core busy.
    """
    per_stage = job.config.scenes_per_stage
    chunks: dict[int, list[int]] = {}
    for index in job.records.missing(job.scenes):
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
    records = job.records
    annotations = records.join(job.scenes, 'Rendered scenes with exact boxes', _LICENCE)
    card = {
        'licence': _LICENCE,
        'seed': job.config.seed,
        'assets': job.config.assets,
        'scenes': job.scenes,
        'config': asdict(job.config),
        'classes': list(THING_NAMES),
        'semantic_classes': list(SEMANTIC_NAMES) if job.masks else None,
        **counts_of(annotations, THING_NAMES),
    }
    records.write_card(card)
    return card
