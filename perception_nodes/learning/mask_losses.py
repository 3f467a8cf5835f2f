"""Loss terms of the segmenter."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional

from perception_nodes.learning.class_losses import focal_factors
from perception_nodes.learning.recipes.segmentation import MaskLossRecipe
from perception_nodes.structures import UNLABELLED


def class_weights(counts: np.ndarray, power: float) -> torch.Tensor:
    """
    Return (C,) float32 weights: (median frequency / frequency) to a power.

    :param counts: (C,) pixels of each class; a class without pixels weighs 1.
    :param power: 0 equal weights, 1 median-frequency balancing (Eigen and Fergus 2015).
    """
    seen = counts > 0
    middle = np.median(counts[seen]) if seen.any() else 1.0
    weights = np.where(seen, (middle / np.maximum(counts, 1)) ** power, 1.0)
    return torch.from_numpy(weights.astype(np.float32))


def lovasz_softmax(probabilities: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """
    Return the mean over the present classes of the Lovász extension of 1 − IoU.

    Berman, Rannen Triki and Blaschko, "The Lovász-Softmax loss", CVPR 2018.

    :param probabilities: (N, C) rows that sum to 1.
    :param labels: (N,) int64, each below C.
    """
    terms = []
    for class_id in torch.unique(labels).tolist():
        truth = (labels == class_id).float()
        errors = (truth - probabilities[:, class_id]).abs()
        ordered, order = torch.sort(errors, descending=True)
        terms.append(torch.dot(ordered, _jaccard_steps(truth[order])))
    return torch.stack(terms).mean() if terms else probabilities.sum() * 0.0


def _jaccard_steps(truth: torch.Tensor) -> torch.Tensor:
    """Return how much 1 − IoU grows as each pixel, worst first, becomes wrong."""
    total = truth.sum()
    intersection = total - truth.cumsum(0)
    union = total + (1.0 - truth).cumsum(0)
    jaccard = 1.0 - intersection / union
    return torch.diff(jaccard, prepend=jaccard.new_zeros(1))


def segmentation_loss(
    logits: torch.Tensor, masks: torch.Tensor, weights: torch.Tensor, recipe: MaskLossRecipe
) -> dict[str, torch.Tensor]:
    """
    Return the weighted terms ``cross_entropy`` and ``lovasz``; their sum is the loss.

    :param logits: (B, C, H, W).
    :param masks: (B, H, W) uint8 class ids, 255 ignored.
    :param weights: (C,) of the cross-entropy.
    """
    places = (masks != UNLABELLED).flatten().nonzero()[:, 0]
    if not len(places):
        return {'cross_entropy': logits.sum() * 0.0, 'lovasz': logits.sum() * 0.0}
    entropy = _cross_entropy(logits, masks.long(), weights.to(logits.device), recipe)
    looked_at = places[:: -(-len(places) // recipe.lovasz_pixels)]
    rows = logits.permute(0, 2, 3, 1).reshape(-1, logits.shape[1])[looked_at]
    lovasz = lovasz_softmax(rows.softmax(1), masks.flatten()[looked_at].long())
    return {'cross_entropy': recipe.cross_entropy * entropy, 'lovasz': recipe.lovasz * lovasz}


def _cross_entropy(
    logits: torch.Tensor, class_ids: torch.Tensor, weights: torch.Tensor, recipe: MaskLossRecipe
) -> torch.Tensor:
    """Return the mean over the labelled pixels, weighted by their classes, focal if that is on."""
    entropy = functional.cross_entropy(
        logits,
        class_ids,
        weight=weights,
        ignore_index=UNLABELLED,
        label_smoothing=recipe.smoothing,
        reduction='none' if recipe.focal else 'mean',
    )
    if not recipe.focal:
        return entropy
    labelled = class_ids != UNLABELLED
    named = class_ids.where(labelled, 0)
    counts = weights[named] * labelled
    return (focal_factors(logits, named, recipe.focal) * entropy).sum() / counts.sum()
