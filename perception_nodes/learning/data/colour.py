"""Random changes of colour as one matrix: exposure, contrast, saturation and hue."""

from __future__ import annotations

import math

import torch
from torchvision import tv_tensors

from perception_nodes.learning.data.pictures import Sample

_LUMA = torch.tensor([0.299, 0.587, 0.114])  # ITU-R BT.601
_ANY_HUE, _GREY = 0.3, 0.08  # parts of the pictures at strength 1
_EXPOSURE, _CONTRAST, _SATURATION, _HUE_RAD = 0.5, 0.5, 0.6, 0.2


def _around(centre: float, spread: float) -> float:
    """Return a random number at most ``spread`` from the centre."""
    return centre + spread * (2 * float(torch.rand(())) - 1)


def hue_rotation(angle_rad: float) -> torch.Tensor:
    """Return the (3, 3) turn of RGB colours about grey."""
    c, s = math.cos(angle_rad), math.sin(angle_rad) / math.sqrt(3)
    cross = torch.tensor([[0.0, -1.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]])
    return c * torch.eye(3) + (1 - c) / 3 + s * cross


def saturation(factor: float) -> torch.Tensor:
    """Return the (3, 3) mixture of a colour with its grey: 0 is grey, 1 changes nothing."""
    return factor * torch.eye(3) + (1 - factor) * _LUMA.expand(3, 3)


class ColourMatrix(torch.nn.Module):
    """
    Change the colours of a sample's picture by one random affine map of RGB.

    A product of pixels costs a tenth of torchvision's separate changes with a detour to HSV.

    :param strength: 0 changes nothing, 1 much, with any hue now and then.
    """

    def __init__(self, strength: float) -> None:
        super().__init__()
        self.strength = strength

    def forward(self, sample: Sample) -> Sample:
        """Return the sample with another ``image`` (3, H, W) uint8."""
        pixels = sample['image'].as_subclass(torch.Tensor).float()
        matrix, contrast = self._draw()
        mean = float((_LUMA[:, None] * pixels.flatten(1).mean(1, keepdim=True)).sum())
        changed = matrix @ pixels.flatten(1) + (1 - contrast) * mean
        image = changed.clamp(0, 255).to(torch.uint8).view(pixels.shape)
        return {**sample, 'image': tv_tensors.Image(image)}

    def _draw(self) -> tuple[torch.Tensor, float]:
        """Return a (3, 3) matrix and the contrast in it."""
        strength = self.strength
        likely = min(strength, 1.0)
        turn = math.pi if float(torch.rand(())) < _ANY_HUE * likely else _HUE_RAD * strength
        matrix = hue_rotation(_around(0.0, turn))
        grey = float(torch.rand(())) < _GREY * likely
        matrix = saturation(0.0 if grey else max(_around(1.0, _SATURATION * strength), 0)) @ matrix
        contrast = max(_around(1.0, _CONTRAST * strength), 0.1)
        return matrix * contrast * max(_around(1.0, _EXPOSURE * strength), 0.1), contrast
