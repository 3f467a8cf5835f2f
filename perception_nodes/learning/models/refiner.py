"""
The two networks of a translation: one changes pictures, the other tells them from real ones.

A. Shrivastava et al., "Learning from Simulated and Unsupervised Images through Adversarial
Training" (CVPR 2017): a small residual refiner, a critic of patches, a history of pictures.
"""

from __future__ import annotations

import itertools

import torch
from torch import nn
from torch.nn import functional

from perception_nodes.learning.models.segmenter import enlarged
from perception_nodes.learning.recipes.translation import RefinerRecipe, TranslationRecipe

_SLOPE = 0.2


def _unframed(before: int, after: int, *, size: int = 3, stride: int = 1) -> nn.Conv2d:
    """Return a convolution that sees more of the same beyond the border: zeros leave a glow."""
    return nn.Conv2d(before, after, size, stride, padding=1, padding_mode='replicate')


class Residual(nn.Module):
    """Two convolutions beside the identity; without norms, whose statistics depend on the size."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _unframed(channels, channels)
        self.second = _unframed(channels, channels)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return features of the same shape."""
        return features + self.second(functional.relu(self.first(features)))


class Refiner(nn.Module):
    """
    How every pixel is to change; fully convolutional at stride 2, about 100k parameters.

    It begins as the identity: the last convolution is zero.

    :param recipe: size and reach.
    """

    def __init__(self, recipe: RefinerRecipe) -> None:
        super().__init__()
        self.largest_change = recipe.largest_change
        self.stem = _unframed(3, recipe.channels, size=4, stride=2)
        self.blocks = nn.Sequential(*(Residual(recipe.channels) for _ in range(recipe.blocks)))
        # From enlarged features and the picture itself: fine grain without a checkerboard.
        self.out = _unframed(recipe.channels + 3, 3)
        nn.init.zeros_(self.out.weight)
        if self.out.bias is not None:
            nn.init.zeros_(self.out.bias)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """
        Return the change (B, 3, H, W), in parts of the full range.

        :param image: (B, 3, H, W) float32 normalised, sides even.
        """
        features = self.blocks(functional.relu(self.stem(image)))
        whole = torch.cat([enlarged(features, image.shape[-2:]), image], 1)
        return self.largest_change * torch.tanh(self.out(whole))


class PictureHistory(nn.Module):
    """
    Translated crops of earlier steps, shown again so that the critic does not forget them.

    It lies in buffers, so that a resumed training shows the same.

    :param size: how many crops; 0 keeps none.
    :param crop_wh: their size.
    """

    def __init__(self, size: int, crop_wh: tuple[int, int]) -> None:
        super().__init__()
        width, height = crop_wh
        self.pictures: torch.Tensor
        self.count: torch.Tensor
        self.register_buffer('pictures', torch.zeros(size, 3, height, width, dtype=torch.uint8))
        self.register_buffer('count', torch.zeros((), dtype=torch.int64))

    def exchanged(self, fresh: torch.Tensor) -> torch.Tensor:
        """
        Return the crops, about half of them exchanged for earlier ones once there are enough.

        :param fresh: (B, 3, h, w) uint8.
        """
        size, shown = len(self.pictures), []
        for crop in fresh if size else ():
            place = int(self.count)
            if place < size:
                self.pictures[place] = crop
                self.count += 1
                shown.append(crop)
            elif float(torch.rand(())) < 0.5:
                place = int(torch.randint(size, ()))
                shown.append(self.pictures[place].clone())
                self.pictures[place] = crop
            else:
                shown.append(crop)
        return torch.stack(shown) if shown else fresh


class Critic(nn.Module):
    """
    How real every patch looks: near 1 real, near 0 translated.

    Spectral norms (Miyato et al. 2018) keep its slopes small, and the translation steady.

    :param recipe: sizes.
    """

    def __init__(self, recipe: TranslationRecipe) -> None:
        super().__init__()
        critic = recipe.critic
        widths = [3, *(critic.channels * min(2**n, 4) for n in range(critic.layers))]
        layers: list[nn.Module] = []
        for before, after in itertools.pairwise(widths):
            layers += [_steady(before, after, stride=2), nn.LeakyReLU(_SLOPE)]
        self.layers = nn.Sequential(*layers, _steady(widths[-1], 1, stride=1))
        self.history = PictureHistory(critic.history, recipe.data.crop_wh)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """
        Return (B, 1, rows, columns).

        :param image: (B, 3, H, W) float32 normalised.
        """
        return self.layers(image)


def _steady(before: int, after: int, *, stride: int) -> nn.Module:
    """Return a convolution of 4×4 with a spectral norm."""
    convolution = nn.Conv2d(before, after, 4, stride=stride, padding=1)
    return nn.utils.parametrizations.spectral_norm(convolution)
