"""
Grad-CAM: which coarse features of a network speak for a class, of a region or of the picture.

Selvaraju et al., ICCV 2017, with the logits of a region added up as Vinogradova et al. do
(Seg-Grad-CAM, AAAI 2020); through captum. One run of the network in place of hundreds, but it asks
for gradients, and tells where features lie, not what the decision would be without them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
import torch
from torch import nn

from perception_nodes.explanation.questions import ClassQuestion, RegionQuestion
from perception_nodes.learning.adversarial.config import LEVELS
from perception_nodes.learning.adversarial.differentiable import (
    PictureNetwork,
    differentiable,
    differentiable_classifier,
)
from perception_nodes.learning.models.classifier import ClassifierNet
from perception_nodes.learning.models.segmenter import SegmenterNet
from perception_nodes.segmentation.planes import plane_to_source
from perception_nodes.structures import ColorOrder, Frame

SpeaksFor = Callable[[torch.Tensor], torch.Tensor]
"""From (1, 3, H, W) pictures to (1,) how much speaks for a decision."""


def grad_cam(question: RegionQuestion | ClassQuestion, frame: Frame) -> np.ndarray:
    """
    Return (K, H, W) float32 ≥ 0 of the coarse features, one map for each decision.

    :raises NotDifferentiableError: for a bundle that gives no gradients.
    """
    if isinstance(question, ClassQuestion):
        network: PictureNetwork = differentiable_classifier(question.bundle)
        decisions = [_of_class(network, number) for number in question.classes]
    else:
        network = differentiable(question.bundle)
        pairs = zip(question.classes, question.regions, strict=True)
        decisions = [_of_region(network, number, region) for number, region in pairs]
    return _maps(network, decisions, frame)


def _of_class(network: PictureNetwork, number: int) -> SpeaksFor:
    return lambda batch: network(batch)[:, number]


def _of_region(network: PictureNetwork, number: int, region: np.ndarray) -> SpeaksFor:
    inside = torch.from_numpy(region)
    return lambda batch: network(batch)[:, number, inside].sum(dim=1)


def _maps(network: PictureNetwork, decisions: Sequence[SpeaksFor], frame: Frame) -> np.ndarray:
    """Return (K, H, W), without the border that resizing has added to the picture."""
    from captum.attr import LayerGradCam

    rgb = np.ascontiguousarray(frame.in_order(ColorOrder.RGB))
    pictures = (torch.from_numpy(rgb).permute(2, 0, 1)[None] / LEVELS).requires_grad_()
    layer, resize = _coarsest(network.network), network.resize_for(frame.size_wh)
    maps = []
    for speaks_for in decisions:
        found = LayerGradCam(speaks_for, layer).attribute(pictures, relu_attributions=True)
        plane = np.ascontiguousarray(found[0, 0].detach().numpy())
        maps.append(plane_to_source(plane, resize, cv2.INTER_LINEAR))
    return np.stack(maps)


def _coarsest(network: nn.Module) -> nn.Module:
    """Return the layer whose output is the coarsest that the decoder reads."""
    if isinstance(network, SegmenterNet):
        return network.context
    if isinstance(network, ClassifierNet):
        return network.trunk.parts[-1]
    trunk = getattr(network, 'backbone', network)
    return list(trunk.children())[-1]
