"""Labelled pictures as samples for training."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset
from torchvision import tv_tensors

from perception_nodes.evaluation.ground_truth import GroundTruth, TrueBoxes, read_picture
from perception_nodes.structures import ColorOrder

Sample = dict[str, Any]


@dataclass(frozen=True, eq=False, kw_only=True)
class LabelledPicture:
    """
    One picture and its objects.

    :param image_id: of the label file.
    :param path: of the picture.
    :param xyxy: (M, 4) float32, source pixels.
    :param class_ids: (M,) int64, index into the recipe's classes.
    :param ignored: (M,) bool, regions that are neither object nor background.
    :param outlines: (M,) see :class:`~perception_nodes.evaluation.ground_truth.TrueBoxes`.
    """

    image_id: int
    path: Path
    xyxy: np.ndarray
    class_ids: np.ndarray
    ignored: np.ndarray
    outlines: tuple[Any, ...]


def labelled_pictures(truth: GroundTruth, classes: Sequence[str]) -> list[LabelledPicture]:
    """
    Return the pictures of a labelled set with the boxes of the classes; others are left out.

    :raises ValueError: a class has no category in the labels.
    """
    missing = [name for name in classes if name not in truth.category_ids]
    if missing:
        raise ValueError(
            f'the labels have no category {", ".join(missing)}; '
            f'they have {", ".join(truth.category_ids)}'
        )
    return [
        _picture(image.image_id, image.path, truth.boxes_of(image.image_id), classes)
        for image in truth.images
    ]


def _picture(
    image_id: int, path: Path, boxes: TrueBoxes, classes: Sequence[str]
) -> LabelledPicture:
    """Return the value of one picture."""
    keep = np.array([label in classes for label in boxes.labels], dtype=bool)
    ids = [classes.index(label) for label in boxes.labels if label in classes]
    return LabelledPicture(
        image_id=image_id,
        path=path,
        xyxy=boxes.xyxy[keep],
        class_ids=np.array(ids, dtype=np.int64),
        ignored=boxes.crowd[keep],
        outlines=tuple(itertools.compress(boxes.outlines, keep)),
    )


def as_stored(sample: Sample) -> Sample:
    """Return the sample: the transform that changes nothing."""
    return sample


def any_sample(samples: Dataset) -> Sample:
    """Return one of them by chance, from torch's generator, the one that checkpoints keep."""
    return samples[int(torch.randint(len(samples), ()))]  # type: ignore[arg-type]


class PictureDataset(Dataset):
    """
    Samples for training: ``image``, ``boxes``, ``class_ids``, ``ignored``.

    :param pictures: at least one.
    :param transform: of a sample; without it they are as they are stored.
    """

    def __init__(
        self,
        pictures: Sequence[LabelledPicture],
        transform: Callable[[Sample], Sample] = as_stored,
    ) -> None:
        self.pictures = list(pictures)
        self.transform = transform

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self.pictures)

    def shown(self, classes: int) -> np.ndarray:
        """Return (N, C) bool, which classes each picture shows, apart from ignored regions."""
        found = [item.class_ids[~item.ignored] for item in self.pictures]
        return np.stack([np.bincount(ids, minlength=classes) > 0 for ids in found])

    def __getitem__(self, index: int) -> Sample:
        """Return the varied sample."""
        picture = self.pictures[index]
        rgb = read_picture(picture.path).in_order(ColorOrder.RGB)
        pixels = torch.from_numpy(np.ascontiguousarray(rgb)).permute(2, 0, 1)
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
