"""Colours changed by one matrix."""

import math

import pytest
import torch

from perception_nodes.learning.data.colour import ColourMatrix, hue_rotation, saturation


@pytest.fixture
def sample():
    torch.manual_seed(0)
    return {'image': torch.randint(0, 256, (3, 8, 8), dtype=torch.uint8), 'label': 'kept'}


def test_strength_0_changes_nothing(sample):
    changed = ColourMatrix(0.0)(sample)
    assert (changed['image'].int() - sample['image'].int()).abs().max() <= 1
    assert changed['label'] == 'kept'


def test_strength_1_changes_colours_and_keeps_the_kind(sample):
    changed = [ColourMatrix(1.0)(sample)['image'] for _ in range(8)]
    assert all(image.dtype == torch.uint8 and image.shape == (3, 8, 8) for image in changed)
    moved = [(image.int() - sample['image'].int()).abs().float().mean() for image in changed]
    assert max(moved) > 10


@pytest.mark.parametrize('angle', [0.3, 2.0, math.pi])
def test_a_turn_of_the_hue_keeps_grey(angle):
    grey = torch.full((3, 1), 90.0)
    assert torch.allclose(hue_rotation(angle) @ grey, grey, atol=1e-3)
    assert torch.allclose(hue_rotation(angle) @ hue_rotation(-angle), torch.eye(3), atol=1e-5)


def test_a_third_of_a_circle_turns_red_to_a_primary():
    red = torch.tensor([1.0, 0.0, 0.0])
    assert torch.allclose(
        hue_rotation(2 * math.pi / 3) @ red, torch.tensor([0.0, 1.0, 0.0]), atol=1e-5
    )


def test_saturation_0_is_grey():
    colour = torch.tensor([200.0, 10.0, 60.0])
    grey = saturation(0.0) @ colour
    assert torch.allclose(grey, grey[0].expand(3))
    assert torch.equal(saturation(1.0) @ colour, colour)
