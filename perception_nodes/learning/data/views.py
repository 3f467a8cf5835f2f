"""Frames without labels as pairs of views."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch.utils.data import Dataset
from torchvision import tv_tensors
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional

from perception_nodes.learning.data.augmentation import colour_changes
from perception_nodes.learning.data.pictures import Sample
from perception_nodes.learning.recipes.pretraining import PretrainingRecipe

_STRETCH = 4 / 3  # of the width against the height, as in Szegedy et al. 2015


@dataclass(frozen=True, eq=False, kw_only=True)
class ViewBatch:
    """
    Two views of each of B frames.

    :param first: (B, 3, H, W) uint8 RGB.
    :param second: likewise, in the same order.
    """

    first: torch.Tensor
    second: torch.Tensor


class PartOfFrame(torch.nn.Module):
    """
    Cut a random part of a frame and bring it to the size of a view.

    :param recipe: sizes.
    """

    def __init__(self, recipe: PretrainingRecipe) -> None:
        super().__init__()
        self.area_min = recipe.data.area_min
        self.size_hw = [recipe.input_wh[1], recipe.input_wh[0]]

    def forward(self, sample: Sample) -> Sample:
        """Return the sample with an ``image`` (3, H, W) in the size of the recipe."""
        rows, columns = sample['image'].shape[-2:]
        area = _uniform(self.area_min, 1.0)
        stretch = math.exp(_uniform(-1.0, 1.0) * math.log(_STRETCH) / 2)
        height = min(max(round(rows * math.sqrt(area) / stretch), 1), rows)
        width = min(max(round(columns * math.sqrt(area) * stretch), 1), columns)
        top = int(torch.randint(rows - height + 1, ()))
        left = int(torch.randint(columns - width + 1, ()))
        image = functional.resized_crop(
            sample['image'], top, left, height, width, self.size_hw, antialias=True
        )
        return {**sample, 'image': image}


def _uniform(low: float, high: float) -> float:
    """Return a random number from torch's generator."""
    return low + (high - low) * float(torch.rand(()))


def view_transform(recipe: PretrainingRecipe) -> v2.Transform:
    """Return the random changes of which every view gets its own."""
    mirror = [v2.RandomHorizontalFlip(0.5)] if recipe.data.flip else []
    return v2.Compose([PartOfFrame(recipe), *mirror, *colour_changes(recipe.data.colour)])


class ViewDataset(Dataset):
    """
    Samples ``first`` and ``second``, each (3, H, W) uint8.

    :param frames: (H, W, 3) uint8 RGB each, of any sizes.
    :param recipe: how views are made.
    """

    def __init__(self, frames: Sequence[np.ndarray], recipe: PretrainingRecipe) -> None:
        self.frames = list(frames)
        self.transform = view_transform(recipe)

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self.frames)

    def __getitem__(self, index: int) -> Sample:
        """Return two views of a frame."""
        pixels = torch.from_numpy(self.frames[index]).permute(2, 0, 1)
        first, second = (
            self.transform({'image': tv_tensors.Image(pixels)})['image'].as_subclass(torch.Tensor)
            for _ in range(2)
        )
        return {'first': first, 'second': second}


def stack_views(samples: Sequence[Sample]) -> ViewBatch:
    """Return the batch of the samples."""
    return ViewBatch(
        first=torch.stack([sample['first'] for sample in samples]),
        second=torch.stack([sample['second'] for sample in samples]),
    )


def fixed_views(dataset: ViewDataset, seed: int) -> ViewBatch:
    """Return the same views of all frames at every call; the random numbers outside go on."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return stack_views([dataset[index] for index in range(len(dataset))])


def whole_frames(frames: Sequence[np.ndarray], recipe: PretrainingRecipe) -> torch.Tensor:
    """Return (N, 3, H, W) uint8 RGB: the frames, stretched to the size of the recipe's input."""
    small = [cv2.resize(frame, recipe.input_wh, interpolation=cv2.INTER_AREA) for frame in frames]
    return torch.from_numpy(np.stack(small)).permute(0, 3, 1, 2)
