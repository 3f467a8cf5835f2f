import math

import pytest
import torch

from perception_nodes.learning.data.batches import BoxTargets
from perception_nodes.learning.losses import detection_loss
from perception_nodes.learning.models.detector import locations
from perception_nodes.learning.recipes.detection import LossRecipe

PLACES = locations((64, 64))
COUNT = len(PLACES)


def targets(xyxy: list, class_ids: list, ignored: list) -> list[BoxTargets]:
    return [
        BoxTargets(
            xyxy=torch.tensor(xyxy, dtype=torch.float32).reshape(-1, 4),
            class_ids=torch.tensor(class_ids, dtype=torch.int64),
            ignored=torch.tensor(ignored, dtype=torch.bool),
        )
    ]


def outputs(logit: float, half_px: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    return (
        torch.full((1, COUNT, 2), logit, requires_grad=True),
        torch.full((1, COUNT, 4), half_px, requires_grad=True),
        torch.zeros((1, COUNT, 1), requires_grad=True),
    )


def total(found: tuple, truth: list[BoxTargets]) -> torch.Tensor:
    return torch.stack(list(detection_loss(found, PLACES, truth, LossRecipe()).values())).sum()


def test_empty_picture_with_silent_model_costs_nothing():
    cost = total(outputs(-20.0, 8.0), targets([], [], []))
    assert cost.item() == pytest.approx(0, abs=1e-4)


def test_empty_picture_gives_finite_gradients():
    found = outputs(0.0, 8.0)
    total(found, targets([], [], [])).backward()
    assert torch.isfinite(found[0].grad).all()


def test_perfect_box_costs_less_than_a_wrong_one():
    truth = targets([[12, 12, 28, 28]], [1], [False])
    right = detection_loss(outputs(-4.0, 8.0), PLACES, truth, LossRecipe())['box']
    wrong = detection_loss(outputs(-4.0, 3.0), PLACES, truth, LossRecipe())['box']
    assert right.item() < wrong.item()


def test_no_gradient_reaches_an_ignored_region():
    found = outputs(2.0, 8.0)
    total(found, targets([[16, 16, 48, 48]], [0], [True])).backward()
    within = ((PLACES[:, :2] > 16) & (PLACES[:, :2] < 48)).all(1)
    assert (found[0].grad[0, within] == 0).all()
    assert (found[0].grad[0, ~within] != 0).all()


def test_weights_scale_their_terms():
    truth = targets([[12, 12, 28, 28]], [1], [False])
    once = detection_loss(outputs(-4.0, 5.0), PLACES, truth, LossRecipe(box=1.0))
    thrice = detection_loss(outputs(-4.0, 5.0), PLACES, truth, LossRecipe(box=3.0))
    assert float(thrice['box']) == pytest.approx(3 * float(once['box']), rel=1e-5)
    assert math.isclose(float(thrice['class']), float(once['class']), rel_tol=1e-6)
