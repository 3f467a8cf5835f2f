"""
Random textures and tones, against trusting what a camera may lose.

None of them resembles a corruption of the robustness suite: a network that stands the suite has
not seen it in training.
"""

from __future__ import annotations

import torch
from torch.nn import functional
from torchvision import tv_tensors
from torchvision.transforms import v2

from perception_nodes.learning.data.pictures import Sample

_SIDES = (1, 3, 5)
_CENTRE = 127.5


class RandomConvolution(torch.nn.Module):
    """
    Mix a picture with what a random filter makes of it.

    Xu et al., "Robust and Generalizable Visual Representation Learning via Random
    Convolutions", ICLR 2021: edges stay where they are, every texture and colour is another.
    """

    def forward(self, sample: Sample) -> Sample:
        """Return the sample with another ``image`` (3, H, W) uint8."""
        pixels = sample['image'].as_subclass(torch.Tensor).float() - _CENTRE
        side = _SIDES[int(torch.randint(len(_SIDES), ()))]
        weights = torch.randn(3, 3, side, side) / (3 * side * side) ** 0.5
        filtered = functional.conv2d(pixels[None], weights, padding=side // 2)[0]
        # Contrast as before: a random filter also makes pictures brighter or flat.
        filtered *= pixels.std() / filtered.std().clamp(min=1.0)
        part = float(torch.rand(()))
        mixed = part * filtered + (1 - part) * pixels + _CENTRE
        image = mixed.round().clamp(0, 255).to(torch.uint8)
        return {**sample, 'image': tv_tensors.Image(image)}


def texture_changes(part: float) -> list[torch.nn.Module]:
    """
    Return random changes of texture and tone, which leave every label in its place.

    :param part: of the pictures that are changed, 0..1.
    """
    tones = [
        v2.RandomPosterize(bits=3, p=1.0),
        v2.RandomSolarize(threshold=128, p=1.0),
        v2.RandomEqualize(p=1.0),
        v2.RandomChannelPermutation(),
    ]
    return [
        v2.RandomApply([RandomConvolution()], p=part),
        v2.RandomApply([v2.RandomChoice(tones)], p=part / 2),
    ]
