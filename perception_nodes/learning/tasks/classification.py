"""Learning to tell what a picture shows."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader

from perception_nodes.evaluation.classification import (
    ClassificationMeter,
    ClassificationMetrics,
)
from perception_nodes.evaluation.ground_truth import read_picture
from perception_nodes.evaluation.picture_folders import ClassedPicture, PictureFolders
from perception_nodes.inference.decoders import build_decoder
from perception_nodes.learning.beginning import begun
from perception_nodes.learning.class_losses import class_loss
from perception_nodes.learning.compute import device_of
from perception_nodes.learning.data.batches import (
    normalised,
    preprocessor_of,
    training_batches,
)
from perception_nodes.learning.data.classed import ClassBatch, ClassedDataset, stack_classes
from perception_nodes.learning.data.splits import spread_over
from perception_nodes.learning.mask_losses import class_weights
from perception_nodes.learning.models.classifier import LAST_LAYERS, ClassifierNet
from perception_nodes.learning.ranks import Ranks
from perception_nodes.learning.recipes.classification import ClassificationRecipe
from perception_nodes.structures import Classification

DECODER = 'class_logits'


class ClassificationTask:
    """
    A :class:`~perception_nodes.learning.task.Task` for classes of pictures.

    :param recipe: everything that is set.
    :param training: to learn from.
    :param validation: chooses the best epoch.
    :param start: ONNX file of a classifier of the same recipe to go on from; None: the trunk's
        ImageNet features, or nothing.
    :param trunk: ONNX file of a network of another task whose trunk is taken over.
    :raises ValueError: when a set has pictures of other classes than the recipe, or there is
        nothing to learn a class from, or a start is needed.
    """

    metric = 'top1'

    def __init__(
        self,
        recipe: ClassificationRecipe,
        training: PictureFolders,
        validation: PictureFolders,
        start: Path | None = None,
        trunk: Path | None = None,
    ) -> None:
        recipe.pruning.check_start(start)
        self.recipe = recipe
        self.start = start
        self.trunk = trunk
        self.schedule = recipe.schedule
        self.seed = recipe.seed
        self.dataset = ClassedDataset(training.numbered_as(recipe.classes), recipe)
        counts = self.dataset.counts()
        missing = [recipe.classes[number] for number in np.flatnonzero(counts == 0)]
        if missing:
            raise ValueError(
                f'classes: there is no picture to learn {", ".join(missing)} from; add some, or '
                'leave the class out of the recipe'
            )
        numbered = validation.numbered_as(recipe.classes)
        chosen = spread_over(numbered.pictures, recipe.schedule.validation_images)
        self.validation = dataclasses.replace(numbered, pictures=tuple(chosen))
        self._weights = class_weights(counts, recipe.loss.balance)

    def build_model(self) -> nn.Module:
        """Return the network of the recipe, with the function it starts from."""
        return begun(self, ClassifierNet, size_wh=self.recipe.input_wh, fixed=LAST_LAYERS)

    def batches(self, epoch: int, ranks: Ranks | None = None) -> DataLoader:
        """Return this process's share of the epoch's batches, or its share among other ranks."""
        return training_batches(
            self.dataset,
            self.schedule,
            workers=self.recipe.data.workers,
            seed=self.seed + 7919 * (epoch + 1),
            collate=stack_classes,
            likely=self.dataset.likely(),
            ranks=ranks,
        )

    def loss(self, model: nn.Module, batch: ClassBatch) -> dict[str, torch.Tensor]:
        """Return the loss term of a batch."""
        logits = model(normalised(batch.images, self.recipe))
        return class_loss(logits, batch.class_ids, self._weights, self.recipe.loss)

    def parts(self, batch: ClassBatch, count: int) -> list[ClassBatch]:
        """Return the batch cut into parts."""
        size = -(-len(batch.images) // count)
        pairs = zip(batch.images.split(size), batch.class_ids.split(size), strict=True)
        return [ClassBatch(images=images, class_ids=class_ids) for images, class_ids in pairs]

    def validate(self, model: nn.Module) -> dict[str, float]:
        """Return accuracy, also among the five most probable, mean recall, calibration error."""
        found = metrics_of(scored(model, self.recipe, self.validation), self.recipe)
        named = {
            'top1': found.top1,
            'top5': found.top5,
            'mean_recall': found.mean_recall,
            'ECE': found.calibration_error,
        }
        return {name: value for name, value in named.items() if np.isfinite(value)}


@dataclass(frozen=True, eq=False, kw_only=True)
class ScoredClasses:
    """
    What the network says about a labelled picture.

    :param logits: (C,) float32.
    """

    picture: ClassedPicture
    logits: np.ndarray


@torch.inference_mode()
def scored(
    model: nn.Module, recipe: ClassificationRecipe, labelled: PictureFolders
) -> Iterator[ScoredClasses]:
    """Yield what the network says about every picture, prepared as the robot would."""
    model.eval()
    prepare, device = preprocessor_of(recipe), device_of(model)
    for picture in labelled.pictures:
        batch, _ = prepare(read_picture(picture.path))
        image = torch.from_numpy(batch).contiguous(memory_format=torch.channels_last)
        yield ScoredClasses(picture=picture, logits=model(image.to(device))[0].cpu().numpy())


def metrics_of(
    pictures: Iterable[ScoredClasses], recipe: ClassificationRecipe, temperature: float = 1.0
) -> ClassificationMetrics:
    """
    Return the figures, the classes being those that the bundle's decoder would give.

    :param temperature: divides the logits.
    """
    decoder = build_decoder(DECODER, class_count=len(recipe.classes))
    meter = ClassificationMeter(recipe.classes)
    for item in pictures:
        found = decoder.decode({'logits': item.logits}, temperature)
        meter.add(
            item.picture.class_id,
            Classification.unknown() if found is None else Classification.of(found),
        )
    return meter.metrics()
