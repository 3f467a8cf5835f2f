"""From trained weights to the bundle of a segmenter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np
from torch import nn

from perception_nodes.evaluation.ground_truth import read_picture
from perception_nodes.evaluation.masked_sets import MaskedSet
from perception_nodes.evaluation.segmentation import (
    SegmentationMeter,
    SegmentationMetrics,
)
from perception_nodes.inference.bundle import ModelBundle
from perception_nodes.inference.bundle_sections import Calibration, DecoderSpec, Metric
from perception_nodes.inference.frame_model import FrameModel
from perception_nodes.inference.statistics_section import StatisticsSpec
from perception_nodes.learning.adaptation.adapting import source_statistics
from perception_nodes.learning.adaptation.config import AdaptationConfig
from perception_nodes.learning.adaptation.statistics import write_statistics
from perception_nodes.learning.adversarial.differentiable import NotDifferentiableError
from perception_nodes.learning.bundling import Bundler, Tuning
from perception_nodes.learning.calibration import temperature_and_error
from perception_nodes.learning.data.splits import spread_over
from perception_nodes.learning.recipes.segmentation import SegmentationRecipe
from perception_nodes.learning.tasks.segmentation import ScoredPicture, scored
from perception_nodes.segmentation import Segmenter
from perception_nodes.segmentation.planes import plane_to_source
from perception_nodes.structures import UNLABELLED

_CALIBRATION_PIXELS = 400_000  # of the whole set; neighbours say the same
_STATISTICS_PICTURES = 32  # as many as perception adapt takes
_LEAST_SHARE = 0.01  # of a picture, for a class to count in the golden frame


@dataclass(frozen=True, eq=False, kw_only=True)
class SegmenterBundler(Bundler):
    """Export, calibrate, measure and write a segmenter."""

    task: ClassVar = 'segmentation'
    output_names: ClassVar = ('logits',)
    model_class: ClassVar = Segmenter

    recipe: SegmentationRecipe
    validation: MaskedSet
    held_out: MaskedSet | None = None

    def validation_pictures(self) -> list[Path]:
        """Return the pictures of the validation set."""
        return [picture.path for picture in self.validation.pictures]

    def decoder(self) -> DecoderSpec:
        """Return the decoder of plain logits."""
        return DecoderSpec(name='semantic_logits')

    def decide(self, outputs: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the class of every cell."""
        return outputs['logits'].argmax(axis=1)

    def tune(self, model: nn.Module, draft: FrameModel) -> Tuning:
        """Fit the temperature to pixels of the validation set."""
        shown: dict[Path, int] = {}

        def noted() -> Iterator[ScoredPicture]:
            items = scored(model, self.recipe, self.validation)
            for item in self.track(items, 'Calibrating'):
                shown[item.picture.path] = _shown_classes(item.truth)
                yield item

        logits, truth = pixels_of(noted(), len(self.validation.pictures))
        temperature, error = temperature_and_error(logits, truth)
        return Tuning(
            calibration=Calibration(temperature=temperature),
            error=error,
            golden=max(shown, key=lambda path: shown[path]),
        )

    def source_statistics(self, model: nn.Module, draft: ModelBundle, folder: Path) -> Path | None:
        """Write the statistics on validation pictures; None where adaptation cannot be had."""
        chosen = spread_over(self.validation_pictures(), _STATISTICS_PICTURES)
        frames = [read_picture(path) for path in chosen]
        try:
            found = source_statistics(draft, frames, AdaptationConfig())
        except NotDifferentiableError:  # int8, or a decoder of another library
            return None
        path = folder / StatisticsSpec.file
        write_statistics(found, path, draft.spec.weights.sha256)
        return path

    def figures(self, opened: FrameModel) -> tuple[Sequence[Metric], list[float]]:
        """Return the figures and the seconds of the held-out set."""
        if self.held_out is None:
            return (), []
        meter, seconds = SegmentationMeter(self.recipe.classes), []
        for picture in self.track(self.held_out.pictures, 'Measuring the held-out set'):
            frame, truth = self.held_out.read(picture)
            meter.add(truth, opened(frame))
            seconds.append(opened.times.total_s)
        return mask_metrics(meter.metrics(), self.held_out_words), seconds


def mask_metrics(figures: SegmentationMetrics, data: str) -> tuple[Metric, ...]:
    """Return the figures as the bundle lists them: overall, then by class."""
    named = {
        'mIoU': figures.mean_iou,
        'pixel_accuracy': figures.pixel_accuracy,
        'calibration_error': figures.calibration_error,
    }
    named |= {f'IoU/{name}': part.iou for name, part in figures.by_class.items()}
    return tuple(
        Metric(name=name, value=round(value, 4), data=data)
        for name, value in named.items()
        if np.isfinite(value)
    )


def pixels_of(pictures: Iterable[ScoredPicture], count: int) -> tuple[np.ndarray, np.ndarray]:
    """
    Return (N, C) logits and (N,) classes of labelled pixels, as many as calibration needs.

    :param count: number of the pictures, at least 1.
    """
    most = max(_CALIBRATION_PIXELS // count, 1)
    logits, labels = zip(*(_some_pixels(item, most) for item in pictures), strict=True)
    return np.concatenate(logits), np.concatenate(labels)


def _some_pixels(item: ScoredPicture, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (N, C) logits and (N,) classes of labelled source pixels at equal distances."""
    places = np.flatnonzero(item.truth != UNLABELLED)
    places = places[:: max(len(places) // most, 1)]
    planes = [
        plane_to_source(plane, item.resize, cv2.INTER_LINEAR).ravel()[places]
        for plane in item.logits
    ]
    return np.stack(planes, axis=1), item.truth.ravel()[places]


def _shown_classes(truth: np.ndarray) -> int:
    """Return how many classes fill a part of the picture worth speaking of."""
    counts = np.bincount(truth.ravel(), minlength=256)[:UNLABELLED]
    return int((counts >= _LEAST_SHARE * truth.size).sum())
