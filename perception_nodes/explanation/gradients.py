"""
Grad-CAM for segmenters: which coarse features of the network speak for a region's class.

Selvaraju et al., ICCV 2017, with the logits of a region added up as Vinogradova et al. do
(Seg-Grad-CAM, AAAI 2020); through captum. One run of the network in place of hundreds, but it asks
for gradients, and tells where features lie, not what the decision would be without them.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from perception_nodes.explanation.questions import RegionQuestion
from perception_nodes.learning.adversarial.config import LEVELS
from perception_nodes.learning.adversarial.differentiable import differentiable
from perception_nodes.learning.models.segmenter import SegmenterNet
from perception_nodes.structures import ColorOrder, Frame


def grad_cam(question: RegionQuestion, frame: Frame) -> np.ndarray:
    """
    Return (K, h, w) float32 ≥ 0 of the coarse features, one map for each region.

    :raises NotDifferentiableError: for a bundle that gives no gradients.
    """
    from captum.attr import LayerGradCam

    network = differentiable(question.bundle)
    rgb = np.ascontiguousarray(frame.in_order(ColorOrder.RGB))
    pictures = (torch.from_numpy(rgb).permute(2, 0, 1)[None] / LEVELS).requires_grad_()
    layer = _coarsest(network.network)
    maps = []
    for number, region in zip(question.classes, question.regions, strict=True):
        inside = torch.from_numpy(region)

        def speaks_for(
            batch: torch.Tensor, number: int = number, inside: torch.Tensor = inside
        ) -> torch.Tensor:
            return network(batch)[:, number, inside].sum(dim=1)

        found = LayerGradCam(speaks_for, layer).attribute(pictures, relu_attributions=True)
        maps.append(found[0, 0].detach().numpy())
    return np.stack(maps)


def _coarsest(network: nn.Module) -> nn.Module:
    """Return the layer whose output is the coarsest that the decoder reads."""
    if isinstance(network, SegmenterNet):
        return network.context
    trunk = getattr(network, 'backbone', network)
    return list(trunk.children())[-1]
