"""Random changes to training pictures, built on torchvision's transforms."""

from __future__ import annotations

import math

import torch
from torchvision import tv_tensors
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional

from perception_nodes.learning.data.colour import ColourMatrix
from perception_nodes.learning.data.pictures import Sample
from perception_nodes.learning.recipes.detection import DataRecipe

_AROUND_OBJECT = 0.85  # part of the crops that is placed around some object


def _uniform(low: float, high: float) -> float:
    """Return a random number from torch's generator, the one that checkpoints keep."""
    return low + (high - low) * float(torch.rand(()))


class ZoomedCrop(torch.nn.Module):
    """
    Cut a square at a random zoom, most often around an object.

    What is cut away beyond ``min_visible``, or gets smaller than ``min_side_px``, becomes an
    ignored region: the model is neither asked for it nor punished for finding it.

    :param recipe: sizes.
    """

    def __init__(self, recipe: DataRecipe) -> None:
        super().__init__()
        self.recipe = recipe

    def forward(self, sample: Sample) -> Sample:
        """Return the cut sample, ``image`` (3, crop_px, crop_px)."""
        recipe = self.recipe
        zoom = math.exp(_uniform(math.log(recipe.scale_min), math.log(recipe.scale_max)))
        side = max(round(recipe.crop_px / zoom), 2)
        left, top = self._corner(sample, side)
        size = [recipe.crop_px, recipe.crop_px]
        image = functional.resized_crop(sample['image'], top, left, side, side, size)
        factor = recipe.crop_px / side
        origin = torch.tensor([left, top, left, top], dtype=torch.float32)
        whole = (sample['boxes'].as_subclass(torch.Tensor) - origin) * factor
        return {**sample, 'image': image, **self._visible(whole, sample)}

    def _corner(self, sample: Sample, side: int) -> tuple[int, int]:
        """Return left and top of the cut."""
        height, width = sample['image'].shape[-2:]
        boxes = sample['boxes']
        if len(boxes) and float(torch.rand(())) < _AROUND_OBJECT:
            box = boxes[int(torch.randint(len(boxes), ()))].tolist()
            x = _uniform(box[0], box[2]) - side * _uniform(0.1, 0.9)
            y = _uniform(box[1], box[3]) - side * _uniform(0.1, 0.9)
        else:
            x, y = _uniform(0, width - side), _uniform(0, height - side)
        return (
            _clamped(x, min(0, width - side), max(0, width - side)),
            _clamped(y, min(0, height - side), max(0, height - side)),
        )

    def _visible(self, whole: torch.Tensor, sample: Sample) -> Sample:
        """Return the boxes within the cut, with their ids and whether they are ignored."""
        size = self.recipe.crop_px
        cut = whole.clamp(0, size)
        sides = cut[:, 2:] - cut[:, :2]
        shown = sides.prod(1) / (whole[:, 2:] - whole[:, :2]).prod(1).clamp(min=1e-6)
        keep = (sides > 0.5).all(1)
        hard = (shown < self.recipe.min_visible) | (sides.min(1).values < self.recipe.min_side_px)
        return {
            'boxes': tv_tensors.BoundingBoxes(cut[keep], format='XYXY', canvas_size=(size, size)),
            'class_ids': sample['class_ids'][keep],
            'ignored': (sample['ignored'] | hard)[keep],
        }


def _clamped(value: float, low: int, high: int) -> int:
    """Return the whole number nearest to the value within the bounds."""
    return min(max(round(value), low), high)


def colour_changes(strength: float) -> list[torch.nn.Module]:
    """
    Return random changes of colour and sharpness, which leave every label in its place.

    :param strength: 0 leaves only a little blur and noise, 1 changes colours strongly.
    """
    blur = v2.GaussianBlur(5, sigma=(0.3, 1.5))
    noise = v2.Compose(
        [
            v2.ToDtype(torch.float32, scale=True),
            v2.GaussianNoise(sigma=0.04),
            v2.ToDtype(torch.uint8, scale=True),
        ]
    )
    return [
        ColourMatrix(strength),
        v2.RandomApply([blur], p=0.15),
        v2.RandomApply([noise], p=0.2),
    ]


def training_transform(recipe: DataRecipe) -> v2.Transform:
    """
    Return the random changes of a training sample.

    Colours are changed: the model is to know things by their shape, since no other room has the
    training room's paint.
    """
    return v2.Compose(
        [ZoomedCrop(recipe), v2.RandomHorizontalFlip(0.5), *colour_changes(recipe.colour)]
    )
