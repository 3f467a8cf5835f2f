"""Trunk and expander of pre-training; only the trunk is kept."""

from __future__ import annotations

import torch
from torch import nn

from perception_nodes.learning.models.trunk import Trunk
from perception_nodes.learning.recipes.pretraining import PretrainingRecipe


class PretrainingNet(nn.Module):
    """
    A trunk with its batch norms, and three layers behind the mean of its features.

    :param recipe: sizes.
    """

    def __init__(self, recipe: PretrainingRecipe) -> None:
        super().__init__()
        model = recipe.model
        self.trunk = Trunk(model, (model.stride,), folded=False)
        width = model.width
        self.expander = nn.Sequential(
            nn.Linear(self.trunk.channels[0], width, bias=False),
            nn.BatchNorm1d(width),
            nn.ReLU(inplace=True),
            nn.Linear(width, width, bias=False),
            nn.BatchNorm1d(width),
            nn.ReLU(inplace=True),
            nn.Linear(width, width, bias=False),
        )
        # Deviations of 1 from the start (He et al. 2015): nothing is spent on growing to them.
        for layer in self.expander:
            if isinstance(layer, nn.Linear):
                nn.init.kaiming_normal_(layer.weight)

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """
        Return the mean features (B, C) and the embeddings (B, D).

        :param image: (B, 3, H, W) float32 normalised.
        """
        (features,) = self.trunk(image)
        mean = features.mean((2, 3))
        return mean, self.expander(mean)


class TrunkOnly(nn.Module):
    """
    What is exported: the trunk with merged batch norms, under the names of every network here.

    :param trunk: is copied.
    """

    def __init__(self, trunk: Trunk) -> None:
        super().__init__()
        self.trunk = trunk.merged()

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return the features (B, C, H / stride, W / stride) of the last stage."""
        return self.trunk(image)[-1]
