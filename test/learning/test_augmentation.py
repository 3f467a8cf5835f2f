import dataclasses

import pytest
import torch
from torchvision import tv_tensors

from perception_nodes.learning.data.augmentation import ZoomedCrop, training_transform
from perception_nodes.learning.recipes.detection import DataRecipe

SAME_SIZE = DataRecipe(crop_px=96, scale_min=1.0, scale_max=1.0)


def sample(xyxy: list, size_hw: tuple[int, int] = (96, 96), ignored: list | None = None) -> dict:
    boxes = torch.tensor(xyxy, dtype=torch.float32).reshape(-1, 4)
    image = torch.zeros((3, *size_hw), dtype=torch.uint8)
    for left, top, right, bottom in boxes.int().tolist():
        image[:, top:bottom, left:right] = 255
    return {
        'image': tv_tensors.Image(image),
        'boxes': tv_tensors.BoundingBoxes(boxes, format='XYXY', canvas_size=size_hw),
        'class_ids': torch.zeros(len(boxes), dtype=torch.int64),
        'ignored': torch.tensor(ignored or [False] * len(boxes), dtype=torch.bool),
    }


def bright_xyxy(image: torch.Tensor) -> list[int]:
    """Return the box around the bright pixels."""
    rows, columns = torch.nonzero(image[0] > 127, as_tuple=True)
    return [int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1]


def test_picture_without_objects_is_cut():
    cut = training_transform(SAME_SIZE)(sample([], (120, 160)))
    assert cut['image'].shape == (3, 96, 96)
    assert cut['boxes'].shape == (0, 4)


@pytest.mark.parametrize('seed', range(12))
def test_boxes_stay_on_their_pixels(seed: int):
    torch.manual_seed(seed)
    recipe = dataclasses.replace(SAME_SIZE, colour=0.0, scale_min=0.6, scale_max=1.6)
    cut = ZoomedCrop(recipe)(sample([[60, 50, 100, 90]], (150, 200)))
    if len(cut['boxes']):
        found = torch.tensor(bright_xyxy(cut['image']), dtype=torch.float32)
        assert torch.allclose(cut['boxes'][0].as_subclass(torch.Tensor), found, atol=1.5)


def test_flip_moves_boxes_with_the_pixels():
    for seed in range(6):
        torch.manual_seed(seed)
        recipe = dataclasses.replace(SAME_SIZE, colour=0.0)
        cut = training_transform(recipe)(sample([[10, 20, 40, 60]]))
        assert cut['boxes'][0].tolist() == bright_xyxy(cut['image'])


def test_object_cut_away_mostly_becomes_ignored():
    crop = ZoomedCrop(SAME_SIZE)
    crop._corner = lambda *_: (0, 0)
    cut = crop(sample([[90, 10, 150, 60], [10, 10, 50, 50]], (96, 200)))
    assert cut['ignored'].tolist() == [True, False]
    assert cut['boxes'][0].tolist() == [90, 10, 96, 60]


def test_object_outside_the_cut_is_gone():
    crop = ZoomedCrop(SAME_SIZE)
    crop._corner = lambda *_: (0, 0)
    assert len(crop(sample([[120, 10, 150, 60]], (96, 200)))['boxes']) == 0


def test_tiny_object_becomes_ignored():
    crop = ZoomedCrop(SAME_SIZE)
    crop._corner = lambda *_: (0, 0)
    assert crop(sample([[10, 10, 14, 40]]))['ignored'].tolist() == [True]


def test_ignored_region_stays_ignored():
    crop = ZoomedCrop(SAME_SIZE)
    assert crop(sample([[10, 10, 60, 60]], ignored=[True]))['ignored'].tolist() == [True]


def test_picture_smaller_than_the_crop_is_padded():
    cut = ZoomedCrop(SAME_SIZE)(sample([[5, 5, 30, 30]], (40, 50)))
    assert cut['image'].shape == (3, 96, 96)
    assert cut['boxes'][0].tolist() == bright_xyxy(cut['image'])
