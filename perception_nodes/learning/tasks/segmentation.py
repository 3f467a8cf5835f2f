"""Learning to tell the class of every pixel."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader

from perception_nodes.evaluation.masked_sets import MaskedPicture, MaskedSet
from perception_nodes.evaluation.segmentation import SegmentationMeter, SegmentationMetrics
from perception_nodes.imaging.resize import ImageResize
from perception_nodes.inference.class_map import map_classes
from perception_nodes.inference.decoders.masks import checked_logits
from perception_nodes.learning.adversarial.training import FrameAttack, attacked_batch
from perception_nodes.learning.beginning import begun
from perception_nodes.learning.compute import device_of
from perception_nodes.learning.data.balance import likely_by_rarest
from perception_nodes.learning.data.batches import (
    normalised,
    preprocessor_of,
    training_batches,
)
from perception_nodes.learning.data.disturbed import disturbed_frame
from perception_nodes.learning.data.masks import (
    MaskBatch,
    MaskDataset,
    mask_transform,
    stack_masks,
)
from perception_nodes.learning.data.splits import spread_over
from perception_nodes.learning.distillation import distillation_loss, teacher_of
from perception_nodes.learning.export import SEGMENTER_OUTPUTS
from perception_nodes.learning.mask_losses import class_weights, segmentation_loss
from perception_nodes.learning.models.segmenter import LAST_LAYERS, enlarged, segmenter_of
from perception_nodes.learning.quantised.building import quantised
from perception_nodes.learning.ranks import Ranks
from perception_nodes.learning.recipes.segmentation import SegmentationRecipe
from perception_nodes.segmentation.labelling import PixelLabeller
from perception_nodes.structures import Frame


class SegmentationTask:
    """
    A :class:`~perception_nodes.learning.task.Task` for masks.

    :param recipe: everything that is set.
    :param training: to learn from.
    :param validation: chooses the best epoch.
    :param start: ONNX file of a segmenter of the same recipe to go on from; None: the trunk's
        ImageNet features, or nothing.
    :param trunk: ONNX file of a network of another task whose trunk is taken over.
    :raises ValueError: when a set has other classes than the recipe, or a start is needed.
    """

    def __init__(
        self,
        recipe: SegmentationRecipe,
        training: MaskedSet,
        validation: MaskedSet,
        start: Path | None = None,
        trunk: Path | None = None,
    ) -> None:
        for labelled in (training, validation):
            if labelled.classes != recipe.classes:
                raise ValueError(
                    f'classes: the recipe has {", ".join(recipe.classes)}, '
                    f'the labels have {", ".join(labelled.classes)}; write those in the recipe'
                )
        recipe.pruning.check_start(start)
        recipe.quantised.check_start(start)
        self.recipe = recipe
        self.start = start
        self.trunk = trunk
        self.schedule = recipe.schedule
        self.seed = recipe.seed
        self.metric = _deciding_metric(recipe)
        stored = MaskDataset(training, cached=recipe.data.cached)
        self.dataset = stored.varied(mask_transform(recipe.data, stored))
        chosen = spread_over(validation.pictures, recipe.schedule.validation_images)
        self.validation = dataclasses.replace(validation, pictures=tuple(chosen))
        self._weights = class_weights(stored.pixel_counts(), recipe.loss.balance)
        balanced = recipe.data.balanced
        self._likely = likely_by_rarest(stored.shown(), balanced) if balanced else None
        self._teacher = teacher_of(recipe)

    def build_model(self) -> nn.Module:
        """Return the network of the recipe, with the function it starts from."""
        size_wh = self.recipe.data.crop_wh
        model = begun(self, segmenter_of, size_wh=size_wh, fixed=LAST_LAYERS)
        how = self.recipe.quantised
        shown = [picture.path for picture in self.dataset.labelled.pictures]
        return quantised(model, self.recipe, how, shown, SEGMENTER_OUTPUTS)

    def batches(self, epoch: int, ranks: Ranks | None = None) -> DataLoader:
        """Return this process's share of the epoch's batches, or its share among other ranks."""
        return training_batches(
            self.dataset,
            self.schedule,
            workers=self.recipe.data.workers,
            seed=self.seed + 7919 * (epoch + 1),
            collate=stack_masks,
            likely=self._likely,
            ranks=ranks,
        )

    def loss(self, model: nn.Module, batch: MaskBatch) -> dict[str, torch.Tensor]:
        """Return the loss terms of a batch, a part of it attacked if the recipe says so."""
        clean = batch.images
        batch = attacked_batch(model, batch, self.recipe)
        logits = enlarged(model(normalised(batch.images, self.recipe)), batch.masks.shape[-2:])
        terms = segmentation_loss(logits, batch.masks, self._weights, self.recipe.loss)
        if self._teacher is not None:
            how = self.recipe.teacher
            divergence = distillation_loss(logits, self._teacher(clean), how.temperature)
            terms['teacher'] = how.weight * divergence
        return terms

    def parts(self, batch: MaskBatch, count: int) -> list[MaskBatch]:
        """Return the batch cut into parts."""
        size = -(-len(batch.images) // count)
        images, masks = batch.images.split(size), batch.masks.split(size)
        return [
            MaskBatch(images=some, masks=theirs, first=number * size)
            for number, (some, theirs) in enumerate(zip(images, masks, strict=True))
        ]

    def validate(self, model: nn.Module) -> dict[str, float]:
        """Return mean IoU, calibration error, IoU of each class; mean IoU attacked, disturbed."""
        figures = self._figures(scored(model, self.recipe, self.validation))
        by_class = {f'IoU_{name}': part.iou for name, part in figures.by_class.items()}
        found = {
            'mIoU': figures.mean_iou,
            'ECE': figures.calibration_error,
            **{name: value for name, value in by_class.items() if np.isfinite(value)},
        }
        if self.recipe.adversarial.is_on:
            change = FrameAttack(model.eval(), self.recipe)
            attacked = self._figures(scored(model, self.recipe, self.validation, change))
            found['mIoU_attacked'] = attacked.mean_iou
        if self.recipe.data.disturbed:
            disturbed = self._figures(scored(model, self.recipe, self.validation, disturbed_frame))
            found['mIoU_disturbed'] = disturbed.mean_iou
        return found

    def _figures(self, pictures: Iterable[ScoredPicture]) -> SegmentationMetrics:
        classes = self.recipe.classes
        labeller = PixelLabeller(map_classes(classes, {}, 'classes'), min_confidence=0.0)
        meter = SegmentationMeter(classes)
        for item in pictures:
            meter.add(item.truth, labeller(checked_logits(item.logits, 1.0), item.resize))
        return meter.metrics()


def _deciding_metric(recipe: SegmentationRecipe) -> str:
    """Return the figure that chooses the best epoch: of the hardest pictures that are trained."""
    if recipe.adversarial.is_on:
        return 'mIoU_attacked'
    return 'mIoU_disturbed' if recipe.data.disturbed else 'mIoU'


@dataclass(frozen=True, eq=False, kw_only=True)
class ScoredPicture:
    """
    What the network says about a labelled picture.

    :param truth: (H, W) uint8 class numbers, 255 counts neither way.
    :param logits: (C, h, w) float32 of the network's cells.
    :param resize: how the picture became the network's input.
    """

    picture: MaskedPicture
    truth: np.ndarray
    logits: np.ndarray
    resize: ImageResize


def scored(
    model: nn.Module,
    recipe: SegmentationRecipe,
    labelled: MaskedSet,
    change: Callable[[Frame, np.ndarray], Frame] = lambda frame, _truth: frame,
) -> Iterator[ScoredPicture]:
    """
    Yield what the network says about every picture of a set.

    :param change: of a picture and its labels, before the network sees it.
    """
    model.eval()
    prepare, device = preprocessor_of(recipe), device_of(model)
    for picture in labelled.pictures:
        frame, truth = labelled.read(picture)
        batch, resize = prepare(change(frame, truth))
        image = torch.from_numpy(batch).contiguous(memory_format=torch.channels_last)
        with torch.inference_mode():
            logits = model(image.to(device))[0].cpu().numpy()
        yield ScoredPicture(picture=picture, truth=truth, logits=logits, resize=resize)
