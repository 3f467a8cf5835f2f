"""Pictures in bad light and weather, through a dirty lens: for networks that drive then too."""

from __future__ import annotations

import zlib
from dataclasses import replace

import numpy as np
import torch
from torchvision import tv_tensors

from perception_nodes.imaging.disturbances import disturb, random_disturbance
from perception_nodes.learning.data.pictures import Sample
from perception_nodes.structures import Frame


class RandomDisturbance(torch.nn.Module):
    """
    Disturb a part of the samples; labels stay in their place.

    :param part: of the samples, 0..1.
    """

    def __init__(self, part: float) -> None:
        super().__init__()
        self.part = part

    def forward(self, sample: Sample) -> Sample:
        """Return the sample with another ``image`` (3, H, W) uint8, or as it is."""
        if float(torch.rand(())) >= self.part:
            return sample
        seed = int(torch.randint(2**31, ()))  # torch's generator is the one that checkpoints keep
        pixels = sample['image'].as_subclass(torch.Tensor).permute(1, 2, 0).contiguous().numpy()
        image = torch.from_numpy(_disturbed(pixels, seed)).permute(2, 0, 1).contiguous()
        return {**sample, 'image': tv_tensors.Image(image)}


def disturbed_frame(frame: Frame, _truth: np.ndarray | None = None) -> Frame:
    """Return the frame disturbed by random levels that depend on its pixels alone."""
    seed = zlib.crc32(frame.pixels[::16, ::16].tobytes())
    return replace(frame, pixels=_disturbed(frame.pixels, seed))


def _disturbed(pixels: np.ndarray, seed: int) -> np.ndarray:
    """Return (H, W, 3) uint8 as seen under disturbances drawn from a seed."""
    rng = np.random.default_rng(seed)
    return disturb(pixels, random_disturbance(rng), seed=seed, frame=0)
