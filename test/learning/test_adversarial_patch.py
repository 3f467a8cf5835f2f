"""A patch lies where it is laid, and learns what misleads."""

import math

import pytest
import torch

from perception_nodes.learning.adversarial.config import PatchConfig
from perception_nodes.learning.adversarial.patch import (
    Placement,
    drawn_placement,
    learn_patch,
    noise_patch,
    pasted,
)


def test_a_patch_lies_where_it_is_laid_with_its_first_row_on_top():
    picture = torch.zeros(2, 3, 60, 100)
    patch = torch.zeros(3, 8, 8)
    patch[0, :4], patch[1, 4:] = 1.0, 1.0  # red above green
    placement = Placement(centre_xy=(0.75, 0.5), side=0.5, turn_rad=0.0)
    changed, covered = pasted(picture, patch, placement)
    assert torch.equal(changed[0], changed[1])
    rows, columns = covered.nonzero().T
    assert (rows.min(), rows.max()) == (15, 44)
    assert (columns.min(), columns.max()) == (60, 89)
    assert covered.sum() == 30 * 30
    assert changed[0, :, 20, 75].tolist() == [1, 0, 0]
    assert changed[0, :, 40, 75].tolist() == [0, 1, 0]
    assert changed[:, :, ~covered].abs().max() == 0


def test_a_turned_patch_turns_clockwise_and_keeps_its_size():
    patch = torch.zeros(3, 8, 8)
    patch[0, :4] = 1.0  # its upper half
    placement = Placement(centre_xy=(0.5, 0.5), side=0.5, turn_rad=math.pi / 2)
    changed, covered = pasted(torch.zeros(1, 3, 60, 60), patch, placement)
    assert covered.sum() == 30 * 30
    assert changed[0, 0, 30, 40] == 1, 'its upper half shows to the right'
    assert changed[0, 0, 30, 20] == 0
    tilted = Placement(centre_xy=(0.5, 0.5), side=0.5, turn_rad=0.3)
    assert float(pasted(torch.zeros(1, 3, 200, 200), patch, tilted)[1].sum()) == pytest.approx(
        100 * 100, rel=0.02
    )


def test_places_spread_and_middles_stay_inside():
    generator = torch.Generator().manual_seed(0)
    config = PatchConfig(side=0.4, zoom=1.5, turn_deg=20)
    drawn = [drawn_placement(config, generator) for _ in range(300)]
    x = torch.tensor([item.centre_xy[0] for item in drawn])
    assert 0 < x.min() < 0.25
    assert 0.75 < x.max() < 1
    sides = [item.side for item in drawn]
    assert 0.4 / 1.5 <= min(sides) < 0.3 < 0.55 < max(sides) <= 0.6
    assert max(abs(item.turn_rad) for item in drawn) <= math.radians(20)


def averaging(pictures: torch.Tensor) -> torch.Tensor:
    """Return logits of a network that judges every pixel by the blue of the whole picture."""
    blue = pictures[:, 2].mean((1, 2)).view(-1, 1, 1).expand(-1, *pictures.shape[2:])
    return 20 * torch.stack([0.6 - blue, blue - 0.6], 1)


def test_a_patch_learns_the_colour_that_misleads():
    config = PatchConfig(side=0.5, texels=8, steps=60, rate_levels=16)
    masks = torch.zeros(1, 32, 32, dtype=torch.uint8)
    ticks = []
    patch = learn_patch(
        averaging, lambda _: (torch.full((1, 3, 32, 32), 0.5), masks), [0], config,
        torch.Generator().manual_seed(1), advance=lambda: ticks.append(1),
    )  # fmt: skip
    start = noise_patch(config, torch.Generator().manual_seed(1))
    assert patch[2].mean() > 0.98 > 0.6 > start[2].mean()
    assert (patch[:2] - start[:2]).abs().max() < 0.01, 'other colours do not matter to it'
    assert torch.equal((patch * 255).round() / 255, patch)
    assert len(ticks) == 60
