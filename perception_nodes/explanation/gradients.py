"""
Grad-CAM: which coarse features of a network speak for a box, or the class of a region or picture.

Selvaraju et al., ICCV 2017, with the logits of a region added up as Vinogradova et al. do
(Seg-Grad-CAM, AAAI 2020); for boxes with the score of the candidate that is most of the box, and
with weights of every place as Zhao and Chan have them (ODAM, ICLR 2023). All through captum. One
run of the network in place of hundreds, but it asks for gradients, and tells where features lie,
not what the decision would be without them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from perception_nodes.explanation.questions import (
    BoxQuestion,
    ClassQuestion,
    RegionQuestion,
)
from perception_nodes.inference.bundle_checks import closest
from perception_nodes.learning.adversarial.config import LEVELS
from perception_nodes.learning.adversarial.differentiable import (
    PictureNetwork,
    differentiable,
    differentiable_classifier,
)
from perception_nodes.learning.adversarial.differentiable_boxes import (
    PictureDetector,
    differentiable_detector,
)
from perception_nodes.learning.models.classifier import ClassifierNet
from perception_nodes.learning.models.segmenter import SegmenterNet
from perception_nodes.structures import ColorOrder, Frame

SpeaksFor = Callable[[torch.Tensor], torch.Tensor]
"""From (1, 3, H, W) pictures to (1,) how much speaks for a decision."""


def grad_cam(
    question: BoxQuestion | RegionQuestion | ClassQuestion, frame: Frame, layer: str = ''
) -> np.ndarray:
    """
    Return (K, H, W) float32 ≥ 0 of the coarse features, one map for each decision.

    :param layer: name of the layer in torch; empty: the coarsest that the decision is read from.
    :raises NotDifferentiableError: for a bundle that gives no gradients.
    :raises ValueError: for a layer that the network does not have, or that gives no features.
    """
    if isinstance(question, BoxQuestion):
        detector = differentiable_detector(question.bundle)
        network: PictureNetwork = detector
        targets = question.targets
        boxes = zip(targets.xyxy, targets.class_ids.tolist(), strict=True)
        decisions = [_of_box(detector, xyxy, number) for xyxy, number in boxes]
    elif isinstance(question, ClassQuestion):
        network = differentiable_classifier(question.bundle)
        decisions = [_of_class(network, number) for number in question.classes]
    else:
        network = differentiable(question.bundle)
        pairs = zip(question.classes, question.regions, strict=True)
        decisions = [_of_region(network, number, region) for number, region in pairs]
    chosen = _named(network.network, layer) if layer else _coarsest(network)
    return _maps(network, chosen, decisions, frame)


def _of_box(network: PictureDetector, xyxy: np.ndarray, number: int) -> SpeaksFor:
    return lambda batch: network.score_of(batch, xyxy, number)


def _of_class(network: PictureNetwork, number: int) -> SpeaksFor:
    return lambda batch: network(batch)[:, number]


def _of_region(network: PictureNetwork, number: int, region: np.ndarray) -> SpeaksFor:
    inside = torch.from_numpy(region)
    return lambda batch: network(batch)[:, number, inside].sum(dim=1)


def _maps(
    network: PictureNetwork, layer: nn.Module, decisions: Sequence[SpeaksFor], frame: Frame
) -> np.ndarray:
    """Return (K, H, W), without the border that resizing has added to the picture."""
    rgb = np.ascontiguousarray(frame.in_order(ColorOrder.RGB))
    pictures = (torch.from_numpy(rgb).permute(2, 0, 1)[None] / LEVELS).requires_grad_()
    _check_features(layer, decisions[0], pictures)
    attributed = _by_place if isinstance(network, PictureDetector) else _by_channel
    maps = []
    for speaks_for in decisions:
        found = attributed(speaks_for, layer, pictures)
        plane = np.ascontiguousarray(found.detach().numpy())
        maps.append(network.in_picture(plane, frame.size_wh))
    return np.stack(maps)


def _by_channel(speaks_for: SpeaksFor, layer: nn.Module, pictures: torch.Tensor) -> torch.Tensor:
    """Return (h, w): the features, each channel weighed by its mean gradient."""
    from captum.attr import LayerGradCam

    return LayerGradCam(speaks_for, layer).attribute(pictures, relu_attributions=True)[0, 0]


def _by_place(speaks_for: SpeaksFor, layer: nn.Module, pictures: torch.Tensor) -> torch.Tensor:
    """
    Return (h, w): the features, each weighed by its own gradient.

    The gradient of one box is that of one place; its mean over the picture would mark other things
    of the class as well.
    """
    from captum.attr import LayerGradientXActivation

    return LayerGradientXActivation(speaks_for, layer).attribute(pictures)[0].sum(0).relu()


def _check_features(layer: nn.Module, speaks_for: SpeaksFor, pictures: torch.Tensor) -> None:
    """Refuse a layer that gives no map of features."""
    seen: list[Any] = []
    hook = layer.register_forward_hook(lambda _layer, _inputs, output: seen.append(output))
    with torch.no_grad():
        speaks_for(pictures)
    hook.remove()
    if not (len(seen) == 1 and isinstance(seen[0], torch.Tensor) and seen[0].ndim == 4):
        raise ValueError(
            f'layer: a {type(layer).__name__} that gives no map of features, or several; take one '
            'that gives (1, channels, rows, columns) once'
        )


def _named(network: nn.Module, layer: str) -> nn.Module:
    """Return the layer of a name."""
    layers = dict(network.named_modules())
    if layer not in layers:
        raise ValueError(
            f'layer: the network has no {layer!r}{closest(layer, layers)}; it has '
            f'{", ".join(name for name, _ in network.named_children())} and what lies in them'
        )
    return layers[layer]


def _coarsest(whole: PictureNetwork) -> nn.Module:
    """Return the layer whose output is the coarsest that the decision is read from."""
    network = whole.network
    if isinstance(whole, PictureDetector):
        return whole.feature_layer
    if isinstance(network, SegmenterNet):
        return network.context
    if isinstance(network, ClassifierNet):
        return network.trunk.parts[-1]
    trunk = getattr(network, 'backbone', network)
    return list(trunk.children())[-1]
