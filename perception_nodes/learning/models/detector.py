"""Trunk, pyramid and head of the detector."""

from __future__ import annotations

import torch
from torch import nn

from perception_nodes.learning.models.fcos_head import FcosHead
from perception_nodes.learning.models.pyramid import Pyramid
from perception_nodes.learning.models.trunk import Trunk
from perception_nodes.learning.recipes.detection import DetectionRecipe

STRIDES = (8, 16, 32)
NEW_BRANCHES = ('pyramid.detail',)
"""What detectors that were exported before this branch existed do not have."""
LAST_LAYERS = ('head.classify', 'head.measure')
"""Names of the layers whose outputs are the network's."""
_TRUNK_STRIDES = (4, 8, 16)


class DetectorNet(nn.Module):
    """
    The network of the ``fcos`` decoder.

    :param recipe: sizes and classes.
    :param learns_norms: the batch norms of the trunk are not merged.
    """

    def __init__(self, recipe: DetectionRecipe, *, learns_norms: bool = False) -> None:
        super().__init__()
        model = recipe.model
        self.trunk = Trunk(model, _TRUNK_STRIDES, folded=not learns_norms)
        self.pyramid = Pyramid(self.trunk.channels, model.channels)
        self.head = FcosHead(len(recipe.classes), model.channels, model.head_depth, STRIDES)

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """
        Return logits (B, N, C), ltrb (B, N, 4) and quality (B, N, 1).

        :param image: (B, 3, H, W) float32 normalised, H and W multiples of 32.
        """
        return self.head(self.pyramid(self.trunk(image)))


def locations(size_wh: tuple[int, int], strides: tuple[int, ...] = STRIDES) -> torch.Tensor:
    """
    Return the centre and the stride of every location, in the order of the outputs.

    :returns: (N, 3) float32: x, y, stride in network pixels.
    """
    rows = []
    for stride in strides:
        x = (torch.arange(size_wh[0] // stride) + 0.5) * stride
        y = (torch.arange(size_wh[1] // stride) + 0.5) * stride
        grid_y, grid_x = torch.meshgrid(y, x, indexing='ij')
        width = torch.full_like(grid_x, float(stride))
        rows.append(torch.stack([grid_x, grid_y, width], -1).reshape(-1, 3))
    return torch.cat(rows)
