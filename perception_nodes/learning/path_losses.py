"""The loss of points with deviations."""

from __future__ import annotations

import torch
from torch.nn import functional

from perception_nodes.inference.decoders.path_points import LOG_SIGMA_LIMITS
from perception_nodes.learning.recipes.path import PathLossRecipe


def gaussian_likelihood(
    points: torch.Tensor, log_sigma: torch.Tensor, truth: torch.Tensor
) -> torch.Tensor:
    """
    Return the negative log-likelihood of each point, without its constant.

    :param points: (..., 2) means, metres.
    :param log_sigma: (...) of each coordinate.
    :param truth: (..., 2).
    """
    log_sigma = log_sigma.clamp(*LOG_SIGMA_LIMITS)
    square = (points - truth).square().sum(-1)
    return 0.5 * square * torch.exp(-2 * log_sigma) + 2 * log_sigma


def path_loss(
    outputs: torch.Tensor, truth: torch.Tensor, seen: torch.Tensor, recipe: PathLossRecipe
) -> dict[str, torch.Tensor]:
    """
    Return the weighted terms of the loss.

    :param outputs: (B, K, 4) of the network.
    :param truth: (B, K, 2) metres; where not seen, any number.
    :param seen: (B, K) bool.
    """
    weights = seen.to(outputs.dtype)
    each = gaussian_likelihood(outputs[..., :2], outputs[..., 2], truth)
    likelihood = (torch.where(seen, each, 0.0)).sum() / weights.sum().clamp(min=1.0)
    visible = functional.binary_cross_entropy_with_logits(outputs[..., 3], weights)
    return {'points': recipe.points * likelihood, 'visible': recipe.visible * visible}
