"""From trained weights to the bundle of a classifier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from torch import nn

from perception_nodes.classification import Classifier
from perception_nodes.evaluation.classification import (
    ClassificationMeter,
    ClassificationMetrics,
)
from perception_nodes.evaluation.ground_truth import read_picture
from perception_nodes.evaluation.picture_folders import PictureFolders
from perception_nodes.inference.bundle_sections import Calibration, DecoderSpec, Metric
from perception_nodes.inference.frame_model import FrameModel
from perception_nodes.learning.bundling import Bundler, Tuning
from perception_nodes.learning.calibration import temperature_and_error
from perception_nodes.learning.recipes.classification import ClassificationRecipe
from perception_nodes.learning.tasks.classification import DECODER, scored


@dataclass(frozen=True, eq=False, kw_only=True)
class ClassifierBundler(Bundler):
    """Export, calibrate, measure and write a classifier."""

    task: ClassVar = 'classification'
    output_names: ClassVar = ('logits',)
    model_class: ClassVar = Classifier

    recipe: ClassificationRecipe
    validation: PictureFolders
    held_out: PictureFolders | None = None

    def validation_pictures(self) -> list[Path]:
        """Return the pictures of the validation set."""
        return [picture.path for picture in self.validation.pictures]

    def decoder(self) -> DecoderSpec:
        """Return the decoder of plain logits."""
        return DecoderSpec(name=DECODER)

    def decide(self, outputs: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the most probable class of every picture."""
        return outputs['logits'].argmax(axis=1)

    def tune(self, model: nn.Module, draft: FrameModel) -> Tuning:
        """Fit the temperature to the validation set."""
        labelled = self.validation.numbered_as(self.recipe.classes)
        items = list(self.track(scored(model, self.recipe, labelled), 'Calibrating'))
        logits = np.stack([item.logits for item in items])
        truth = np.array([item.picture.class_id for item in items])
        temperature, error = temperature_and_error(logits, truth)
        # Of the pictures that are right, the one with the widest lead proves most.
        ordered = np.sort(logits, axis=1)
        lead = np.where(logits.argmax(1) == truth, ordered[:, -1] - ordered[:, -2], -1.0)
        return Tuning(
            calibration=Calibration(temperature=temperature),
            error=error,
            golden=items[int(lead.argmax())].picture.path,
        )

    def figures(self, opened: FrameModel) -> tuple[Sequence[Metric], list[float]]:
        """Return the figures and the seconds of the held-out set."""
        if self.held_out is None:
            return (), []
        labelled = self.held_out.numbered_as(self.recipe.classes)
        meter, seconds = ClassificationMeter(self.recipe.classes), []
        for picture in self.track(labelled.pictures, 'Measuring the held-out set'):
            meter.add(picture.class_id, opened(read_picture(picture.path)))
            seconds.append(opened.times.total_s)
        return class_metrics(meter.metrics(), self.held_out_words), seconds


def class_metrics(figures: ClassificationMetrics, data: str) -> tuple[Metric, ...]:
    """Return the figures as the bundle lists them: overall, then by class."""
    named = {
        'top1': figures.top1,
        'top5': figures.top5,
        'mean_recall': figures.mean_recall,
        'calibration_error': figures.calibration_error,
    }
    named |= {f'recall/{name}': part.recall for name, part in figures.by_class.items()}
    return tuple(
        Metric(name=name, value=round(value, 4), data=data)
        for name, value in named.items()
        if np.isfinite(value)
    )
