"""Learning to tell the class of every pixel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader

from perception_nodes.learning.data.batches import normalised, training_batches
from perception_nodes.learning.data.masks import (
    IGNORED,
    MaskBatch,
    MaskDataset,
    MaskedPicture,
    mask_transform,
    read_masked,
    stack_masks,
)
from perception_nodes.learning.data.splits import spread_over
from perception_nodes.learning.mask_losses import class_weights, segmentation_loss
from perception_nodes.learning.models.segmenter import SegmenterNet, enlarged
from perception_nodes.learning.recipes.segmentation import SegmentationRecipe


class SegmentationTask:
    """
    A :class:`~perception_nodes.learning.loop.Task` for masks.

    :param recipe: everything that is set.
    :param training: to learn from, at least one picture.
    :param validation: chooses the best epoch, at least one picture.
    """

    metric = 'mIoU'

    def __init__(
        self,
        recipe: SegmentationRecipe,
        training: Sequence[MaskedPicture],
        validation: Sequence[MaskedPicture],
    ) -> None:
        if not training or not validation:
            raise ValueError('training and validation need at least one picture each')
        self.recipe = recipe
        self.schedule = recipe.schedule
        self.seed = recipe.seed
        self.dataset = MaskDataset(
            training,
            len(recipe.classes),
            mask_transform(recipe.data),
            cached=recipe.data.cached,
        )
        self.validation = spread_over(validation, recipe.schedule.validation_images)
        self._weights = class_weights(self.dataset.pixel_counts(), recipe.loss.balance)

    def build_model(self) -> nn.Module:
        """Return the network of the recipe."""
        return SegmenterNet(self.recipe)

    def batches(self, epoch: int) -> DataLoader:
        """Return the epoch's batches."""
        return training_batches(
            self.dataset,
            batch=self.schedule.batch,
            workers=self.recipe.data.workers,
            seed=self.seed + 7919 * (epoch + 1),
            collate=stack_masks,
        )

    def loss(self, model: nn.Module, batch: MaskBatch) -> dict[str, torch.Tensor]:
        """Return the loss terms of a batch."""
        logits = enlarged(model(normalised(batch.images, self.recipe)), batch.masks.shape[-2:])
        return segmentation_loss(logits, batch.masks, self._weights, self.recipe.loss)

    def parts(self, batch: MaskBatch, count: int) -> list[MaskBatch]:
        """Return the batch cut into parts."""
        size = -(-len(batch.images) // count)
        return [
            MaskBatch(images=images, masks=masks)
            for images, masks in zip(
                batch.images.split(size), batch.masks.split(size), strict=True
            )
        ]

    @torch.inference_mode()
    def validate(self, model: nn.Module) -> dict[str, float]:
        """Return the mean IoU of the validation pictures and that of each class."""
        model.eval()
        count = len(self.recipe.classes)
        confusion = np.zeros((count, count), np.int64)
        for picture in self.validation:
            image, mask = read_masked(picture, count)
            pixels = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None]
            logits = enlarged(model(normalised(pixels, self.recipe)), mask.shape)
            found = logits[0].argmax(0).numpy()
            kept = mask != IGNORED
            pairs = count * mask[kept].astype(np.int64) + found[kept]
            confusion += np.bincount(pairs, minlength=count * count).reshape(count, count)
        hits = confusion.diagonal()
        union = confusion.sum(0) + confusion.sum(1) - hits
        iou = np.where(union > 0, hits / np.maximum(union, 1), np.nan)
        named = dict(zip(self.recipe.classes, iou.tolist(), strict=True))
        return {
            'mIoU': float(np.nanmean(iou)),
            **{f'IoU_{name}': value for name, value in named.items() if value == value},
        }
