"""Our attacks do what those of the Adversarial Robustness Toolbox do."""

import pytest
import torch
from torch import nn

from perception_nodes.learning.adversarial.config import AttackConfig

pytest.importorskip('art', reason="needs pip install 'perception_suite[cross-check]'")

from benchmarks.attack_cross_check import compare


class Wavy(nn.Module):
    """A small network with curved decisions."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(4)
        self.first, self.last = nn.Conv2d(3, 16, 3, padding=1), nn.Conv2d(16, 4, 3, padding=1)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return 12 * self.last(self.first(20 * pictures).sin())


@pytest.fixture(scope='module')
def case():
    """Return a network, pictures, and masks that say what it says about them."""
    segmenter = Wavy().eval()
    pictures = torch.rand(4, 3, 40, 40)
    masks = segmenter(pictures).argmax(1).to(torch.uint8)
    masks[:, :6] = 255
    return segmenter, pictures, masks


@pytest.mark.parametrize('epsilon_levels', [4.0, 8.0])
def test_equal_starts_take_equal_steps(case, epsilon_levels):
    found = compare(*case, AttackConfig(epsilon_levels=epsilon_levels, iterations=3))
    assert found['fgsm']['equal'] > 0.9999
    assert found['pgd']['equal'] > 0.99
    assert found['segpgd']['equal'] > 0.99


def test_losses_and_wrong_pixels_agree_after_many(case):
    found = compare(*case, AttackConfig(epsilon_levels=8.0, iterations=20))
    one, many = found['fgsm'], found['pgd']
    assert found['clean']['wrong'] == 0
    assert one['ours_wrong'] > 0.05
    assert many['ours_entropy'] > 1.02 * one['ours_entropy']
    assert many['ours_entropy'] == pytest.approx(many['theirs_entropy'], rel=0.01)
    assert many['ours_wrong'] == pytest.approx(many['theirs_wrong'], abs=0.01)
    right_first = found['segpgd']
    assert right_first['ours_entropy'] == pytest.approx(right_first['theirs_entropy'], rel=0.01)
    assert right_first['ours_wrong'] == pytest.approx(right_first['theirs_wrong'], abs=0.01)
    assert right_first['theirs_wrong'] > many['theirs_wrong'] + 0.03, 'another attack than PGD'
