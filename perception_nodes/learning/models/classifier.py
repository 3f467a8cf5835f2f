"""Trunk and head of the classifier."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from perception_nodes.learning.models.trunk import Trunk
from perception_nodes.learning.recipes.classification import ClassificationRecipe

LAST_LAYERS = ('classify',)
"""Names of the layers whose outputs are the network's."""


class ClassifierNet(nn.Module):
    """
    A trunk, the mean of its features, and one linear layer.

    :param recipe: sizes and classes.
    :param learns_norms: the batch norms of the trunk are not merged.
    """

    def __init__(self, recipe: ClassificationRecipe, *, learns_norms: bool = False) -> None:
        super().__init__()
        model = recipe.model
        self.trunk = Trunk(model, (model.stride,), folded=not learns_norms)
        self.dropout = nn.Dropout(model.dropout)
        # A convolution of one place is a linear layer, and stands in exported files among the
        # others, where a later training finds it again.
        self.classify = nn.Conv2d(self.trunk.channels[0], len(recipe.classes), 1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """
        Return the logits (B, C).

        :param image: (B, 3, H, W) float32 normalised.
        """
        (features,) = self.trunk(image)
        mean = functional.adaptive_avg_pool2d(features, 1)
        return self.classify(self.dropout(mean)).flatten(1)
