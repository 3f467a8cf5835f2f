"""
Folders of numbered pictures in COCO format that can be continued.

Every picture leaves a record of its annotations; the records are joined at the end. A picture
whose record exists is not made again, so an interrupted run continues where it was, and a set
grows when more pictures are asked for.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from perception_nodes.imaging.outlines import outline_of

JPEG_QUALITY = 92
SMALLEST_PX = 12
"""Things whose longer side is shorter are marked to be ignored."""
LEAST_VISIBLE = 0.15
"""Things of which less is visible are marked to be ignored."""
OCCLUDED_BELOW = 0.95
"""A thing counts as partly occluded when less of it is visible."""
SIZE_EDGES_PX = (0, 12, 20, 32, 64, 96, 160, 320, 10_000)
"""Histogram edges of the longer side in the dataset card."""
CARD_NAME, ANNOTATIONS_NAME, RECORDS_NAME = 'dataset.json', 'annotations.json', 'records'


class DatasetMismatchError(RuntimeError):
    """The folder holds pictures of another configuration."""


def annotation_of(
    image_id: int,
    class_id: int,
    xyxy: Sequence[float],
    mask_hw: np.ndarray,
    *,
    visible_fraction: float,
    truncated_fraction: float,
) -> dict[str, Any]:
    """
    Return the COCO annotation of a thing, without its number.

    Things too small or too hidden to be found get ``ignore: 1`` and ``iscrowd: 1``: COCO
    evaluation then neither counts a detection there as wrong nor its absence as a miss.

    :param xyxy: around the visible pixels.
    :param mask_hw: (H, W) bool, the visible pixels.
    :param visible_fraction: of what nothing would hide, 0..1.
    :param truncated_fraction: outside the picture, 0..1.
    """
    left, top, right, bottom = (float(value) for value in xyxy)
    hopeless = max(right - left, bottom - top) < SMALLEST_PX or visible_fraction < LEAST_VISIBLE
    return {
        'image_id': image_id,
        'category_id': class_id + 1,
        'bbox': [left, top, right - left, bottom - top],
        'area': float(mask_hw.sum()),
        'iscrowd': int(hopeless),
        'ignore': int(hopeless),
        'visible_fraction': round(visible_fraction, 4),
        'truncated': round(truncated_fraction, 4),
        'segmentation': outline_of(mask_hw),
    }


@dataclass(frozen=True, kw_only=True)
class RecordedSet:
    """
    A set on its way.

    :param folder: created when missing.
    :param identity: what all pictures of the set share, for JSON.
    :param layers: folders of pictures in it.
    :param classes: in the order of the class ids.
    """

    folder: Path
    identity: dict[str, Any]
    layers: tuple[str, ...]
    classes: tuple[str, ...]

    def check(self) -> None:
        """
        Refuse a folder whose pictures cannot be continued.

        :raises DatasetMismatchError: it was made with another configuration.
        """
        wanted = json.loads(json.dumps(self.identity))
        if self._marker.exists() and json.loads(self._marker.read_text('utf-8')) != wanted:
            raise DatasetMismatchError(
                f'{self.folder} holds pictures of another configuration; choose another folder, '
                'repeat the seed, assets, size and options it was made with, or delete it'
            )

    def prepare(self) -> None:
        """Create the folders, or check that the set in them continues; see :meth:`check`."""
        self.check()
        for layer in (*self.layers, RECORDS_NAME):
            (self.folder / layer).mkdir(parents=True, exist_ok=True)
        self._marker.write_text(json.dumps(self.identity), encoding='utf-8')

    def missing(self, count: int) -> list[int]:
        """Return which of the first ``count`` pictures are still to be made."""
        return [number for number in range(count) if not self._record(number).exists()]

    def picture(self, layer: str, index: int, suffix: str) -> Path:
        """Return where a picture lies."""
        return self.folder / layer / f'{index:06d}{suffix}'

    def write(
        self,
        index: int,
        size_wh: tuple[int, int],
        annotations: Sequence[dict[str, Any]],
        **more: Any,
    ) -> None:
        """Write the record of a picture, after its files: a record means that all is there."""
        width, height = size_wh
        name = self.picture('images', index, '.jpg').relative_to(self.folder).as_posix()
        record = {
            'image': {'id': index, 'file_name': name, 'width': width, 'height': height},
            'annotations': list(annotations),
            **more,
        }
        path = self._record(index)
        part = path.with_suffix('.part')
        part.write_text(json.dumps(record), encoding='utf-8')
        part.replace(path)

    def join(self, count: int, description: str, licence: str) -> list[dict[str, Any]]:
        """Write ``annotations.json`` from the first ``count`` records; return the annotations."""
        images: list[dict[str, Any]] = []
        annotations: list[dict[str, Any]] = []
        for index in range(count):
            record = json.loads(self._record(index).read_text(encoding='utf-8'))
            images.append(record['image'])
            for entry in record['annotations']:
                annotations.append({'id': len(annotations) + 1, **entry})
        document = {
            'info': {'description': description, 'version': '1'},
            'licenses': [{'id': 1, 'name': licence}],
            'images': images,
            'annotations': annotations,
            'categories': [{'id': n + 1, 'name': name} for n, name in enumerate(self.classes)],
        }
        path = self.folder / ANNOTATIONS_NAME
        path.write_text(json.dumps(document), encoding='utf-8')
        return annotations

    def write_card(self, card: dict[str, Any]) -> None:
        """Write what the set is and what is in it."""
        text = json.dumps(card, indent=2) + '\n'
        (self.folder / CARD_NAME).write_text(text, encoding='utf-8')

    @property
    def _marker(self) -> Path:
        return self.folder / RECORDS_NAME / 'config.json'

    def _record(self, index: int) -> Path:
        return self.folder / RECORDS_NAME / f'{index:06d}.json'


def counts_of(annotations: Sequence[dict[str, Any]], classes: Sequence[str]) -> dict[str, Any]:
    """Return what is in a set: how many things, of which classes and sizes, how much is hidden."""
    counted = [entry for entry in annotations if not entry['ignore']]
    longer = np.array([max(entry['bbox'][2:]) for entry in counted])
    per_class = Counter(classes[entry['category_id'] - 1] for entry in counted)
    histogram = np.histogram(longer, SIZE_EDGES_PX)[0] if counted else np.zeros(8, int)
    names = [f'{low}..{high}' for low, high in pairwise(SIZE_EDGES_PX)]
    return {
        'objects': len(counted),
        'ignored': len(annotations) - len(counted),
        'objects_per_class': {name: per_class[name] for name in classes},
        'longer_side_px': dict(zip(names, (int(n) for n in histogram), strict=True)),
        'occluded_share': _share(entry['visible_fraction'] < OCCLUDED_BELOW for entry in counted),
        'truncated_share': _share(entry['truncated'] > 0.02 for entry in counted),
    }


def _share(flags: Any) -> float:
    """Return the part that is true, 0 of none."""
    values = list(flags)
    return round(float(np.mean(values)), 4) if values else 0.0
