import math

import numpy as np
import pytest
import torch

from perception_nodes.learning.mask_losses import (
    class_weights,
    lovasz_softmax,
    segmentation_loss,
)
from perception_nodes.learning.recipes.segmentation import MaskLossRecipe


def certain(ids: list[int], classes: int = 3) -> torch.Tensor:
    """Return rows that are sure of the ids."""
    return torch.nn.functional.one_hot(torch.tensor(ids), classes).float()


def test_no_pixels_lose_nothing():
    assert float(lovasz_softmax(torch.zeros(0, 3), torch.zeros(0, dtype=torch.int64))) == 0.0


@pytest.mark.parametrize(
    ('found', 'truth', 'ious'),
    [
        ([0, 1, 2], [0, 1, 2], [1.0, 1.0, 1.0]),
        ([0, 0, 1, 1], [0, 1, 1, 1], [1 / 2, 2 / 3]),
        ([2, 2, 2, 2], [0, 0, 1, 1], [0.0, 0.0]),  # class 2 is not in the truth: not counted
    ],
)
def test_certain_pixels_lose_one_minus_iou(found: list[int], truth: list[int], ious: list[float]):
    loss = lovasz_softmax(certain(found), torch.tensor(truth))
    assert float(loss) == pytest.approx(1 - np.mean(ious))


def test_half_certain_single_pixel_loses_half():
    row = torch.tensor([[0.5, 0.5, 0.0]])
    assert float(lovasz_softmax(row, torch.tensor([0]))) == pytest.approx(0.5)


def test_gradient_raises_the_true_class():
    logits = torch.zeros(6, 3, requires_grad=True)
    truth = torch.tensor([0, 0, 0, 0, 1, 2])
    lovasz_softmax(logits.softmax(1), truth).backward()
    assert (logits.grad.gather(1, truth[:, None]) < 0).all()


@pytest.mark.parametrize(
    ('power', 'expected'), [(0.0, [1, 1, 1, 1]), (0.5, [1, 2, 0.5, 1]), (1.0, [1, 4, 0.25, 1])]
)
def test_rare_classes_weigh_more_and_absent_ones_one(power: float, expected: list[float]):
    weights = class_weights(np.array([100, 25, 400, 0]), power)
    assert weights.tolist() == pytest.approx(expected)


def test_ignored_pixels_change_nothing():
    torch.manual_seed(0)
    logits = torch.randn(1, 3, 4, 4)
    masks = torch.randint(0, 3, (1, 4, 4), dtype=torch.uint8)
    masks[0, 0] = 255
    other = logits.clone()
    other[:, :, 0] = 50 * torch.randn(3, 4)
    first, second = (
        segmentation_loss(x, masks, torch.ones(3), MaskLossRecipe()) for x in (logits, other)
    )
    assert {k: float(v) for k, v in first.items()} == {k: float(v) for k, v in second.items()}


@pytest.mark.parametrize('smoothing', [0.0, 0.1])
def test_focal_loss_turns_to_the_pixels_that_are_not_sure(smoothing: float):
    torch.manual_seed(0)
    logits = 3 * torch.randn(2, 3, 4, 4)
    masks = torch.randint(0, 3, (2, 4, 4), dtype=torch.uint8)
    masks[0, 0] = 255
    weights = torch.tensor([1.0, 3.0, 0.5])
    seen = (masks != 255).flatten()
    rows = logits.permute(0, 2, 3, 1).reshape(-1, 3)[seen]
    truth = masks.flatten()[seen].long()
    counts = weights[truth]
    terms = torch.nn.functional.cross_entropy(
        rows, truth, weight=weights, label_smoothing=smoothing, reduction='none'
    )
    doubt = 1 - rows.softmax(1).gather(1, truth[:, None])[:, 0]
    for power in (0.0, 1.5):
        recipe = MaskLossRecipe(focal=power, smoothing=smoothing)
        found = segmentation_loss(logits, masks, weights, recipe)['cross_entropy']
        expected = (doubt**power * terms).sum() / counts.sum()
        assert float(found) == pytest.approx(float(expected), rel=1e-5)


def test_focal_loss_of_a_certain_pixel_has_a_finite_gradient():
    logits = torch.tensor([60.0, -60.0]).view(1, 2, 1, 1).requires_grad_()
    recipe = MaskLossRecipe(focal=0.5, lovasz=0.0)
    terms = segmentation_loss(
        logits, torch.zeros(1, 1, 1, dtype=torch.uint8), torch.ones(2), recipe
    )
    terms['cross_entropy'].backward()
    assert torch.isfinite(logits.grad).all()


def test_equal_logits_lose_the_logarithm_of_the_number_of_classes():
    masks = torch.zeros(1, 2, 2, dtype=torch.uint8)
    recipe = MaskLossRecipe(cross_entropy=2.0, lovasz=0.0)
    terms = segmentation_loss(torch.zeros(1, 4, 2, 2), masks, torch.ones(4), recipe)
    assert float(terms['cross_entropy']) == pytest.approx(2 * math.log(4))
    assert float(terms['lovasz']) == 0.0


def test_picture_without_a_label_has_a_gradient_of_zero():
    logits = torch.randn(1, 3, 2, 2, requires_grad=True)
    masks = torch.full((1, 2, 2), 255, dtype=torch.uint8)
    terms = segmentation_loss(logits, masks, torch.ones(3), MaskLossRecipe())
    sum(terms.values()).backward()
    assert float(logits.grad.abs().sum()) == 0.0
