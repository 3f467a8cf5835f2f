"""Labelled pictures of any origin, in the COCO layout that the measure needs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from perception_nodes.evaluation.set_digest import set_digest
from perception_nodes.imaging.compressed import decode_compressed
from perception_nodes.imaging.image_error import ImageError
from perception_nodes.structures import ColorOrder, Frame


class GroundTruthError(ValueError):
    """Labels or pictures that cannot be used; the text names the file and the cure."""


class LabelFault(str, Enum):
    """What is wrong with a label that a reader leaves out."""

    BROKEN = 'label_broken'
    CLASS = 'class_unknown'
    NO_MASK = 'mask_missing'
    UNREADABLE = 'picture_unreadable'


Problem = Callable[[LabelFault, Path, str], None]
"""
Called with what is wrong, the file and words; what it concerns is then left out.

A reader without one raises at the first problem.
"""


@dataclass(frozen=True, kw_only=True)
class LabelledImage:
    """
    One picture of a labelled set.

    :param image_id: number in the COCO layout.
    :param path: the file.
    """

    image_id: int
    path: Path


@dataclass(frozen=True, eq=False, kw_only=True)
class TrueBoxes:
    """
    What is true in one picture.

    :param xyxy: (M, 4) float32 left, top, right, bottom in pixels.
    :param labels: (M,) category names.
    :param crowd: (M,) bool, regions that hold many things and count neither way.
    :param outlines: (M,) ``segmentation`` of each annotation, see
        :func:`~perception_nodes.imaging.outlines.mask_of`; None where only the box is known.
    """

    xyxy: np.ndarray
    labels: tuple[str, ...]
    crowd: np.ndarray
    outlines: tuple[Any, ...]


class GroundTruth:
    """
    A labelled set.

    :param content: ``images``, ``annotations`` and ``categories`` as in a COCO instances file.
    :param folder: where the pictures lie.
    :raises GroundTruthError: when a part is missing or not as COCO has it.
    """

    def __init__(self, content: Mapping[str, Any], folder: Path) -> None:
        self._folder = folder
        try:
            self._names = {int(c['id']): str(c['name']) for c in content['categories']}
            self.images = tuple(
                LabelledImage(image_id=int(i['id']), path=folder / str(i['file_name']))
                for i in content['images']
            )
            for annotation in content['annotations']:
                _check_annotation(annotation)
        except (KeyError, TypeError, ValueError) as error:
            raise GroundTruthError(
                f'labels are not in the COCO layout: {type(error).__name__} {error}'
            ) from error
        self.content = dict(content)

    @property
    def category_ids(self) -> dict[str, int]:
        """Category numbers by name; COCO's own run to 90 with gaps."""
        return {name: number for number, name in self._names.items()}

    @cached_property
    def _annotations(self) -> dict[int, list[Mapping[str, Any]]]:
        by_image: dict[int, list[Mapping[str, Any]]] = {}
        for annotation in self.content['annotations']:
            by_image.setdefault(int(annotation['image_id']), []).append(annotation)
        return by_image

    def digest(self) -> str:
        """Return the SHA-256 of pictures and labels."""
        return set_digest((image.path for image in self.images), self.content)

    def part(self, chosen: slice) -> GroundTruth:
        """Return the set of some of the pictures, in the order in which they are listed."""
        kept = [dict(item) for item in self.content['images'][chosen]]
        numbers = {item['id'] for item in kept}
        labels = [item for item in self.content['annotations'] if item['image_id'] in numbers]
        content = {**self.content, 'images': kept, 'annotations': labels}
        return GroundTruth(content, self._folder)

    def boxes_of(self, image_id: int) -> TrueBoxes:
        """Return the true boxes of a picture, empty where nothing is labelled."""
        found = self._annotations.get(image_id, [])
        xywh = np.array([item['bbox'] for item in found], np.float32).reshape(-1, 4)
        return TrueBoxes(
            xyxy=np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], axis=1),
            labels=tuple(self._names[int(item['category_id'])] for item in found),
            crowd=np.array([bool(item.get('iscrowd', 0)) for item in found], dtype=bool),
            outlines=tuple(item.get('segmentation') or None for item in found),
        )


def refuse(fault: LabelFault, path: Path, words: str, on_problem: Problem | None) -> None:
    """Pass a problem on, or raise it where nobody listens."""
    if on_problem is None:
        raise GroundTruthError(f'{path}: {words}')
    on_problem(fault, path, words)


def read_coco(
    annotations: Path, images: Path | None = None, on_problem: Problem | None = None
) -> GroundTruth:
    """
    Read a COCO instances file.

    :param annotations: JSON file.
    :param images: folder of the pictures; None: the folder of the file, or ``images/`` in it,
        wherever the first picture is found.
    :param on_problem: takes annotations that are wrong; without it the first one is an error.
    :raises GroundTruthError: naming the file and what is wrong.
    """
    try:
        content = json.loads(annotations.read_text(encoding='utf-8'))
    except (OSError, ValueError) as error:
        raise GroundTruthError(f'{annotations}: cannot be read as JSON: {error}') from error
    try:
        if on_problem is not None:
            content = _sound(content, annotations, on_problem)
        truth = GroundTruth(content, images or annotations.parent)
        is_here = images or not truth.images or truth.images[0].path.is_file()
        return truth if is_here else GroundTruth(content, annotations.parent / 'images')
    except GroundTruthError as error:
        raise GroundTruthError(f'{annotations}: {error}') from error


def read_picture(path: Path) -> Frame:
    """
    Read a JPEG or PNG as it is stored (labels know nothing of EXIF rotations).

    :raises GroundTruthError: naming the file.
    """
    try:
        view = decode_compressed(path.read_bytes())
    except (OSError, ImageError) as error:
        raise GroundTruthError(f'{path}: cannot be read as a picture: {error}') from error
    return Frame(pixels=view.array, color_order=ColorOrder.BGR, frame_id=path.name)


def coco_content(
    images: Sequence[Mapping[str, Any]],
    boxes: Sequence[tuple[int, str, Sequence[float], bool]],
    names: Sequence[str],
) -> dict[str, Any]:
    """
    Return the COCO layout of boxes.

    :param images: ``id``, ``file_name``, ``width``, ``height`` of each picture.
    :param boxes: (image id, category name, (left, top, right, bottom) in pixels, count neither
        way) of each box.
    :param names: category names; numbers start at 1 in this order.
    """
    numbers = {name: number for number, name in enumerate(names, start=1)}
    annotations = [
        {
            'id': index,
            'image_id': image_id,
            'category_id': numbers[name],
            'bbox': [left, top, right - left, bottom - top],
            'area': (right - left) * (bottom - top),
            'iscrowd': int(ignored),
        }
        for index, (image_id, name, (left, top, right, bottom), ignored) in enumerate(
            boxes, start=1
        )
    ]
    categories = [{'id': number, 'name': name} for name, number in numbers.items()]
    return {'images': list(images), 'annotations': annotations, 'categories': categories}


def _sound(content: Any, path: Path, on_problem: Problem) -> dict[str, Any]:
    """Return the content without annotations that are wrong; each is reported."""
    try:
        pictures = {int(image['id']): str(image['file_name']) for image in content['images']}
        categories = {int(category['id']) for category in content['categories']}
        annotations = list(content['annotations'])
    except (KeyError, TypeError, ValueError) as error:
        raise GroundTruthError(
            f'labels are not in the COCO layout: {type(error).__name__} {error}'
        ) from error
    sound = []
    for item in annotations:
        try:
            _check_annotation(item)
        except (KeyError, TypeError, ValueError) as error:
            on_problem(LabelFault.BROKEN, path, f'annotation {item!r:.80}: {error!r}')
            continue
        picture, category = int(item['image_id']), int(item['category_id'])
        if picture not in pictures:
            on_problem(LabelFault.BROKEN, path, f'an annotation of image_id {picture}: no such')
        elif category not in categories:
            on_problem(LabelFault.CLASS, path, f'{pictures[picture]}: category_id {category}')
        else:
            sound.append(item)
    return {**content, 'annotations': sound}


def _check_annotation(annotation: Mapping[str, Any]) -> None:
    int(annotation['image_id']), int(annotation['category_id'])
    if len(annotation['bbox']) != 4 or not np.isfinite(annotation['bbox']).all():
        raise ValueError(f'bbox {annotation["bbox"]} is not x, y, width, height')
