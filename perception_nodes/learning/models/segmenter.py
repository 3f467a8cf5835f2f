"""Trunk and decoder of the segmenter."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from perception_nodes.learning.models.trunk import Trunk
from perception_nodes.learning.recipes.segmentation import SegmentationRecipe

_STRIDES = (2, 4, 8, 16, 32)
LAST_LAYERS = ('classify',)
"""Names of the layers whose outputs are the network's."""


def _merged(width: int, channels: int, size: int = 3) -> nn.Sequential:
    """Return convolution, batch norm and ReLU; full 3×3, which a CPU does at its best pace."""
    return nn.Sequential(
        nn.Conv2d(width, channels, size, padding=size // 2, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(inplace=True),
    )


class Context(nn.Module):
    """
    Features weighed by what the whole picture shows, as in LR-ASPP (Howard et al. 2019).

    :param width: channels of the input.
    :param channels: of the output.
    """

    def __init__(self, width: int, channels: int) -> None:
        super().__init__()
        self.local = _merged(width, channels, 1)
        self.gate = nn.Conv2d(width, channels, 1)
        self.mix = _merged(channels, channels)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return (B, channels, H, W)."""
        gate = self.gate(features.mean((2, 3), keepdim=True)).sigmoid()
        return self.mix(self.local(features) * gate)


class Refine(nn.Module):
    """
    Coarse features enlarged, joined with finer ones of the trunk, and mixed.

    :param coarse: channels of the coarse features.
    :param fine: channels of the trunk's features.
    :param channels: of the output.
    """

    def __init__(self, coarse: int, fine: int, channels: int) -> None:
        super().__init__()
        self.narrow = _merged(coarse, channels, 1) if coarse != channels else nn.Identity()
        self.lateral = nn.Sequential(
            nn.Conv2d(fine, channels, 1, bias=False), nn.BatchNorm2d(channels)
        )
        self.mix = _merged(channels, channels)

    def forward(self, coarse: torch.Tensor, fine: torch.Tensor) -> torch.Tensor:
        """Return (B, channels, H, W) in the size of the fine features."""
        larger = enlarged(self.narrow(coarse), fine.shape[-2:])
        return self.mix(functional.relu(larger + self.lateral(fine)))


def enlarged(features: torch.Tensor, shape_hw: torch.Size | tuple[int, int]) -> torch.Tensor:
    """Return the features in another size, bilinear."""
    size = [int(side) for side in shape_hw]
    return functional.interpolate(features, size=size, mode='bilinear', align_corners=False)


class SegmenterNet(nn.Module):
    """
    A trunk with a decoder that goes up to stride 4 or 2.

    :param recipe: sizes and classes.
    :param learns_norms: the batch norms of the trunk are not merged.
    """

    def __init__(self, recipe: SegmentationRecipe, *, learns_norms: bool = False) -> None:
        super().__init__()
        model = recipe.model
        strides = _STRIDES[_STRIDES.index(model.output_stride) :]
        self.trunk = Trunk(model, strides, folded=not learns_norms)
        widths = {
            stride: max(model.channels * min(stride, 8) // 8, len(recipe.classes))
            for stride in strides
        }
        self.context = Context(self.trunk.channels[-1], widths[32])
        self.refine = nn.ModuleList(
            Refine(widths[2 * stride], fine, widths[stride])
            for stride, fine in reversed(list(zip(strides, self.trunk.channels, strict=True))[:-1])
        )
        self.classify = nn.Conv2d(widths[strides[0]], len(recipe.classes), 1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """
        Return the logits (B, C, H / output_stride, W / output_stride).

        :param image: (B, 3, H, W) float32 normalised, sides multiples of the stride.
        """
        *fine, coarse = self.trunk(image)
        features = self.context(coarse)
        for refine, lateral in zip(self.refine, reversed(fine), strict=True):
            features = refine(features, lateral)
        return self.classify(features)


def segmenter_of(recipe: SegmentationRecipe, *, learns_norms: bool) -> nn.Module:
    """
    Return the network with the decoder of the recipe.

    :param learns_norms: the batch norms of the trunk are not merged.
    :raises RuntimeError: the library of the decoder is not installed.
    """
    if recipe.model.decoder == 'ours':
        return SegmenterNet(recipe, learns_norms=learns_norms)
    try:
        from perception_nodes.learning.models.smp_segmenter import SmpSegmenterNet
    except ImportError as error:
        raise RuntimeError(
            f'decoder {recipe.model.decoder} needs segmentation-models-pytorch: '
            'pip install "perception_suite[training]"'
        ) from error
    return SmpSegmenterNet(recipe, learns_norms=learns_norms)
