"""Loss of the classifier."""

from __future__ import annotations

import torch
from torch.nn import functional

from perception_nodes.learning.recipes.classification import ClassLossRecipe

_LEAST_DOUBT = 1e-6


def class_loss(
    logits: torch.Tensor, class_ids: torch.Tensor, weights: torch.Tensor, recipe: ClassLossRecipe
) -> dict[str, torch.Tensor]:
    """
    Return the term ``cross_entropy``, a mean over the pictures weighted by their classes.

    :param logits: (B, C).
    :param class_ids: (B,) int64.
    :param weights: (C,) of the classes.
    """
    counts = weights.to(logits.device)[class_ids]
    entropy = functional.cross_entropy(
        logits, class_ids, reduction='none', label_smoothing=recipe.smoothing
    )
    if recipe.focal:
        entropy = focal_factors(logits, class_ids, recipe.focal) * entropy
    return {'cross_entropy': (counts * entropy).sum() / counts.sum()}


def focal_factors(logits: torch.Tensor, class_ids: torch.Tensor, power: float) -> torch.Tensor:
    """
    Return (B, …) how much each place counts: (1 − p)^power, p being the probability of its class.

    Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017, for a softmax.

    :param logits: (B, C, …).
    :param class_ids: (B, …) int64.
    """
    sure = logits.log_softmax(1).gather(1, class_ids.unsqueeze(1)).squeeze(1).exp()
    # At 0 a power below 1 has no gradient.
    return (1 - sure).clamp(min=_LEAST_DOUBT) ** power
