"""Pictures with one class each: samples, random changes, batches, cuts that keep tracks whole."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.utils.data import Dataset
from torchvision import tv_tensors
from torchvision.transforms import InterpolationMode, v2

from perception_nodes.evaluation.ground_truth import read_picture
from perception_nodes.evaluation.picture_folders import PictureFolders, tracks_of
from perception_nodes.imaging.resize import DEFAULT_PAD_VALUE, ImageResize
from perception_nodes.learning.data.augmentation import colour_changes
from perception_nodes.learning.data.balance import likely_by_rarest
from perception_nodes.learning.data.pictures import Sample
from perception_nodes.learning.recipes.classification import (
    ClassDataRecipe,
    ClassificationRecipe,
)
from perception_nodes.structures import ColorOrder


@dataclass(frozen=True, eq=False, kw_only=True)
class ClassBatch:
    """
    Pictures of the network's size with their classes.

    :param images: (B, 3, H, W) uint8 RGB.
    :param class_ids: (B,) int64.
    """

    images: torch.Tensor
    class_ids: torch.Tensor


class ClassedDataset(Dataset):
    """
    Samples for training: ``image`` (3, H, W) uint8 in the size of the network, ``class_id``.

    :param labelled: pictures, with the classes of the recipe.
    :param recipe: size, and how samples are varied.
    """

    def __init__(self, labelled: PictureFolders, recipe: ClassificationRecipe) -> None:
        self.labelled = labelled
        self.recipe = recipe
        self.transform = class_transform(recipe.data)
        count = len(self) if recipe.data.cached else 0
        self._cache = [self._read(index) for index in range(count)]

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self.labelled.pictures)

    def __getitem__(self, index: int) -> Sample:
        """Return the varied sample."""
        image = self._cache[index] if self._cache else self._read(index)
        class_id = self.labelled.pictures[index].class_id
        return self.transform({'image': tv_tensors.Image(image), 'class_id': class_id})

    def _read(self, index: int) -> torch.Tensor:
        frame = read_picture(self.labelled.pictures[index].path)
        resize = ImageResize(frame.size_wh, self.recipe.input_wh)
        rgb = resize.apply(np.ascontiguousarray(frame.in_order(ColorOrder.RGB)))
        return torch.from_numpy(rgb.transpose(2, 0, 1).copy())

    def counts(self) -> np.ndarray:
        """Return (C,) pictures of each class."""
        return np.array(self.labelled.counts(), np.int64)

    def likely(self) -> torch.Tensor | None:
        """Return (N,) how likely each picture is drawn, None for all equally."""
        classes = np.arange(len(self.labelled.classes))
        shown = np.array([item.class_id for item in self.labelled.pictures])[:, None] == classes
        return likely_by_rarest(shown, self.recipe.data.balanced)


def class_transform(recipe: ClassDataRecipe) -> v2.Transform:
    """Return the random changes of a training sample."""
    moved = v2.RandomAffine(
        recipe.turn_deg,
        translate=(recipe.shift, recipe.shift),
        scale=(recipe.scale_min, recipe.scale_max),
        interpolation=InterpolationMode.BILINEAR,
        fill=DEFAULT_PAD_VALUE,
    )
    mirrored = [v2.RandomHorizontalFlip(0.5)] if recipe.flip else []
    hidden = [v2.RandomErasing(recipe.erased, value=DEFAULT_PAD_VALUE)] if recipe.erased else []
    return v2.Compose([moved, *mirrored, *colour_changes(recipe.colour), *hidden])


def stack_classes(samples: Sequence[Sample]) -> ClassBatch:
    """Return the batch of the samples."""
    return ClassBatch(
        images=torch.stack([sample['image'].as_subclass(torch.Tensor) for sample in samples]),
        class_ids=torch.tensor([sample['class_id'] for sample in samples]),
    )


def cut_by_track(
    labelled: PictureFolders, pattern: str, *, part: float, first: int = 0
) -> tuple[PictureFolders, PictureFolders]:
    """
    Return what to learn from and what to choose with; a track lies on one side only.

    Pictures of one thing are near-duplicates: parts drawn at random would only measure memory.
    Of every class that has more than one track, whole tracks are cut, at least one of them.

    :param pattern: see :func:`~perception_nodes.evaluation.picture_folders.tracks_of`.
    :param part: of each class's tracks that is cut, 0..1; one always stays.
    :param first: place of the first track that is cut, in the order of names, counted round.
    :raises ValueError: no class has two tracks; a part outside 0..1.
    """
    if not 0.0 < part < 1.0:
        raise ValueError(f'cut: {part} must lie between 0 and 1')
    tracks = tracks_of(labelled, pattern)
    by_class: dict[int, list[str]] = {}
    for item, track in zip(labelled.pictures, tracks, strict=True):
        own = by_class.setdefault(item.class_id, [])
        if track not in own:
            own.append(track)
    cut: set[str] = set()
    for own in by_class.values():
        count = min(max(round(part * len(own)), 1), len(own) - 1)
        cut.update(own[(first + step) % len(own)] for step in range(count))
    if not cut:
        raise ValueError('cut: no class has two tracks; give a set of its own to choose with')
    pairs = list(zip(labelled.pictures, tracks, strict=True))
    kept, chosen = (
        tuple(item for item, track in pairs if (track in cut) is inside)
        for inside in (False, True)
    )
    return (
        dataclasses.replace(labelled, pictures=kept),
        dataclasses.replace(labelled, pictures=chosen),
    )
