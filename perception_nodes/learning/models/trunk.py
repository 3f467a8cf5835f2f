"""The shared feature extractor."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from perception_nodes.learning.models.backbones import Backbone, backbone_of
from perception_nodes.learning.recipes.trunk import TrunkRecipe


def fold_batch_norms(module: nn.Module) -> nn.Module:
    """
    Merge every batch norm into the convolution before it, in place.

    Frozen statistics are what small batches of crops need, and merged they cost nothing:
    half of the training time of this trunk on a CPU is otherwise spent in batch norms.
    """
    previous: tuple[str, nn.Conv2d] | None = None
    for name, child in list(module.named_children()):
        if isinstance(child, nn.Conv2d):
            previous = (name, child)
        elif isinstance(child, nn.BatchNorm2d) and previous is not None:
            setattr(module, previous[0], fuse_conv_bn_eval(previous[1], child))
            activation = getattr(child, 'act', nn.Identity())
            setattr(module, name, activation)
            previous = None
        else:
            fold_batch_norms(child)
    return module


class Trunk(nn.Module):
    """
    A backbone up to the last of the strides that a task wants.

    Input (B, 3, H, W) float32 normalised; output the features of the wanted strides, whose
    numbers of channels are ``channels``.

    :param recipe: which backbone, and what it begins from.
    :param strides: rising; parts behind the last are left out.
    :param folded: merge the batch norms; a trunk that learns from nothing needs them apart.
    :ivar merged_convolutions: names of the convolutions into which a norm was merged.
    :raises ValueError: the backbone lacks a stride, or has fewer stages than shall be frozen.
    """

    def __init__(
        self, recipe: TrunkRecipe, strides: Sequence[int], *, folded: bool = True
    ) -> None:
        super().__init__()
        backbone = backbone_of(recipe)
        self.name = recipe.trunk
        self._wanted = _parts_of(backbone, strides, recipe.trunk)
        self.channels = tuple(backbone.features[index][1] for index in self._wanted)
        self.parts = nn.ModuleList(backbone.parts[: self._wanted[-1] + 1])
        self.merged_convolutions: tuple[str, ...] = ()
        if folded:
            self._merge()
        self.frozen = self._frozen(recipe.frozen_stages, backbone.stem)
        for part in self.parts[: self.frozen]:
            part.requires_grad_(False)

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return the features of the strides."""
        features = image
        outputs = []
        for index, part in enumerate(self.parts):
            features = part(features)
            if index in self._wanted:
                outputs.append(features)
        return tuple(outputs)

    def merged(self) -> Trunk:
        """Return a copy with the same function in evaluation, its batch norms merged."""
        twin = copy.deepcopy(self).eval()
        twin._merge()
        return twin

    def _merge(self) -> None:
        """Merge the norms; what merging gives a bias had one."""
        convolutions = {
            name: module for name, module in self.named_modules() if isinstance(module, nn.Conv2d)
        }
        without = [name for name, module in convolutions.items() if module.bias is None]
        fold_batch_norms(self.parts)
        merged = [name for name in without if self.get_submodule(name).bias is not None]
        self.merged_convolutions += tuple(merged)

    def _frozen(self, stages: int, stem: int) -> int:
        """Return the number of leading parts that stay as they are."""
        most = len(self.parts) - stem
        if stages > most:
            raise ValueError(
                f'frozen_stages: {stages}, but what this task takes of {self.name} has {most} '
                f'stages; freeze at most {most}'
            )
        return stages + stem if stages else 0


def _parts_of(backbone: Backbone, strides: Sequence[int], name: str) -> tuple[int, ...]:
    """Return the parts whose features have the strides."""
    found = [backbone.last_of(stride) for stride in strides]
    parts = [index for index in found if index is not None]
    if len(parts) < len(found):
        has = sorted({stride for stride, _ in backbone.features})
        raise ValueError(
            f'trunk: {name} has features of the strides {", ".join(map(str, has))}, wanted are '
            f'{", ".join(map(str, strides))}; take another trunk, or a recipe that wants others '
            '(model.output_stride, model.stride)'
        )
    return tuple(parts)
