"""Learning to detect: boxes on pictures, with the model of the ``fcos`` decoder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader

from perception_nodes.evaluation.coco import (
    category_ids_of,
    evaluate_detections,
    results_of,
)
from perception_nodes.evaluation.ground_truth import GroundTruth, read_picture
from perception_nodes.inference.decoders import BoxDecoder, build_decoder
from perception_nodes.inference.nms import suppress
from perception_nodes.learning.beginning import begun
from perception_nodes.learning.compute import device_of
from perception_nodes.learning.data.augmentation import training_transform
from perception_nodes.learning.data.balance import likely_by_rarest
from perception_nodes.learning.data.batches import (
    BoxBatch,
    normalised,
    preprocessor_of,
    training_batches,
)
from perception_nodes.learning.data.disturbed import disturbed_frame
from perception_nodes.learning.data.pictures import (
    LabelledPicture,
    PictureDataset,
    labelled_pictures,
)
from perception_nodes.learning.data.splits import spread_over
from perception_nodes.learning.export import DETECTOR_OUTPUTS
from perception_nodes.learning.losses import detection_loss
from perception_nodes.learning.models.detector import (
    LAST_LAYERS,
    NEW_BRANCHES,
    STRIDES,
    DetectorNet,
    locations,
)
from perception_nodes.learning.quantised.building import quantised
from perception_nodes.learning.ranks import Ranks
from perception_nodes.learning.recipes.detection import DetectionRecipe
from perception_nodes.structures import Detections, Frame

LOWEST_SCORE = 0.02  # below this no box matters to the average precision
NMS_IOU = 0.5  # the default of `DetectionConfig`


@dataclass(frozen=True, eq=False, kw_only=True)
class PictureResult:
    """What the model found on one labelled picture."""

    picture: LabelledPicture
    detections: Detections


def decoder_of(recipe: DetectionRecipe) -> BoxDecoder:
    """Return the decoder that the bundle prescribes."""
    return build_decoder('fcos', {'strides': list(STRIDES)}, class_count=len(recipe.classes))


class DetectionTask:
    """
    A :class:`~perception_nodes.learning.task.Task` for boxes.

    :param recipe: everything that is set.
    :param training: labelled set to learn from, at least one picture.
    :param validation: labelled set that chooses the best epoch, at least one picture.
    :param start: ONNX file of a detector of the same recipe to go on from; None: the trunk's
        ImageNet features, or nothing.
    :param trunk: ONNX file of another network whose trunk is taken over.
    :raises ValueError: a set has no picture or no object, or a start is needed.
    """

    def __init__(
        self,
        recipe: DetectionRecipe,
        training: GroundTruth,
        validation: GroundTruth,
        start: Path | None = None,
        trunk: Path | None = None,
    ) -> None:
        if not training.images or not validation.images:
            raise ValueError('training and validation need at least one picture each')
        recipe.pruning.check_start(start)
        recipe.quantised.check_start(start)
        self.recipe = recipe
        self.start = start
        self.trunk = trunk
        self.schedule = recipe.schedule
        self.seed = recipe.seed
        self.metric = 'mAP50_disturbed' if recipe.data.disturbed else 'mAP50'
        stored = labelled_pictures(training, recipe.classes)
        change = training_transform(recipe.data, PictureDataset(stored), recipe.classes)
        self.dataset = PictureDataset(stored, change)
        shown = self.dataset.shown(len(recipe.classes))
        self._likely = likely_by_rarest(shown, recipe.data.balanced)
        self.truth = validation
        pictures = labelled_pictures(validation, recipe.classes)
        self.validation = spread_over(pictures, recipe.schedule.validation_images)
        _check_objects('training', self.dataset.pictures, recipe)
        _check_objects('validation', self.validation, recipe)

    def build_model(self) -> nn.Module:
        """Return the network of the recipe, with the function it starts from."""
        side = self.recipe.data.crop_px
        model = begun(self, DetectorNet, size_wh=(side, side), fixed=LAST_LAYERS, new=NEW_BRANCHES)
        how = self.recipe.quantised
        shown = [picture.path for picture in self.dataset.pictures]
        return quantised(model, self.recipe, how, shown, DETECTOR_OUTPUTS)

    def batches(self, epoch: int, ranks: Ranks | None = None) -> DataLoader:
        """Return this process's share of the epoch's batches, or its share among other ranks."""
        return training_batches(
            self.dataset,
            self.schedule,
            workers=self.recipe.data.workers,
            seed=self.seed + 7919 * (epoch + 1),
            likely=self._likely,
            ranks=ranks,
        )

    def loss(self, model: nn.Module, batch: BoxBatch) -> dict[str, torch.Tensor]:
        """Return the loss terms of a batch."""
        images = normalised(batch.images, self.recipe)
        height, width = images.shape[-2:]
        places = locations((width, height)).to(images.device)
        return detection_loss(model(images), places, batch.targets, self.recipe.loss)

    def parts(self, batch: BoxBatch, count: int) -> list[BoxBatch]:
        """Return the batch cut into parts."""
        size = -(-len(batch.targets) // count)
        return [
            BoxBatch(images=images, targets=batch.targets[start : start + size])
            for start, images in zip(
                range(0, len(batch.targets), size), batch.images.split(size), strict=True
            )
        ]

    def validate(self, model: nn.Module) -> dict[str, float]:
        """Return the COCO figures of the validation pictures; mAP50 of them disturbed."""
        results = detect_all(model, self.recipe, self.validation)
        figures = average_precision(results, self.truth, self.recipe.classes)
        if self.recipe.data.disturbed:
            results = detect_all(model, self.recipe, self.validation, disturbed_frame)
            disturbed = average_precision(results, self.truth, self.recipe.classes)
            figures['mAP50_disturbed'] = disturbed['mAP50']
        return figures


def _check_objects(
    words: str, pictures: Sequence[LabelledPicture], recipe: DetectionRecipe
) -> None:
    """Refuse pictures of which nothing can be learnt, and by which nothing can be chosen."""
    if all(picture.ignored.all() for picture in pictures):
        raise ValueError(
            f'{words}: the {len(pictures)} pictures that are taken show no object of '
            f'{", ".join(recipe.classes)}; label some, or take others (of the validation set '
            'schedule.validation_images, spread over it)'
        )


@torch.inference_mode()
def detect_all(
    model: nn.Module,
    recipe: DetectionRecipe,
    pictures: Sequence[LabelledPicture],
    change: Callable[[Frame], Frame] = lambda frame: frame,
) -> list[PictureResult]:
    """
    Return what the model finds on the pictures, as the robot would decode it.

    :param change: of a picture, before the network sees it.
    """
    model.eval()
    prepare, decoder, device = preprocessor_of(recipe), decoder_of(recipe), device_of(model)
    results = []
    for picture in pictures:
        batch, resize = prepare(change(read_picture(picture.path)))
        image = torch.from_numpy(batch).contiguous(memory_format=torch.channels_last)
        logits, ltrb, quality = (tensor.cpu().numpy() for tensor in model(image.to(device)))
        outputs = {'logits': logits, 'ltrb': ltrb, 'quality': quality}
        found = decoder.decode(outputs, recipe.input_wh, LOWEST_SCORE).detections
        kept = suppress(found, NMS_IOU, max_detections=100)
        boxes = resize.to_source(kept.xyxy, clip=True)
        detections = Detections(boxes, kept.scores, kept.class_ids)
        results.append(PictureResult(picture=picture, detections=detections))
    return results


def average_precision(
    results: Sequence[PictureResult], truth: GroundTruth, classes: Sequence[str]
) -> dict[str, float]:
    """
    Return ``mAP``, ``mAP50`` and both by size, of the pictures that were looked at.

    :param truth: holds the labels of these pictures, and maybe of more.
    """
    chosen = {result.picture.image_id for result in results}
    kept = GroundTruth(
        {
            **truth.content,
            'images': [item for item in truth.content['images'] if item['id'] in chosen],
            'annotations': [
                item for item in truth.content['annotations'] if item['image_id'] in chosen
            ],
        },
        Path(),
    )
    numbers = category_ids_of(classes, kept)
    rows = [
        row
        for result in results
        for row in results_of(result.picture.image_id, result.detections, numbers)
    ]
    figures = evaluate_detections(kept, rows)
    by_size = {f'mAP50_{size}': part.ap50 for size, part in figures.by_size.items()}
    return {'mAP': figures.mean_ap, 'mAP50': figures.ap50, **by_size}
