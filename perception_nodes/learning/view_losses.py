"""
Two views of a frame shall give one embedding, and embeddings shall not become all the same.

VICReg (Bardes, Ponce and LeCun, "Variance-Invariance-Covariance Regularization for
Self-Supervised Learning", ICLR 2022): no negatives, no second network, no large batches.
"""

from __future__ import annotations

import torch
from torch.nn import functional

from perception_nodes.learning.recipes.pretraining import ViewLossRecipe

_EPSILON = 1e-4  # of the paper, under the root of a variance


def view_loss(
    first: torch.Tensor, second: torch.Tensor, recipe: ViewLossRecipe
) -> dict[str, torch.Tensor]:
    """
    Return the weighted terms.

    :param first: (B, D) embeddings of one view of B frames, B at least 2.
    :param second: of the other view, in the same order.
    """
    return {
        'invariance': recipe.invariance * functional.mse_loss(first, second),
        'variance': recipe.variance * (lacking_variance(first) + lacking_variance(second)) / 2,
        'covariance': recipe.covariance * (redundancy(first) + redundancy(second)),
    }


def lacking_variance(embeddings: torch.Tensor) -> torch.Tensor:
    """Return the mean of what the deviations over the batch lack to 1, 0..1."""
    deviation = (embeddings.var(0) + _EPSILON).sqrt()
    return functional.relu(1 - deviation).mean()


def redundancy(embeddings: torch.Tensor) -> torch.Tensor:
    """Return the squared covariances of different dimensions, summed, divided by D."""
    count, size = embeddings.shape
    centred = embeddings - embeddings.mean(0)
    covariance = centred.T @ centred / (count - 1)
    squares = covariance.square()
    return (squares.sum() - squares.diagonal().sum()) / size
