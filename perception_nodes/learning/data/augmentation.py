"""Random changes to training pictures, built on torchvision's transforms."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torchvision import tv_tensors
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional

from perception_nodes.learning.data.colour import ColourMatrix
from perception_nodes.learning.data.copy_paste import PasteBoxes
from perception_nodes.learning.data.disturbed import RandomDisturbance
from perception_nodes.learning.data.mosaic import Mosaic
from perception_nodes.learning.data.pictures import PictureDataset, Sample
from perception_nodes.learning.recipes.detection import DataRecipe

_AROUND_OBJECT = 0.85  # part of the crops that is placed around some object


def _uniform(low: float, high: float) -> float:
    """Return a random number from torch's generator, the one that checkpoints keep."""
    return low + (high - low) * float(torch.rand(()))


class ZoomedCrop(torch.nn.Module):
    """
    Cut a window at a random zoom, most often around an object.

    What is cut away beyond ``min_visible``, or gets smaller than ``min_side_px``, becomes an
    ignored region: the model is neither asked for it nor punished for finding it.

    :param recipe: sizes.
    """

    def __init__(self, recipe: DataRecipe) -> None:
        super().__init__()
        self.recipe = recipe

    def forward(self, sample: Sample, size_wh: tuple[int, int] | None = None) -> Sample:
        """
        Return the cut sample.

        :param size_wh: of its ``image``; None: the recipe's square.
        """
        recipe = self.recipe
        size_wh = size_wh or (recipe.crop_px, recipe.crop_px)
        zoom = math.exp(_uniform(math.log(recipe.scale_min), math.log(recipe.scale_max)))
        width, height = (max(round(side / zoom), 2) for side in size_wh)
        left, top = self._corner(sample, width, height)
        image = functional.resized_crop(
            sample['image'], top, left, height, width, [size_wh[1], size_wh[0]]
        )
        origin = torch.tensor([left, top] * 2, dtype=torch.float32)
        factors = torch.tensor([size_wh[0] / width, size_wh[1] / height] * 2)
        whole = (sample['boxes'].as_subclass(torch.Tensor) - origin) * factors
        return {**sample, 'image': image, **self._visible(whole, sample, size_wh)}

    def _corner(self, sample: Sample, width: int, height: int) -> tuple[int, int]:
        """Return left and top of the cut."""
        rows, columns = sample['image'].shape[-2:]
        boxes = sample['boxes']
        if len(boxes) and float(torch.rand(())) < _AROUND_OBJECT:
            box = boxes[int(torch.randint(len(boxes), ()))].tolist()
            x = _uniform(box[0], box[2]) - width * _uniform(0.1, 0.9)
            y = _uniform(box[1], box[3]) - height * _uniform(0.1, 0.9)
        else:
            x, y = _uniform(0, columns - width), _uniform(0, rows - height)
        return (
            _clamped(x, min(0, columns - width), max(0, columns - width)),
            _clamped(y, min(0, rows - height), max(0, rows - height)),
        )

    def _visible(self, whole: torch.Tensor, sample: Sample, size_wh: tuple[int, int]) -> Sample:
        """Return the boxes within the cut, with their ids and whether they are ignored."""
        cut = whole.clamp(torch.zeros(4), torch.tensor(size_wh * 2, dtype=torch.float32))
        sides = cut[:, 2:] - cut[:, :2]
        shown = sides.prod(1) / (whole[:, 2:] - whole[:, :2]).prod(1).clamp(min=1e-6)
        keep = (sides > 0.5).all(1)
        hard = (shown < self.recipe.min_visible) | (sides.min(1).values < self.recipe.min_side_px)
        return {
            'boxes': tv_tensors.BoundingBoxes(
                cut[keep], format='XYXY', canvas_size=(size_wh[1], size_wh[0])
            ),
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


def in_order(
    cuts: Sequence[torch.nn.Module], changes: Sequence[torch.nn.Module], disturbed: float
) -> v2.Transform:
    """
    Return all changes of a sample: paints, then what is before the lens, then the camera's flaws.

    :param cuts: what makes the crop.
    :param changes: of the paints first, then what the camera adds.
    :param disturbed: part of the samples in bad light and weather, 0..1.
    """
    first, *flaws = changes
    weather = [RandomDisturbance(disturbed)] if disturbed else []
    return v2.Compose([*cuts, v2.RandomHorizontalFlip(0.5), first, *weather, *flaws])


def training_transform(
    recipe: DataRecipe, others: PictureDataset | None = None, classes: Sequence[str] = ()
) -> v2.Transform:
    """
    Return the random changes of a training sample.

    Colours are changed: the model is to know things by their shape, since no other room has the
    training room's paint.

    :param others: samples as they are stored, for a recipe that mixes pictures.
    :param classes: names in the order of the class ids, likewise.
    :raises ValueError: when there are none and the recipe wants them.
    """
    cut: torch.nn.Module = ZoomedCrop(recipe)
    mixed = []
    if recipe.mosaic or recipe.paste:
        if others is None:
            raise ValueError('mosaic and paste take other pictures; give them')
        if recipe.paste:
            wanted = recipe.paste_classes or classes
            numbers = [list(classes).index(name) for name in wanted]
            mixed = [PasteBoxes(recipe.paste, others, numbers, recipe.min_visible)]
        if recipe.mosaic:
            cut = Mosaic(recipe.mosaic, cut, (recipe.crop_px, recipe.crop_px), others)
    return in_order([*mixed, cut], colour_changes(recipe.colour), recipe.disturbed)
