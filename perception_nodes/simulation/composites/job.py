"""Data sets of composites: the same files as rendered sets, continued in the same way."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from concurrent.futures import as_completed
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from perception_nodes.imaging.disturbances import disturb, random_disturbance
from perception_nodes.imaging.picture_file import write_picture
from perception_nodes.simulation.composites.backgrounds import (
    FOLDER,
    background_paths,
    random_view,
)
from perception_nodes.simulation.composites.composite import (
    Composite,
    CompositeConfig,
    compose,
)
from perception_nodes.simulation.composites.things import (
    Labels,
    RenderedThings,
    StoredThings,
    Things,
    labels_of,
)
from perception_nodes.simulation.records import (
    JPEG_QUALITY,
    RecordedSet,
    annotation_of,
    counts_of,
)
from perception_nodes.simulation.rendering_pool import rendering_pool

_CHUNK = 10
_STREAM = 4  # first number of the random streams, beside those of the scenes
_LICENCE = 'that of the backgrounds and of the things'


@dataclass(frozen=True, kw_only=True)
class CompositeJob:
    """
    What is written where.

    :param folder: the data set; created when missing, with its backgrounds.
    :param addresses: where the backgrounds come from.
    :param topic: image topic of bags.
    :param cutouts: folder of the things; None renders things of ``assets``.
    :param assets: family of rendered things.
    :param masks: also write ``masks/`` (PNG).
    """

    folder: Path
    config: CompositeConfig
    scenes: int
    addresses: tuple[str, ...]
    topic: str = ''
    cutouts: Path | None = None
    assets: str = 'train'
    masks: bool = False

    def __post_init__(self) -> None:
        """Refuse an empty job."""
        if self.scenes < 1:
            raise ValueError(f'scenes must be at least 1, got {self.scenes!r}')

    @functools.cached_property
    def labels(self) -> Labels:
        """What the numbers of the set mean; cut-outs are looked for once."""
        return labels_of(self.cutouts)

    @property
    def source(self) -> str:
        """Where the things come from, in a word."""
        return self.assets if self.cutouts is None else str(self.cutouts)

    @property
    def backgrounds(self) -> Path:
        """Where the gathered backgrounds lie."""
        return self.folder / FOLDER

    @property
    def records(self) -> RecordedSet:
        """The folder, as a set that can be continued."""
        labels = self.labels
        return RecordedSet(
            folder=self.folder,
            identity={
                'config': asdict(self.config), 'backgrounds': [*self.addresses, self.topic],
                'things': self.source, 'classes': labels.classes, 'masks': self.masks,
            },
            layers=('images', *['masks'] * self.masks),
            classes=labels.classes,
        )  # fmt: skip

    def open_things(self) -> Things:
        """Return the source of things."""
        if self.cutouts is not None:
            return StoredThings(self.cutouts)
        return RenderedThings(self.assets, self.config.seed, self.config.size_wh)


def compose_missing(job: CompositeJob, workers: int) -> Iterator[int]:
    """
    Make what is missing, and yield how many pictures each finished piece had.

    :param workers: processes.
    """
    missing = job.records.missing(job.scenes)
    chunks = [missing[start : start + _CHUNK] for start in range(0, len(missing), _CHUNK)]
    if workers <= 1:
        for chunk in chunks:
            yield _compose_chunk(job, chunk)
        return
    with rendering_pool(workers) as pool:
        futures = [pool.submit(_compose_chunk, job, chunk) for chunk in chunks]
        for future in as_completed(futures):
            yield future.result()


def finish(job: CompositeJob) -> dict[str, Any]:
    """Join the records to ``annotations.json``, write the dataset card, and return the card."""
    records, labels = job.records, job.labels
    annotations = records.join(job.scenes, 'Things on real backgrounds', _LICENCE)
    card = {
        'licence': _LICENCE,
        'seed': job.config.seed,
        'assets': job.source,
        'backgrounds': list(job.addresses),
        'scenes': job.scenes,
        'config': asdict(job.config),
        'classes': list(labels.classes),
        'semantic_classes': list(labels.semantic) if job.masks else None,
        **counts_of(annotations, labels.classes),
    }
    records.write_card(card)
    return card


def _compose_chunk(job: CompositeJob, indices: list[int]) -> int:
    """Make and write some pictures; runs in a worker process."""
    paths = background_paths(job.backgrounds)
    with closing(job.open_things()) as things:
        for index in indices:
            rng = np.random.default_rng([job.config.seed, _STREAM, index])
            background = random_view(paths[int(rng.integers(len(paths)))], job.config.size_wh, rng)
            low, high = job.config.things
            drawn = things.draw(index, int(rng.integers(low, high + 1)), rng)
            made = compose(background, drawn, job.config, rng)
            _write(job, index, made, _disturbed(made.rgb, job.config.disturbed, index, rng))
    return len(indices)


def _disturbed(rgb: np.ndarray, part: float, index: int, rng: np.random.Generator) -> np.ndarray:
    """Return the picture, in a part of them in bad light and weather."""
    if rng.random() >= part:
        return rgb
    return disturb(rgb, random_disturbance(rng), seed=int(rng.integers(2**31)), frame=index)


def _write(job: CompositeJob, index: int, made: Composite, rgb: np.ndarray) -> None:
    """Write pictures first and the record last."""
    records, labels = job.records, job.labels
    picture = records.picture('images', index, '.jpg')
    write_picture(picture, rgb[:, :, ::-1], jpeg_quality=JPEG_QUALITY)
    if job.masks:
        values = [labels.first + class_id for class_id in made.class_ids]
        table = np.array([*values, labels.rest], np.uint8)  # the last one is that of number -1
        write_picture(records.picture('masks', index, '.png'), table[made.owner])
    annotations = [
        annotation_of(
            index,
            class_id,
            thing.xyxy,
            made.owner == number,
            visible_fraction=thing.visible_fraction,
            truncated_fraction=thing.truncated_fraction,
        )
        for number, (thing, class_id) in enumerate(zip(made.pasted, made.class_ids, strict=True))
        if thing.xyxy is not None
    ]
    records.write(index, job.config.size_wh, annotations)
