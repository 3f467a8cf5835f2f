"""Features of pictures by the trunk that ImageNet trained: how alike sets are, what is kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import cv2
import numpy as np
import torch
from torch import nn
from torch.nn import functional

from perception_nodes.evaluation.frechet import FeatureCloud
from perception_nodes.learning.adversarial.config import LEVELS
from perception_nodes.learning.compute import device_of
from perception_nodes.learning.models.trunk import Trunk
from perception_nodes.learning.recipes.trunk import TrunkRecipe

STRIDES = (8, 16, 32)
"""Textures and colours, parts, whole things: the Fréchet distance is told for each."""
DECIDING_STRIDE = 16
"""A refiner can change textures and parts; at stride 32 the arrangement of things counts."""
_CONTENT_STRIDES = (4, 8)
_BATCH = 16
_EPSILON = 1e-5
# What the ImageNet weights of the trunk were trained with: (pixel − 127) / 128.
_MEAN, _STD = 127.0, 128.0


class PooledFeatures(nn.Module):
    """The mean of the trunk's features over a picture, at several strides."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = _frozen_trunk(STRIDES)

    @torch.no_grad()
    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """
        Return (B, D) of each stride.

        :param images: (B, 3, H, W) RGB of 0..255.
        """
        return tuple(part.mean((2, 3)) for part in self.trunk((images.float() - _MEAN) / _STD))

    def clouds(self, pictures: Sequence[np.ndarray]) -> dict[int, FeatureCloud]:
        """
        Return the cloud of a set, by stride.

        :param pictures: (H, W, 3) uint8 RGB each, of one size, at least two.
        """
        device, rows = device_of(self), []
        for start in range(0, len(pictures), _BATCH):
            stacked = np.stack(pictures[start : start + _BATCH])
            images = torch.from_numpy(stacked).permute(0, 3, 1, 2).to(device)
            rows.append([part.float().cpu().numpy() for part in self(images)])
        return {
            stride: FeatureCloud.of(np.concatenate(parts))
            for stride, parts in zip(STRIDES, zip(*rows, strict=True), strict=True)
        }


class ContentDifference(nn.Module):
    """
    How much of what a picture shows has changed, whatever its colours and contrast.

    Features of each channel without their mean and deviation over the picture, which are what
    tells one style from another (X. Huang and S. Belongie, "Arbitrary Style Transfer in
    Real-time with Adaptive Instance Normalization", ICCV 2017).
    """

    def __init__(self) -> None:
        super().__init__()
        self.trunk = _frozen_trunk(_CONTENT_STRIDES)

    def forward(self, before: torch.Tensor, after: torch.Tensor) -> torch.Tensor:
        """
        Return the mean absolute difference, in deviations.

        :param before: (B, 3, H, W) RGB of 0..255; ``after`` likewise, with gradient.
        """
        with torch.no_grad():
            wanted = self._content(before)
        pairs = zip(self._content(after), wanted, strict=True)
        return torch.stack([(found - truth).abs().mean() for found, truth in pairs]).mean()

    def _content(self, images: torch.Tensor) -> list[torch.Tensor]:
        features = self.trunk((images.float() - _MEAN) / _STD)
        return [functional.instance_norm(part.float(), eps=_EPSILON) for part in features]


def _frozen_trunk(strides: Sequence[int]) -> Trunk:
    trunk = Trunk(TrunkRecipe(), strides)
    return trunk.eval().requires_grad_(False)


def edge_agreement(before: Iterable[np.ndarray], after: Iterable[np.ndarray]) -> float:
    """
    Return how well the edges of pictures are where they were: mean correlation of the slopes.

    :param before: (H, W, 3) uint8 RGB each; ``after`` likewise.
    :returns: 1 for equal pictures, about 0 for unrelated ones.
    """
    found = [
        float(np.corrcoef(_slope(first).ravel(), _slope(second).ravel())[0, 1])
        for first, second in zip(before, after, strict=True)
    ]
    return float(np.nan_to_num(found).mean())


def _slope(pixels: np.ndarray) -> np.ndarray:
    """Return (H, W) the size of the steepest gradient among the channels."""
    smooth = cv2.GaussianBlur(pixels.astype(np.float32) / LEVELS, (0, 0), 1.0)  # noise is no edge
    along_x, along_y = cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)
    return np.hypot(along_x, along_y).max(axis=2)
