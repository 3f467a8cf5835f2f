"""Anchor-free detection head: class, distances to the four sides, quality."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import cast

import torch
from torch import nn

_PRIOR = 0.01  # probability of an object at the start, as in RetinaNet


class _Tower(nn.Module):
    """Separable convolutions shared by all levels, with batch norms of each level's own."""

    def __init__(self, channels: int, depth: int, levels: int) -> None:
        super().__init__()
        self.spatial = nn.ModuleList(
            nn.Conv2d(channels, channels, 3, 1, 1, groups=channels, bias=False)
            for _ in range(depth)
        )
        self.mixing = nn.ModuleList(
            nn.Conv2d(channels, channels, 1, bias=False) for _ in range(depth)
        )
        self.norms = nn.ModuleList(
            nn.ModuleList(nn.BatchNorm2d(channels) for _ in range(depth)) for _ in range(levels)
        )

    def forward(self, features: torch.Tensor, level: int) -> torch.Tensor:
        """Return features of the same shape."""
        norms = cast(nn.ModuleList, self.norms[level])
        for index, norm in enumerate(norms):
            mixed = self.mixing[index](self.spatial[index](features))
            features = nn.functional.relu6(norm(mixed))
        return features


class FcosHead(nn.Module):
    """
    Predict at every location of every level.

    :param classes: number of classes C.
    :param channels: channels of the pyramid.
    :param depth: convolutions in each tower.
    :param strides: of the levels, in network pixels.
    """

    def __init__(self, classes: int, channels: int, depth: int, strides: Sequence[int]) -> None:
        super().__init__()
        self.strides = tuple(strides)
        self.class_tower = _Tower(channels, depth, len(self.strides))
        self.box_tower = _Tower(channels, depth, len(self.strides))
        self.classify = nn.Conv2d(channels, classes, 1)
        self.measure = nn.Conv2d(channels, 5, 1)
        nn.init.normal_(self.classify.weight, std=0.01)
        nn.init.constant_(cast(torch.Tensor, self.classify.bias), -math.log((1 - _PRIOR) / _PRIOR))
        nn.init.normal_(self.measure.weight, std=0.01)
        # exp(0.7) ≈ 2: boxes start four strides wide.
        nn.init.constant_(cast(torch.Tensor, self.measure.bias), 0.7)

    def forward(
        self, levels: Sequence[torch.Tensor]
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """
        Return what each location says.

        :returns: logits (B, N, C), ltrb (B, N, 4) in network pixels ≥ 0, quality (B, N, 1) as
            a logit; levels in the order of the strides, each row by row.
        """
        logits, ltrb, quality = [], [], []
        for index, (features, stride) in enumerate(zip(levels, self.strides, strict=True)):
            classes = self.classify(self.class_tower(features, index))
            measured = self.measure(self.box_tower(features, index))
            measured = measured.flatten(2).transpose(1, 2)  # B, H·W, 5
            logits.append(classes.flatten(2).transpose(1, 2))
            # The bound keeps a wild start finite: e^6 · 8 is far beyond any picture.
            ltrb.append(measured[..., :4].clamp(-6.0, 6.0).exp() * float(stride))
            quality.append(measured[..., 4:])
        return torch.cat(logits, 1), torch.cat(ltrb, 1), torch.cat(quality, 1)
