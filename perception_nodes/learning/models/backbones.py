"""Networks of timm and torchvision, cut into parts that run one after the other."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import timm
import torch
import torchvision
from torch import nn

from perception_nodes.learning.models.imagenet import load_file, load_registry_weights
from perception_nodes.learning.recipes.trunk import TrunkRecipe
from perception_nodes.learning.trunks import EFFICIENTNET_LITE, TORCHVISION

_HEADS = {'avgpool', 'classifier', 'fc'}
_PROBE_PX = 64


@dataclass(frozen=True, eq=False, kw_only=True)
class Backbone:
    """
    A feature extractor in parts.

    :param parts: each takes what the one before it gives.
    :param features: (stride, channels) behind each part.
    :param stem: how many of the parts come before the first stage.
    """

    parts: list[nn.Module]
    features: list[tuple[int, int]]
    stem: int = 0

    def last_of(self, stride: int) -> int | None:
        """Return the last part whose features have a stride; None where none has."""
        found = [index for index, (own, _) in enumerate(self.features) if own == stride]
        return found[-1] if found else None


def backbone_of(recipe: TrunkRecipe) -> Backbone:
    """
    Return the feature extractor of a recipe, in eval mode, batch norms apart.

    Parts of an EfficientNet-Lite are its stem and its stages, those of any other network all that
    lies between one stride and the next.

    :raises ValueError: a file of weights that does not fit.
    :raises RuntimeError: weights that are not to be had.
    """
    net = _network(recipe).eval()
    if recipe.trunk in EFFICIENTNET_LITE:
        parts: list[nn.Module] = [nn.Sequential(net.conv_stem, net.bn1), *net.blocks]
        return Backbone(parts=parts, features=_measured(parts), stem=1)
    chain = _chain(net)
    strides = [stride for stride, _ in _measured(chain)]
    parts = [
        nn.Sequential(*(module for module, _ in group))
        for _, group in itertools.groupby(zip(chain, strides, strict=True), lambda pair: pair[1])
    ]
    return Backbone(parts=parts, features=_measured(parts))


def body_of(net: Any) -> dict[str, nn.Module]:
    """Return the children of a network that make its features, in the order of their calls."""
    children = dict(net.named_children())
    if not hasattr(net, 'feature_info'):  # of torchvision
        return {name: child for name, child in children.items() if name not in _HEADS}
    last = net.feature_info[-1]['module'].split('.')[0]
    return dict(list(children.items())[: list(children).index(last) + 1])


def _network(recipe: TrunkRecipe) -> Any:
    """Return the whole network of the library, with the weights that the recipe wants."""
    if not recipe.pretrained:
        return _built(recipe.trunk, pretrained=False)
    if recipe.trunk in EFFICIENTNET_LITE:
        return load_registry_weights(_built(recipe.trunk, pretrained=False), recipe.trunk)
    if recipe.weights:
        net = _built(recipe.trunk, pretrained=False)
        return load_file(net, recipe.weights, recipe.trunk, tuple(body_of(net)))
    try:
        return _built(recipe.trunk, pretrained=True)
    except OSError as error:
        raise RuntimeError(
            f'the ImageNet weights of {recipe.trunk} could not be downloaded ({error}); name a '
            'file of them (model.weights), or set model.pretrained: false in the recipe'
        ) from error


def _built(name: str, *, pretrained: bool) -> Any:
    if name.startswith(TORCHVISION):
        builder = name.removeprefix(TORCHVISION)
        return torchvision.models.get_model(builder, weights='DEFAULT' if pretrained else None)
    return timm.create_model(name, pretrained=pretrained)


def _chain(net: nn.Module) -> list[nn.Module]:
    """Return the modules of the body in the order of their calls, as fine as containers tell."""
    chain: list[nn.Module] = []
    for child in body_of(net).values():
        chain += child if isinstance(child, nn.Sequential) else [child]
    return chain


@torch.no_grad()
def _measured(parts: Sequence[nn.Module]) -> list[tuple[int, int]]:
    """Return (stride, channels) behind each part."""
    found, features = [], torch.zeros(1, 3, _PROBE_PX, _PROBE_PX)
    for part in parts:
        features = part(features)
        found.append((_PROBE_PX // features.shape[-1], features.shape[1]))
    return found
