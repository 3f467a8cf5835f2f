"""Learning to detect: boxes on pictures, with the model of the ``fcos`` decoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader

from perception_nodes.inference.decoders import Decoder, build_decoder
from perception_nodes.inference.nms import suppress
from perception_nodes.inference.preprocess import Preprocessor
from perception_nodes.learning.data.augmentation import training_transform
from perception_nodes.learning.data.batches import BoxBatch, training_batches
from perception_nodes.learning.data.coco import LabelledPicture, PictureDataset, read_rgb
from perception_nodes.learning.losses import detection_loss
from perception_nodes.learning.models.detector import STRIDES, DetectorNet, locations
from perception_nodes.learning.recipe import Recipe
from perception_nodes.structures import Detections, Frame

LOWEST_SCORE = 0.02  # below this no box matters to the average precision
NMS_IOU = 0.6


@dataclass(frozen=True, eq=False, kw_only=True)
class PictureResult:
    """What the model found on one labelled picture."""

    picture: LabelledPicture
    detections: Detections


def preprocessor_of(recipe: Recipe) -> Preprocessor:
    """Return the very pre-processing that the bundle prescribes."""
    return Preprocessor(
        size_wh=recipe.input_wh, mean=recipe.normalise_mean, std=recipe.normalise_std
    )


def decoder_of(recipe: Recipe) -> Decoder:
    """Return the decoder that the bundle prescribes."""
    return build_decoder('fcos', {'strides': list(STRIDES)}, class_count=len(recipe.classes))


class DetectionTask:
    """
    A :class:`~perception_nodes.learning.loop.Task` for boxes.

    :param recipe: everything that is set.
    :param training: pictures to learn from, at least one.
    :param validation: pictures that choose the best epoch, at least one.
    """

    metric = 'mAP50'

    def __init__(
        self,
        recipe: Recipe,
        training: Sequence[LabelledPicture],
        validation: Sequence[LabelledPicture],
    ) -> None:
        if not training or not validation:
            raise ValueError('training and validation need at least one picture each')
        self.recipe = recipe
        self.schedule = recipe.schedule
        self.seed = recipe.seed
        self.dataset = PictureDataset(training, training_transform(recipe.data))
        limit = recipe.schedule.validation_images or len(validation)
        # Spread over the set, whose neighbours may come from one scene.
        chosen = np.linspace(0, len(validation) - 1, min(limit, len(validation))).round()
        self.validation = [validation[int(index)] for index in chosen]
        self._mean = 255.0 * torch.tensor(recipe.normalise_mean).view(1, 3, 1, 1)
        self._std = 255.0 * torch.tensor(recipe.normalise_std).view(1, 3, 1, 1)

    def build_model(self) -> nn.Module:
        """Return the network of the recipe."""
        return DetectorNet(self.recipe)

    def parameter_groups(self, model: nn.Module) -> list[dict[str, Any]]:
        """Return trunk and new layers apart, each with and without weight decay."""
        schedule = self.schedule
        groups: dict[tuple[float, float], list[nn.Parameter]] = {}
        for name, parameter in model.named_parameters():
            if not parameter.requires_grad:
                continue
            slower = schedule.trunk_rate_factor if name.startswith('trunk.') else 1.0
            decay = schedule.weight_decay if parameter.ndim > 1 else 0.0
            groups.setdefault((schedule.learning_rate * slower, decay), []).append(parameter)
        return [
            {'params': parameters, 'lr': rate, 'weight_decay': decay}
            for (rate, decay), parameters in groups.items()
        ]

    def batches(self, epoch: int) -> DataLoader:
        """Return the epoch's batches."""
        return training_batches(
            self.dataset,
            batch=self.schedule.batch,
            workers=self.recipe.data.workers,
            seed=self.seed + 7919 * (epoch + 1),
        )

    def loss(self, model: nn.Module, batch: BoxBatch) -> dict[str, torch.Tensor]:
        """Return the loss terms of a batch."""
        images = (batch.images.float() - self._mean) / self._std
        images = images.contiguous(memory_format=torch.channels_last)
        height, width = images.shape[-2:]
        outputs = model(images)
        return detection_loss(outputs, locations((width, height)), batch.targets, self.recipe.loss)

    def validate(self, model: nn.Module) -> dict[str, float]:
        """Return the COCO figures of the validation pictures."""
        results = detect_all(model, self.recipe, self.validation)
        return average_precision(results, self.recipe.classes)


@torch.inference_mode()
def detect_all(
    model: nn.Module, recipe: Recipe, pictures: Sequence[LabelledPicture]
) -> list[PictureResult]:
    """Return what the model finds on the pictures, as the robot would decode it."""
    model.eval()
    prepare, decoder = preprocessor_of(recipe), decoder_of(recipe)
    results = []
    for picture in pictures:
        batch, resize = prepare(Frame(pixels=read_rgb(picture.path)))
        image = torch.from_numpy(batch).contiguous(memory_format=torch.channels_last)
        logits, ltrb, quality = (tensor.numpy() for tensor in model(image))
        outputs = {'logits': logits, 'ltrb': ltrb, 'quality': quality}
        found = decoder.decode(outputs, recipe.input_wh, LOWEST_SCORE).detections
        kept = suppress(found, NMS_IOU, max_detections=100)
        boxes = resize.to_source(kept.xyxy, clip=True)
        detections = Detections(boxes, kept.scores, kept.class_ids)
        results.append(PictureResult(picture=picture, detections=detections))
    return results


def average_precision(
    results: Sequence[PictureResult], classes: Sequence[str]
) -> dict[str, float]:
    """Return ``mAP``, ``mAP50``, ``mAP_small``, ``mAP_medium``, ``mAP_large``; -1: no objects."""
    from faster_coco_eval import COCO, COCOeval_faster

    truth = COCO(_as_coco([result.picture for result in results], classes))
    rows = [
        {
            'image_id': result.picture.image_id,
            'category_id': class_id + 1,
            'bbox': [float(v) for v in (box[0], box[1], box[2] - box[0], box[3] - box[1])],
            'score': score,
        }
        for result in results
        for box, score, class_id in result.detections
    ]
    names = ('mAP', 'mAP50', 'mAP_small', 'mAP_medium', 'mAP_large')
    if not rows:
        return dict.fromkeys(names, 0.0)
    evaluation = COCOeval_faster(truth, truth.loadRes(rows), 'bbox')
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    stats = [float(evaluation.stats[index]) for index in (0, 1, 3, 4, 5)]
    return dict(zip(names, stats, strict=True))


def _as_coco(pictures: Sequence[LabelledPicture], classes: Sequence[str]) -> dict[str, Any]:
    """Return the labels as a COCO dictionary."""
    annotations: list[dict[str, Any]] = []
    for picture in pictures:
        rows = zip(picture.xyxy, picture.class_ids, picture.ignored, strict=True)
        for box, class_id, ignored in rows:
            width, height = float(box[2] - box[0]), float(box[3] - box[1])
            annotations.append(
                {
                    'id': len(annotations) + 1,
                    'image_id': picture.image_id,
                    'category_id': int(class_id) + 1,
                    'bbox': [float(box[0]), float(box[1]), width, height],
                    'area': width * height,
                    'iscrowd': int(ignored),
                }
            )
    return {
        'images': [{'id': picture.image_id} for picture in pictures],
        'annotations': annotations,
        'categories': [{'id': i + 1, 'name': name} for i, name in enumerate(classes)],
    }
