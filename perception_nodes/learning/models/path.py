"""Trunk and head of the path network."""

from __future__ import annotations

import torch
from torch import nn

from perception_nodes.learning.models.trunk import Trunk
from perception_nodes.learning.recipes.path import PathRecipe

STRIDE = 16
LAST_LAYERS = ('head.4',)
"""Names of the layers whose outputs are the network's."""


class PathNet(nn.Module):
    """
    A trunk to stride 16, and two layers that see where in the picture features are.

    :param recipe: sizes and stations.
    :param learns_norms: the batch norms of the trunk are not merged.
    """

    nominal: torch.Tensor

    def __init__(self, recipe: PathRecipe, *, learns_norms: bool = False) -> None:
        super().__init__()
        model = recipe.model
        self.trunk = Trunk(model, (STRIDE,), folded=not learns_norms)
        self.narrow = nn.Sequential(
            nn.Conv2d(self.trunk.channels[0], model.channels, 1, bias=False),
            nn.BatchNorm2d(model.channels),
            nn.ReLU(inplace=True),
        )
        width, height = (-(-side // STRIDE) for side in recipe.input_wh)
        self.head = nn.Sequential(
            nn.Flatten(),
            nn.Dropout(model.dropout),
            nn.Linear(model.channels * width * height, model.hidden),
            nn.ReLU(inplace=True),
            nn.Linear(model.hidden, 4 * len(recipe.stations_m)),
        )
        # A path that runs straight ahead is where the network begins to look.
        nominal = torch.zeros(len(recipe.stations_m), 4)
        nominal[:, 0] = torch.tensor(recipe.stations_m)
        nominal[:, 2] = -1.0
        self.register_buffer('nominal', nominal, persistent=False)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """
        Return (B, K, 4): x, y in metres, log σ, logit of being seen.

        :param image: (B, 3, H, W) float32 normalised.
        """
        (features,) = self.trunk(image)
        values = self.head(self.narrow(features))
        return values.reshape(-1, *self.nominal.shape) + self.nominal
