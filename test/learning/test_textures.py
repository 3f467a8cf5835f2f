import numpy as np
import pytest
import torch
from torchvision import tv_tensors

from perception_nodes.learning.data.masks import mask_transform
from perception_nodes.learning.data.textures import RandomConvolution, texture_changes
from perception_nodes.learning.recipes.segmentation import MaskDataRecipe


@pytest.fixture
def sample():
    """Return a picture whose left half is dark and right half is bright, with its mask."""
    image = torch.full((3, 96, 96), 60, dtype=torch.uint8)
    image[:, :, 48:] = 190
    mask = torch.zeros((1, 96, 96), dtype=torch.uint8)
    mask[:, :, 48:] = 1
    return {'image': tv_tensors.Image(image), 'mask': tv_tensors.Mask(mask)}


def test_filter_changes_the_halves_and_leaves_the_edge_in_its_place(sample):
    torch.manual_seed(3)
    moved = []
    for _ in range(10):
        found = RandomConvolution()(sample)
        assert found['mask'] is sample['mask']
        steps = found['image'].float().diff(dim=2).abs().mean((0, 1))[8:-8]
        assert abs(int(steps.argmax()) + 8 - 47) <= 2
        moved.append(float((found['image'].float() - sample['image'].float()).abs().mean()))
    assert np.median(moved) > 5


def test_every_change_keeps_shape_and_type(sample):
    torch.manual_seed(4)
    for change in texture_changes(1.0):
        for _ in range(8):
            image = change(sample)['image']
            assert image.dtype == torch.uint8
            assert image.shape == (3, 96, 96)


def test_textures_replace_what_resembles_the_robustness_suite():
    def names(**values):
        recipe = MaskDataRecipe(crop_wh=(96, 96), **values)
        text = str(mask_transform(recipe))
        return {name for name in ('ColourMatrix', 'Gaussian', 'RandomConv') if name in text}

    assert names() == {'ColourMatrix', 'Gaussian'}
    assert names(textures=0.5) == {'RandomConv'}
