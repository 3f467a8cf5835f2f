"""Pictures with a class for every pixel: samples, random changes, batches."""

from __future__ import annotations

import copy
import functools
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
from perception_nodes.learning.data.augmentation import colour_changes, in_order
from perception_nodes.learning.data.copy_paste import PasteMasks
from perception_nodes.learning.data.mosaic import Mosaic
from perception_nodes.learning.data.pictures import Sample, as_stored
from perception_nodes.learning.data.splits import split_by_time, spread_over
from perception_nodes.learning.data.textures import texture_changes
from perception_nodes.learning.recipes.segmentation import MaskDataRecipe
from perception_nodes.structures import UNLABELLED, ColorOrder

_COUNTED = 400  # pictures of a set whose pixels are counted


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
    :param cached: decode every picture once, here, and keep it.
    :ivar transform: of a sample; they are as they are stored until :meth:`varied`.
    """

    def __init__(self, labelled: MaskedSet, *, cached: bool) -> None:
        self.labelled = labelled
        self.transform: Callable[[Sample], Sample] = as_stored
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

    def varied(self, transform: Callable[[Sample], Sample]) -> MaskDataset:
        """Return the samples under random changes; decoded pictures are shared."""
        other = copy.copy(self)
        other.transform = transform
        return other

    def shown(self) -> np.ndarray:
        """Return (N, C) bool, which classes each picture shows; every mask is read for it."""
        return np.stack([self._pixels(index) for index in range(len(self))]) > 0

    def pixel_counts(self) -> np.ndarray:
        """Return (C,) pixels of each class in the pictures that are counted."""
        return self.pixels_by_picture[1].sum(axis=0)

    @functools.cached_property
    def pixels_by_picture(self) -> tuple[np.ndarray, np.ndarray]:
        """Numbers (K,) of up to 400 pictures spread over the set, and their (K, C) pixels."""
        indices = spread_over(range(len(self)), _COUNTED)
        return np.array(indices), np.stack([self._pixels(index) for index in indices])

    def _pixels(self, index: int) -> np.ndarray:
        """Return (C,) pixels of each class in a picture."""
        if self._cache:
            mask = self._cache[index][1].numpy()
        else:
            mask = self.labelled.read_mask(self.labelled.pictures[index])
        return np.bincount(mask.ravel(), minlength=256)[: len(self.labelled.classes)]


class ZoomedMaskCrop(torch.nn.Module):
    """
    Cut a window at a random zoom; what lies beyond the picture is black and ignored.

    :param recipe: sizes.
    """

    def __init__(self, recipe: MaskDataRecipe) -> None:
        super().__init__()
        self.recipe = recipe

    def forward(self, sample: Sample, size_wh: tuple[int, int] | None = None) -> Sample:
        """Return the cut sample in a size, None: that of the recipe."""
        recipe = self.recipe
        size_wh = size_wh or recipe.crop_wh
        zoom = math.exp(_uniform(math.log(recipe.scale_min), math.log(recipe.scale_max)))
        stretch = math.exp(_uniform(-1.0, 1.0) * math.log(recipe.stretch) / 2)
        width = max(round(size_wh[0] / (zoom * stretch)), 2)
        height = max(round(size_wh[1] * stretch / zoom), 2)
        left, top = self._corner(sample, width, height)
        window = [top, left, height, width]
        size = [size_wh[1], size_wh[0]]
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


def mask_transform(recipe: MaskDataRecipe, others: MaskDataset | None = None) -> v2.Transform:
    """
    Return the random changes of a training sample.

    :param others: samples as they are stored, for a recipe that mixes pictures.
    :raises ValueError: when there are none and the recipe wants them.
    """
    cut: torch.nn.Module = ZoomedMaskCrop(recipe)
    mixed = []
    if recipe.mosaic or recipe.paste:
        if others is None:
            raise ValueError('mosaic and paste take other pictures; give them')
        if recipe.paste:
            numbers = [others.labelled.classes.index(name) for name in recipe.paste_classes]
            mixed = [PasteMasks(recipe.paste, others, numbers)]
        if recipe.mosaic:
            cut = Mosaic(recipe.mosaic, cut, recipe.crop_wh, others)
    if recipe.textures:
        changes = texture_changes(recipe.textures)
    else:
        changes = colour_changes(recipe.colour)
    return in_order([*mixed, cut], changes, recipe.disturbed)


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
