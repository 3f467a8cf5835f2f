"""Crops of four pictures: every box stays on its pixels, what is cut is ignored as ever."""

import dataclasses

import pytest
import torch
from torchvision import tv_tensors

from perception_nodes.learning.data.augmentation import ZoomedCrop, training_transform
from perception_nodes.learning.data.masks import ZoomedMaskCrop, mask_transform
from perception_nodes.learning.data.mosaic import Mosaic
from perception_nodes.learning.recipes.detection import DataRecipe
from perception_nodes.learning.recipes.segmentation import MaskDataRecipe

RECIPE = DataRecipe(crop_px=96, scale_min=1.0, scale_max=1.0, mosaic=1.0)


def boxed(value: int, xyxy: tuple[int, ...] | None = (30, 30, 60, 60)) -> dict:
    """Return a black picture with an object of one grey, which is its class as well."""
    image = torch.zeros((3, 120, 120), dtype=torch.uint8)
    boxes = torch.zeros((0, 4))
    if xyxy:
        left, top, right, bottom = xyxy
        image[:, top:bottom, left:right] = value
        boxes = torch.tensor([xyxy], dtype=torch.float32)
    return {
        'image': tv_tensors.Image(image),
        'boxes': tv_tensors.BoundingBoxes(boxes, format='XYXY', canvas_size=(120, 120)),
        'class_ids': torch.full((len(boxes),), value),
        'ignored': torch.zeros(len(boxes), dtype=torch.bool),
    }


def masked(value: int) -> dict:
    """Return a picture of one grey whose mask says the same."""
    image = torch.full((3, 120, 160), value, dtype=torch.uint8)
    return {'image': tv_tensors.Image(image), 'mask': tv_tensors.Mask(image[:1])}


@pytest.mark.parametrize('seed', range(8))
def test_boxes_of_four_pictures_stay_on_their_pixels(seed):
    torch.manual_seed(seed)
    others = [boxed(value) for value in (50, 100, 150)]
    mosaic = Mosaic(1.0, ZoomedCrop(RECIPE), (96, 96), others)
    made = mosaic(boxed(200))
    assert made['image'].shape == (3, 96, 96)
    assert made['boxes'].canvas_size == (96, 96)
    assert len(made['boxes']) >= 1
    for box, value in zip(made['boxes'].tolist(), made['class_ids'].tolist(), strict=True):
        left, top, right, bottom = (round(side) for side in box)
        assert (made['image'][:, top:bottom, left:right] == value).all()
    shown = made['image'][0]
    covered = sum((b[2] - b[0]) * (b[3] - b[1]) for b in made['boxes'].tolist())
    assert int((shown > 0).sum()) == pytest.approx(covered), 'an object has no box'


def test_what_a_seam_cuts_off_is_ignored_as_at_the_edge_of_a_crop():
    wide = dataclasses.replace(RECIPE, min_visible=0.9)
    torch.manual_seed(0)
    made = Mosaic(1.0, ZoomedCrop(wide), (96, 96), [boxed(50)] * 3)(boxed(200))
    areas = [(b[2] - b[0]) * (b[3] - b[1]) for b in made['boxes'].tolist()]
    expected = [area < 0.9 * 30 * 30 for area in areas]
    assert made['ignored'].tolist() == expected
    assert any(expected)


def test_pictures_without_objects_make_a_mosaic_without_boxes():
    made = Mosaic(1.0, ZoomedCrop(RECIPE), (96, 96), [boxed(0, None)])(boxed(0, None))
    assert made['boxes'].shape == (0, 4)


def test_wanted_part_of_the_crops_is_a_mosaic():
    torch.manual_seed(3)
    mosaic = Mosaic(0.5, ZoomedMaskCrop(MaskDataRecipe(crop_wh=(96, 64))), (96, 64), [masked(7)])
    greys = [mosaic(masked(3))['image'].unique().tolist() for _ in range(60)]
    assert 15 < sum(7 in found for found in greys) < 45


def test_masks_of_four_pictures_stay_on_their_pixels():
    recipe = MaskDataRecipe(crop_wh=(96, 64), scale_min=1.0, scale_max=1.0)
    torch.manual_seed(1)
    made = Mosaic(1.0, ZoomedMaskCrop(recipe), (96, 64), [masked(v) for v in (50, 100, 150)])(
        masked(200)
    )
    image, mask = made['image'][0], made['mask'][0]
    assert mask.shape == (64, 96)
    assert torch.equal(image, mask.as_subclass(torch.Tensor))
    assert 200 in mask.unique().tolist()


def test_recipe_says_whether_there_are_mosaics():
    for transform, recipe in (
        (training_transform, DataRecipe),
        (mask_transform, MaskDataRecipe),
    ):
        assert not any(isinstance(step, Mosaic) for step in transform(recipe()).transforms)
        steps = transform(recipe(mosaic=0.5), [boxed(1)]).transforms
        assert isinstance(steps[0], Mosaic)
        with pytest.raises(ValueError, match='other pictures'):
            transform(recipe(mosaic=0.5))


def test_same_state_of_the_generator_gives_the_same_mosaic():
    made = []
    for _ in range(2):
        torch.manual_seed(9)
        transform = training_transform(RECIPE, [boxed(v) for v in (50, 100, 150)])
        made.append(transform(boxed(200)))
    assert torch.equal(made[0]['image'], made[1]['image'])
    assert torch.equal(made[0]['boxes'], made[1]['boxes'])
