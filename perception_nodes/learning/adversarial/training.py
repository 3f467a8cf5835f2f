"""Attacks on a network while it learns, and on the pictures that judge it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn

from perception_nodes.learning.adversarial.attacks import ATTACKS, in_levels
from perception_nodes.learning.adversarial.config import LEVELS
from perception_nodes.learning.adversarial.differentiable import PictureNetwork
from perception_nodes.learning.compute import device_of
from perception_nodes.learning.data.batches import input_of, normalised
from perception_nodes.learning.data.masks import MaskBatch
from perception_nodes.learning.models.segmenter import enlarged
from perception_nodes.learning.recipes.segmentation import SegmentationRecipe
from perception_nodes.structures import ColorOrder, Frame

_LARGEST_SEED = 2**31
_ROUNDING = 1e-6  # 0.7 · 10 is a little more than 7


def attacked_batch(model: nn.Module, batch: MaskBatch, recipe: SegmentationRecipe) -> MaskBatch:
    """
    Return the batch, its first pictures attacked: ``images`` then are float32, still of 0..255.

    The order within a batch is random already. The parts of a batch together attack its share,
    rounded up. Running statistics and weights stay as they are, and equal batches meet equal
    random starts.
    """
    how = recipe.adversarial
    count = _share_of(batch, how.share) if how.is_on else 0
    if count == 0:
        return batch
    images, masks = batch.images[:count], batch.masks[:count]

    def logits_of(pictures: torch.Tensor) -> torch.Tensor:
        return enlarged(model(normalised(LEVELS * pictures, recipe)), masks.shape[-2:])

    generator = torch.Generator(images.device)
    generator.manual_seed(int(images.sum(dtype=torch.int64)) % _LARGEST_SEED)
    with _judging(model):
        changed = ATTACKS[how.attack](logits_of, images / LEVELS, masks, how, generator)
    return dataclasses.replace(batch, images=torch.cat([LEVELS * changed, batch.images[count:]]))


def _share_of(batch: MaskBatch, share: float) -> int:
    """Return how many pictures of a part are attacked: so many that the whole has its share."""
    before, after = (
        math.ceil(share * number - _ROUNDING)
        for number in (batch.first, batch.first + len(batch.images))
    )
    return after - before


class FrameAttack:
    """
    Attacks camera frames, as the training attacks its batches.

    :param model: the network of the recipe; it stays in the mode it is in.
    """

    def __init__(self, model: nn.Module, recipe: SegmentationRecipe) -> None:
        self._model, self._how = model, recipe.adversarial
        self._network = PictureNetwork(model, input_of(recipe)).to(device_of(model))

    def __call__(self, frame: Frame, truth: np.ndarray) -> Frame:
        """
        Return the attacked frame in whole grey levels.

        :param truth: (H, W) uint8 class numbers, 255 counts neither way.
        """
        device = device_of(self._model)
        rgb = torch.from_numpy(np.ascontiguousarray(frame.in_order(ColorOrder.RGB)))
        levels = rgb.permute(2, 0, 1)[None].to(device)
        masks = torch.from_numpy(truth)[None].to(device)
        generator = torch.Generator(device)
        generator.manual_seed(int(levels.sum(dtype=torch.int64)) % _LARGEST_SEED)
        with _judging(self._model):
            attack = ATTACKS[self._how.attack]
            changed = attack(self._network, levels / LEVELS, masks, self._how, generator)
        pixels = in_levels(changed, levels, self._how)[0].permute(1, 2, 0)
        return Frame(pixels=pixels.cpu().contiguous().numpy(), color_order=ColorOrder.RGB)


@contextmanager
def _judging(model: nn.Module) -> Iterator[None]:
    """Keep batch norms from learning the statistics of half-made attacks."""
    was_training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(was_training)
