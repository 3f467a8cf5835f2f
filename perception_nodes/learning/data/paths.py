"""Pictures with paths: samples, random changes, batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.utils.data import Dataset
from torchvision import tv_tensors
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional

from perception_nodes.evaluation.ground_truth import read_picture
from perception_nodes.imaging.resize import ImageResize
from perception_nodes.learning.data.augmentation import colour_changes
from perception_nodes.learning.data.path_sets import PathPicture
from perception_nodes.learning.data.pictures import Sample
from perception_nodes.learning.recipes.path import PathRecipe
from perception_nodes.structures import ColorOrder

MIRRORED = np.array([1, -1], np.float32)


@dataclass(frozen=True, eq=False, kw_only=True)
class PathBatch:
    """
    Pictures of the network's size with their paths.

    :param images: (B, 3, H, W) uint8 RGB.
    :param points: (B, K, 2) float32 metres.
    :param seen: (B, K) bool.
    """

    images: torch.Tensor
    points: torch.Tensor
    seen: torch.Tensor


class PathDataset(Dataset):
    """
    Samples for training: ``image`` (3, H, W) uint8, ``points`` (K, 2), ``seen`` (K,).

    The whole picture is kept: a cut would move the camera.

    :param pictures: labelled.
    :param recipe: size, stations, and how samples are varied.
    """

    def __init__(self, pictures: Sequence[PathPicture], recipe: PathRecipe) -> None:
        self.pictures = pictures
        self.recipe = recipe
        self._colours = v2.Compose(colour_changes(recipe.data.colour))
        cached = recipe.data.cached
        self._cache = [self._read(index) for index in range(len(self))] if cached else None

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self.pictures)

    def __getitem__(self, index: int) -> Sample:
        """Return the varied sample."""
        image = self._cache[index] if self._cache else self._read(index)
        points, seen = self.pictures[index].at(np.array(self.recipe.stations_m))
        if self.recipe.data.flip and float(torch.rand(())) < 0.5:
            image, points = functional.horizontal_flip(image), points * MIRRORED
        return self._colours(
            {
                'image': tv_tensors.Image(image),
                'points': torch.from_numpy(points),
                'seen': torch.from_numpy(seen),
            }
        )

    def _read(self, index: int) -> torch.Tensor:
        frame = read_picture(self.pictures[index].path)
        resize = ImageResize(frame.size_wh, self.recipe.input_wh)
        rgb = resize.apply(np.ascontiguousarray(frame.in_order(ColorOrder.RGB)))
        return torch.from_numpy(rgb.transpose(2, 0, 1).copy())


def stack_paths(samples: Sequence[Sample]) -> PathBatch:
    """Return the batch of the samples."""
    return PathBatch(
        images=torch.stack([sample['image'].as_subclass(torch.Tensor) for sample in samples]),
        points=torch.stack([sample['points'] for sample in samples]),
        seen=torch.stack([sample['seen'] for sample in samples]),
    )
