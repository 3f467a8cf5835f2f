"""Pictures with boxes in COCO format."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch.utils.data import Dataset
from torchvision import tv_tensors

Sample = dict[str, Any]


@dataclass(frozen=True, eq=False, kw_only=True)
class LabelledPicture:
    """
    One picture and its objects.

    :param image_id: of the annotation file.
    :param path: of the picture.
    :param xyxy: (M, 4) float32, source pixels.
    :param class_ids: (M,) int64, index into the recipe's classes.
    :param ignored: (M,) bool, ``iscrowd`` regions.
    """

    image_id: int
    path: Path
    xyxy: np.ndarray
    class_ids: np.ndarray
    ignored: np.ndarray


def _category_order(categories: Sequence[dict], classes: Sequence[str], where: Path) -> dict:
    """Return {category id: class id}, refusing a file without one of the classes."""
    known = {item['name']: item['id'] for item in categories}
    missing = [name for name in classes if name not in known]
    if missing:
        raise ValueError(
            f'{where}: no category {", ".join(missing)}; it has {", ".join(sorted(known))}'
        )
    return {known[name]: index for index, name in enumerate(classes)}


def read_coco(annotations: Path, classes: Sequence[str]) -> list[LabelledPicture]:
    """
    Return the pictures of a COCO file, sorted by id; other categories are left out.

    Pictures lie beside the file in ``images/``, or beside the file itself.

    :raises ValueError: naming the file and what it lacks.
    """
    try:
        content = json.loads(annotations.read_text(encoding='utf-8'))
        order = _category_order(content['categories'], classes, annotations)
        rows: dict[int, list[tuple]] = {item['id']: [] for item in content['images']}
        for item in content['annotations']:
            if item['category_id'] in order:
                x, y, width, height = item['bbox']
                row = (x, y, x + width, y + height, order[item['category_id']])
                rows[item['image_id']].append((*row, bool(item.get('iscrowd', 0))))
        images = sorted(content['images'], key=lambda item: item['id'])
    except (KeyError, TypeError, json.JSONDecodeError) as error:
        raise ValueError(f'{annotations}: not a COCO annotation file: {error!r}') from error
    return [_picture(item, rows[item['id']], annotations.parent) for item in images]


def _picture(item: dict, rows: list[tuple], folder: Path) -> LabelledPicture:
    """Return the value of one picture."""
    table = np.asarray(rows, dtype=np.float64).reshape(-1, 6)
    inner = folder / 'images' / item['file_name']
    return LabelledPicture(
        image_id=int(item['id']),
        path=inner if inner.exists() else folder / item['file_name'],
        xyxy=table[:, :4].astype(np.float32),
        class_ids=table[:, 4].astype(np.int64),
        ignored=table[:, 5].astype(bool),
    )


def read_rgb(path: Path) -> np.ndarray:
    """Return (H, W, 3) uint8 RGB; raises ``ValueError`` naming an unreadable file."""
    pixels = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if pixels is None:
        raise ValueError(f'{path}: not a readable picture')
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)


class PictureDataset(Dataset):
    """
    Samples for training: ``image``, ``boxes``, ``class_ids``, ``ignored``.

    :param pictures: as :func:`read_coco` returns them.
    :param transform: of a sample.
    """

    def __init__(
        self, pictures: Sequence[LabelledPicture], transform: Callable[[Sample], Sample]
    ) -> None:
        self.pictures = list(pictures)
        self.transform = transform

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self.pictures)

    def __getitem__(self, index: int) -> Sample:
        """Return the varied sample."""
        picture = self.pictures[index]
        pixels = torch.from_numpy(read_rgb(picture.path)).permute(2, 0, 1)
        size_hw = (pixels.shape[1], pixels.shape[2])
        return self.transform(
            {
                'image': tv_tensors.Image(pixels),
                'boxes': tv_tensors.BoundingBoxes(
                    torch.from_numpy(picture.xyxy), format='XYXY', canvas_size=size_hw
                ),
                'class_ids': torch.from_numpy(picture.class_ids),
                'ignored': torch.from_numpy(picture.ignored),
            }
        )
