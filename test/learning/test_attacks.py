"""Attacks on small networks whose worst pictures are known."""

import pytest
import torch
from torch import nn

from perception_nodes.learning.adversarial.attacks import (
    ATTACKS,
    fgsm,
    gradient,
    in_levels,
    pgd,
    pixel_entropy,
    segpgd,
    wrong_part,
)
from perception_nodes.learning.adversarial.config import AttackConfig, PatchConfig

EPSILON = 4 / 255


def linear(pictures: torch.Tensor) -> torch.Tensor:
    """Return logits of two classes: 0, and red − green."""
    margin = 40 * (pictures[:, 0] - pictures[:, 1])
    return torch.stack([torch.zeros_like(margin), margin], 1)


@pytest.fixture
def grey():
    """Return pictures of 0.5, where ``linear`` is undecided, and labels of class 1."""
    masks = torch.ones(2, 8, 8, dtype=torch.uint8)
    masks[:, :2] = 255
    return torch.full((2, 3, 8, 8), 0.5), masks


class Sine(nn.Module):
    """Gradients that turn within a few grey levels."""

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return features.sin()


class Wavy(nn.Module):
    """A network with curved decisions, the same each time."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.layers = nn.Sequential(
            nn.Conv2d(3, 16, 3, padding=1), Sine(), nn.Conv2d(16, 4, 3, padding=1)
        )

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return 12 * self.layers(20 * pictures)


@pytest.fixture
def wavy():
    """Return a network, pictures, and masks that say what it says about them."""
    network = Wavy().eval()
    pictures = torch.rand(3, 3, 24, 32)
    masks = network(pictures).argmax(1).to(torch.uint8)
    masks[:, :3] = 255
    return network, pictures, masks


@pytest.mark.parametrize('name', ['fgsm', 'pgd', 'segpgd'])
def test_the_worst_picture_of_a_linear_network_is_found(name, grey):
    pictures, masks = grey
    changed = ATTACKS[name](linear, pictures, masks, AttackConfig(), None)
    counted = masks[0] != 255
    moved = (changed - pictures)[:, :, counted]
    assert torch.allclose(moved[:, 0], torch.tensor(-EPSILON))
    assert torch.allclose(moved[:, 1], torch.tensor(EPSILON))


def test_pixels_without_a_label_pull_nowhere(grey):
    pictures, masks = grey
    changed = fgsm(linear, pictures, masks, AttackConfig())
    assert torch.equal(changed[:, :, :2], pictures[:, :, :2])
    nothing = torch.full_like(masks, 255)
    assert torch.equal(fgsm(linear, pictures, nothing, AttackConfig()), pictures)


@pytest.mark.parametrize('name', list(ATTACKS))
@pytest.mark.parametrize('level', [0, 1, 254, 255])
def test_no_value_leaves_the_budget_or_the_scale(name, level, grey):
    _, masks = grey
    levels = torch.full((2, 3, 8, 8), level, dtype=torch.uint8)
    config = AttackConfig(epsilon_levels=3.5, iterations=7, restarts=2)
    changed = ATTACKS[name](linear, levels / 255.0, masks, config, None)
    assert changed.min() >= 0
    assert changed.max() <= 1
    assert (changed - levels / 255.0).abs().max() <= 3.5 / 255 + 1e-6
    camera = in_levels(changed, levels, config)
    assert camera.dtype == torch.uint8
    assert (camera.int() - levels.int()).abs().max() <= 3


def test_more_steps_do_more_harm_than_one_and_one_more_than_chance(wavy):
    network, pictures, masks = wavy
    config = AttackConfig(epsilon_levels=8)
    changed = {
        name: attack(network, pictures, masks, config, None) for name, attack in ATTACKS.items()
    }
    harm = {name: float(wrong_part(network(x), masks).mean()) for name, x in changed.items()}
    loss = {
        name: float(pixel_entropy(network(x), masks).detach().mean())
        for name, x in changed.items()
    }
    assert harm['noise'] < 0.7 * harm['fgsm'] < 0.7 * harm['pgd'], harm
    assert loss['fgsm'] < 0.9 * loss['pgd'], loss
    assert harm['segpgd'] > harm['fgsm'], harm


def test_segpgd_looks_at_right_pixels_first_and_at_all_alike_in_the_end(wavy):
    network, pictures, masks = wavy
    seen = []

    def logits_of(x: torch.Tensor) -> torch.Tensor:
        out = network(x)
        out.register_hook(lambda grad: seen.append((grad.abs().sum(1), out.argmax(1))))
        return out

    segpgd(logits_of, pictures, masks, AttackConfig(iterations=4))
    (first, found), *_ = seen
    wrong = (found != masks) & (masks != 255)
    assert wrong.any()
    assert first[wrong].abs().max() == 0
    last, found = seen[-1]
    wrong = (found != masks) & (masks != 255)
    assert last[wrong].max() > 0
    assert len(seen) == 4


def test_each_picture_keeps_its_most_harmful_start(wavy):
    network, pictures, masks = wavy
    one = AttackConfig(iterations=2)
    singles = []
    generator = torch.Generator().manual_seed(5)
    for _ in range(4):
        changed = pgd(network, pictures, masks, one, generator)
        singles.append(wrong_part(network(changed), masks))
    again = torch.Generator().manual_seed(5)
    kept = pgd(network, pictures, masks, AttackConfig(iterations=2, restarts=4), again)
    best = torch.stack(singles).max(0).values
    assert torch.allclose(wrong_part(network(kept), masks), best)
    assert len(torch.stack(singles).argmax(0).unique()) > 1, 'starts matter'


def test_equal_seeds_give_equal_pictures_and_weights_get_no_gradient(wavy):
    network, pictures, masks = wavy
    first, second = (
        pgd(network, pictures, masks, AttackConfig(), torch.Generator().manual_seed(1))
        for _ in range(2)
    )
    assert torch.equal(first, second)
    assert all(weight.grad is None for weight in network.parameters())


def test_pictures_of_a_batch_do_not_pull_at_each_other(wavy):
    network, pictures, masks = wavy
    masks[1, 2:] = 255  # with few labels
    masks[1, 5, 5] = 0

    def evenly(logits, _masks, _done):
        return torch.ones_like(logits[:, 0])

    together = gradient(network, pictures, masks, evenly, 0.0)
    alone = gradient(network, pictures[1:2], masks[1:2], evenly, 0.0)
    assert torch.allclose(together[1:2], alone, atol=1e-4 * float(alone.abs().max()))


@pytest.mark.parametrize(
    ('values', 'named'),
    [
        ({'epsilon_levels': 0.0157}, 'below the minimum 1'),
        ({'epsilon_levels': float('nan')}, 'epsilon_levels'),
        ({'iterations': 0}, 'iterations'),
        ({'restarts': 0}, 'restarts'),
        ({'step_levels': 9.0}, 'take at most 8'),
        ({'step_levels': 0.1}, 'never reach'),
    ],
)
def test_nonsense_is_refused(values, named):
    with pytest.raises(ValueError, match=named):
        AttackConfig(**values)


def test_a_patch_that_hides_the_picture_is_refused():
    with pytest.raises(ValueError, match=r'more than 0\.9'):
        PatchConfig(side=0.6, zoom=1.8)
