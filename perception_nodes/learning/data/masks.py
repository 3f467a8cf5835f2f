"""Pictures with a class for every pixel: samples, random changes, batches."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch.utils.data import Dataset
from torchvision import tv_tensors
from torchvision.transforms import InterpolationMode, v2
from torchvision.transforms.v2 import functional

from perception_nodes.evaluation.masked_sets import MaskedSet
from perception_nodes.learning.data.augmentation import colour_changes
from perception_nodes.learning.data.disturbed import RandomDisturbance
from perception_nodes.learning.data.pictures import Sample
from perception_nodes.learning.data.splits import split_by_time, spread_over
from perception_nodes.learning.data.textures import texture_changes
from perception_nodes.learning.recipes.segmentation import MaskDataRecipe
from perception_nodes.structures import UNLABELLED, ColorOrder


def cut_by_time(labelled: MaskedSet, *, part: float, gap: int) -> tuple[MaskedSet, MaskedSet]:
    """
    Return what to learn from and what to choose with, cut from recordings by blocks of time.

    :param part: see :func:`~perception_nodes.learning.data.splits.split_by_time`, also for the
        gap and errors.
    :raises ValueError: when no recording is long enough to be cut.
    """
    pictures = labelled.pictures
    split = split_by_time([picture.path.stem for picture in pictures], part=part, gap=gap)
    if not split.cut or not split.kept:
        raise ValueError(
            f'cut {part}: nothing can be cut from recordings of {len(pictures)} pictures in all; '
            'give a larger part, or a set of its own to choose with'
        )
    kept, cut = (
        replace(labelled, pictures=tuple(pictures[index] for index in indices))
        for indices in (split.kept, split.cut)
    )
    return kept, cut


class MaskDataset(Dataset):
    """
    Samples for training: ``image`` (3, H, W) and ``mask`` (1, H, W), both uint8.

    :param labelled: pictures and masks.
    :param transform: of a sample.
    :param cached: decode every picture once, here, and keep it.
    """

    def __init__(
        self, labelled: MaskedSet, transform: Callable[[Sample], Sample], *, cached: bool
    ) -> None:
        self.labelled = labelled
        self.transform = transform
        self._cache = [self._read(index) for index in range(len(self))] if cached else None

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self.labelled.pictures)

    def __getitem__(self, index: int) -> Sample:
        """Return the varied sample."""
        image, mask = self._cache[index] if self._cache else self._read(index)
        return self.transform(
            {
                'image': tv_tensors.Image(image.permute(2, 0, 1)),
                'mask': tv_tensors.Mask(mask.unsqueeze(0)),
            }
        )

    def _read(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        frame, mask = self.labelled.read(self.labelled.pictures[index])
        rgb = np.ascontiguousarray(frame.in_order(ColorOrder.RGB))
        return torch.from_numpy(rgb), torch.from_numpy(mask)

    def shown(self) -> np.ndarray:
        """Return (N, C) bool, which classes each picture shows; every mask is read for it."""
        masks = (
            self._cache[index][1].numpy() if self._cache else self.labelled.read_mask(picture)
            for index, picture in enumerate(self.labelled.pictures)
        )
        counts = np.stack([np.bincount(mask.ravel(), minlength=256) for mask in masks])
        return counts[:, : len(self.labelled.classes)] > 0

    def pixel_counts(self, most: int = 400) -> np.ndarray:
        """Return (C,) pixels of each class in up to ``most`` pictures spread over the set."""
        counts = np.zeros(256, np.int64)
        for picture in spread_over(self.labelled.pictures, most):
            mask = self.labelled.read_mask(picture)
            counts += np.bincount(mask.ravel(), minlength=256)
        return counts[: len(self.labelled.classes)]


class ZoomedMaskCrop(torch.nn.Module):
    """
    Cut a window at a random zoom; what lies beyond the picture is black and ignored.

    :param recipe: sizes.
    """

    def __init__(self, recipe: MaskDataRecipe) -> None:
        super().__init__()
        self.recipe = recipe

    def forward(self, sample: Sample) -> Sample:
        """Return the cut sample in the size of the recipe."""
        recipe = self.recipe
        zoom = math.exp(_uniform(math.log(recipe.scale_min), math.log(recipe.scale_max)))
        stretch = math.exp(_uniform(-1.0, 1.0) * math.log(recipe.stretch) / 2)
        width = max(round(recipe.crop_wh[0] / (zoom * stretch)), 2)
        height = max(round(recipe.crop_wh[1] * stretch / zoom), 2)
        left, top = self._corner(sample, width, height)
        window = [top, left, height, width]
        size = [recipe.crop_wh[1], recipe.crop_wh[0]]
        # Cutting pads with 0: counted from 1, the mask's 0 is "ignored" there.
        shifted = tv_tensors.wrap(sample['mask'] + 1, like=sample['mask'])
        # Plain "nearest" reads half a pixel beside the picture: much for a pole.
        mask = functional.resize(
            functional.crop(shifted, *window).as_subclass(torch.Tensor),
            size,
            InterpolationMode.NEAREST_EXACT,
        )
        return {
            'image': functional.resized_crop(sample['image'], *window, size, antialias=zoom < 1),
            'mask': tv_tensors.Mask(mask - 1),
        }

    def _corner(self, sample: Sample, width: int, height: int) -> tuple[int, int]:
        """Return left and top of the window, within the picture where it fits."""
        rows, columns = sample['image'].shape[-2:]
        x, y = _uniform(0, columns - width), _uniform(0, rows - height)
        if float(torch.rand(())) < self.recipe.rare_crops:
            place = _pixel_of_some_class(sample['mask'][0])
            if place is not None:
                y = place[0] - height * _uniform(0.1, 0.9)
                x = place[1] - width * _uniform(0.1, 0.9)
        return (
            round(min(max(x, min(0, columns - width)), max(0, columns - width))),
            round(min(max(y, min(0, rows - height)), max(0, rows - height))),
        )


def _uniform(low: float, high: float) -> float:
    """Return a random number from torch's generator."""
    return low + (high - low) * float(torch.rand(()))


def _pixel_of_some_class(mask: torch.Tensor) -> tuple[int, int] | None:
    """Return row and column of a random pixel of a class that is drawn evenly."""
    ids = mask.numpy()
    present = [
        k for k in np.flatnonzero(np.bincount(ids.ravel(), minlength=256)) if k != UNLABELLED
    ]
    if not present:
        return None
    places = np.flatnonzero(ids == present[int(torch.randint(len(present), ()))])
    row, column = divmod(int(places[int(torch.randint(len(places), ()))]), ids.shape[1])
    return row, column


def mask_transform(recipe: MaskDataRecipe) -> v2.Transform:
    """Return the random changes of a training sample."""
    if recipe.textures:
        first, *flaws = texture_changes(recipe.textures)
    else:
        first, *flaws = colour_changes(recipe.colour)
    weather = [RandomDisturbance(recipe.disturbed)] if recipe.disturbed else []
    # Paints, then what is between them and the lens, then what the camera adds.
    return v2.Compose(
        [ZoomedMaskCrop(recipe), v2.RandomHorizontalFlip(0.5), first, *weather, *flaws]
    )


@dataclass(frozen=True, eq=False, kw_only=True)
class MaskBatch:
    """
    Pictures of equal size with their masks.

    :param images: (B, 3, H, W) uint8 RGB.
    :param masks: (B, H, W) uint8 class ids, 255 ignored.
    :param first: number of its first picture in the batch that it was cut from.
    """

    images: torch.Tensor
    masks: torch.Tensor
    first: int = 0


def stack_masks(samples: Sequence[Sample]) -> MaskBatch:
    """Return the batch of the samples."""
    return MaskBatch(
        images=torch.stack([sample['image'].as_subclass(torch.Tensor) for sample in samples]),
        masks=torch.stack([sample['mask'][0].as_subclass(torch.Tensor) for sample in samples]),
    )
