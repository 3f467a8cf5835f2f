"""From trained weights to the bundle of a detector."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from torch import nn

from perception_nodes.detection import DetectionConfig, Detector
from perception_nodes.detection.thresholds import rescale_scores
from perception_nodes.evaluation.coco import category_ids_of, evaluate_detections, results_of
from perception_nodes.evaluation.ground_truth import GroundTruth, read_picture
from perception_nodes.evaluation.metrics import DetectionMetrics
from perception_nodes.inference.bundle_sections import Calibration, DecoderSpec, Metric
from perception_nodes.inference.frame_model import FrameModel
from perception_nodes.learning.bundling import Bundler, Track, Tuning
from perception_nodes.learning.calibration import (
    best_threshold,
    fit_scaling,
    pooled_matches,
    score_error,
)
from perception_nodes.learning.data.pictures import LabelledPicture, labelled_pictures
from perception_nodes.learning.export import DETECTOR_OUTPUTS
from perception_nodes.learning.models.detector import STRIDES
from perception_nodes.structures import Detections

_LOWEST_SCORE = 0.001  # as `perception evaluate detection` measures
_LOWEST_CALIBRATED = 0.05  # noise below this would outweigh what anybody looks at


@dataclass(frozen=True, eq=False, kw_only=True)
class DetectorBundler(Bundler):
    """Export, calibrate, measure and write a detector."""

    task: ClassVar = 'detection'
    output_names: ClassVar = DETECTOR_OUTPUTS
    model_class: ClassVar = Detector

    validation: GroundTruth
    held_out: GroundTruth | None = None

    def validation_pictures(self) -> list[Path]:
        """Return the pictures of the validation set."""
        return [image.path for image in self.validation.images]

    def decoder(self) -> DecoderSpec:
        """Return the decoder of the head."""
        return DecoderSpec(name='fcos', options={'strides': list(STRIDES)})

    def decide(self, outputs: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the class of every location that finds something, -1 elsewhere."""
        logits = outputs['logits']
        return np.where(logits.max(axis=-1) > 0.0, logits.argmax(axis=-1), -1)

    def tune(self, model: nn.Module, draft: FrameModel) -> Tuning:
        """Fit scaling and threshold to what is found with a very low threshold."""
        pictures = labelled_pictures(self.validation, self.recipe.classes)
        results = weak_boxes(draft, pictures, self.track)
        calibration, error = calibrate(results, pictures)
        return Tuning(
            calibration=calibration,
            error=error,
            golden=_golden_picture(results, pictures, calibration),
        )

    def figures(self, opened: FrameModel) -> tuple[Sequence[Metric], list[float]]:
        """Return average precision and seconds of the held-out set."""
        if self.held_out is None:
            return (), []
        config = DetectionConfig(score_threshold=_LOWEST_SCORE)
        numbers = category_ids_of(self.recipe.classes, self.held_out)
        rows, seconds = [], []
        for image in self.track(self.held_out.images, 'Measuring the held-out set'):
            found = opened(read_picture(image.path), config)
            rows += results_of(image.image_id, found, numbers)
            seconds.append(opened.times.total_s)
        figures = evaluate_detections(self.held_out, rows)
        return metric_list(figures, self.held_out_words), seconds


def weak_boxes(
    detector: FrameModel, pictures: Sequence[LabelledPicture], track: Track
) -> list[Detections]:
    """Return what a detector finds with a threshold below any that would be used."""
    config = DetectionConfig(score_threshold=_LOWEST_CALIBRATED)
    return [
        detector(read_picture(picture.path), config) for picture in track(pictures, 'Calibrating')
    ]


def calibrate(
    results: Sequence[Detections], pictures: Sequence[LabelledPicture]
) -> tuple[Calibration, tuple[float, float]]:
    """
    Fit scaling and threshold to detections of labelled pictures.

    :returns: the calibration; the expected calibration error before and after.
    """
    scores, hits, objects = pooled_matches(
        [
            (found, picture.xyxy, picture.class_ids, picture.ignored)
            for found, picture in zip(results, pictures, strict=True)
        ]
    )
    temperature, bias = fit_scaling(scores, hits)
    scaled = rescale_scores(scores, temperature, bias)
    calibration = Calibration(
        temperature=round(temperature, 4),
        bias=round(bias, 4),
        score_threshold=round(best_threshold(scaled, hits, objects), 3),
    )
    return calibration, (score_error(scores, hits), score_error(scaled, hits))


def metric_list(figures: DetectionMetrics, data: str) -> tuple[Metric, ...]:
    """Return the figures as the bundle lists them: overall, by class, by size."""
    named = {'mAP50': figures.ap50, 'mAP': figures.mean_ap, 'mAP75': figures.ap75}
    named |= {f'AP50/{name}': part.ap50 for name, part in figures.by_class.items()}
    for size, part in figures.by_size.items():
        named |= {f'mAP50/{size}': part.ap50, f'mAP/{size}': part.ap}
    return tuple(
        Metric(name=name, value=round(value, 4), data=data)
        for name, value in named.items()
        if np.isfinite(value)
    )


def _golden_picture(
    results: Sequence[Detections], pictures: Sequence[LabelledPicture], calibration: Calibration
) -> Path:
    """Return the picture in which most classes are found with certainty."""

    def worth(index: int) -> tuple[int, int]:
        sure = results[index][results[index].scores >= calibration.score_threshold]
        return len(np.unique(sure.class_ids)), -len(results[index])

    return pictures[max(range(len(pictures)), key=worth)].path
