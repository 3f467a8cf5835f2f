"""Decoders of segmentation-models-pytorch on the trunks of this suite."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from segmentation_models_pytorch.decoders.deeplabv3.decoder import DeepLabV3PlusDecoder
from segmentation_models_pytorch.decoders.fpn.decoder import FPNDecoder
from segmentation_models_pytorch.decoders.unet.decoder import UnetDecoder
from torch import nn

from perception_nodes.learning.models.trunk import Trunk
from perception_nodes.learning.recipes.segmentation import SegmentationRecipe

_STRIDES = (2, 4, 8, 16, 32)
_RATES = (12, 24, 36)  # of the dilated convolutions of DeepLabV3+ at stride 16


class SmpSegmenterNet(nn.Module):
    """
    A trunk with U-Net, FPN or DeepLabV3+, up to the output stride of the recipe.

    :param recipe: decoder, sizes and classes.
    :param learns_norms: the batch norms of the trunk are not merged.
    """

    def __init__(self, recipe: SegmentationRecipe, *, learns_norms: bool = False) -> None:
        super().__init__()
        model = recipe.model
        strides = _STRIDES[_STRIDES.index(model.output_stride) :]
        if model.decoder == 'smp/DeepLabV3Plus':
            strides = _STRIDES[:-1]  # it keeps stride 16, and has the rest's view by dilation
        self.trunk = Trunk(model, strides, folded=not learns_norms)
        widths = [max(model.channels * min(s, 8) // 8, len(recipe.classes)) for s in strides]
        if model.decoder == 'smp/Unet':
            self.decoder, width = _unet(self.trunk.channels, widths), widths[0]
        elif model.decoder == 'smp/FPN':
            self.decoder, width = _fpn(self.trunk.channels, model.channels), model.channels
        else:
            self.decoder, width = _deeplab(self.trunk.channels, model.channels), model.channels
        self._sees_picture = model.decoder == 'smp/DeepLabV3Plus'
        self.classify = nn.Conv2d(width, len(recipe.classes), 1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """
        Return the logits (B, C, H / output_stride, W / output_stride).

        :param image: (B, 3, H, W) float32 normalised, sides multiples of 32.
        """
        features = list(self.trunk(image))
        if self._sees_picture:  # it counts its features from stride 1
            features.insert(0, image)
        return self.classify(self.decoder(features))


def _unet(channels: Sequence[int], widths: Sequence[int]) -> nn.Module:
    """Return a U-Net that ends at the finest stride, of whose features it takes the size alone."""
    return UnetDecoder(channels, widths[-2::-1], n_blocks=len(channels) - 1)


def _fpn(channels: Sequence[int], width: int) -> nn.Module:
    return FPNDecoder(list(channels), pyramid_channels=width, segmentation_channels=width)


def _deeplab(channels: Sequence[int], width: int) -> nn.Module:
    return DeepLabV3PlusDecoder(
        (3, *channels), encoder_depth=4, out_channels=width, atrous_rates=_RATES,
        output_stride=16, aspp_separable=True, aspp_dropout=0.1,
    )  # fmt: skip
