"""A small feature pyramid made of depthwise-separable convolutions."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional


def separable(channels: int, *, stride: int = 1) -> nn.Sequential:
    """Return a 3×3 depthwise and a 1×1 convolution, each with batch norm, and ReLU6."""
    return nn.Sequential(
        nn.Conv2d(channels, channels, 3, stride, 1, groups=channels, bias=False),
        nn.BatchNorm2d(channels),
        nn.Conv2d(channels, channels, 1, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU6(inplace=True),
    )


class Pyramid(nn.Module):
    """
    Features of the strides 8, 16 and 32 with equal channels.

    Every finest location also sees the four places of stride 4 that it is made of: small things
    are a few of those wide.

    :param trunk_channels: channels of the trunk's features at the strides 4, 8 and 16.
    :param channels: channels of every output.
    """

    def __init__(self, trunk_channels: Sequence[int], channels: int) -> None:
        super().__init__()
        self.detail = nn.Sequential(
            nn.Conv2d(trunk_channels[0], channels, 2, stride=2, bias=False),
            nn.BatchNorm2d(channels),
        )
        self.lateral = nn.ModuleList(
            nn.Sequential(nn.Conv2d(width, channels, 1, bias=False), nn.BatchNorm2d(channels))
            for width in trunk_channels[1:]
        )
        self.down = separable(channels, stride=2)
        self.context = separable(channels)
        self.smooth = nn.ModuleList(separable(channels) for _ in range(2))

    def forward(self, features: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """Return [(B, C, H/8, W/8), (B, C, H/16, W/16), (B, C, H/32, W/32)]."""
        middle = self.lateral[1](features[2])
        coarse = self.context(self.down(middle))
        middle = self.smooth[1](middle + functional.interpolate(coarse, scale_factor=2.0))
        fine = self.lateral[0](features[1]) + self.detail(features[0])
        fine = fine + functional.interpolate(middle, scale_factor=2.0)
        return [self.smooth[0](fine), middle, coarse]
