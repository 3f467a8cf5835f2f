"""From trained weights to a calibrated, measured bundle."""

from __future__ import annotations

import dataclasses
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from torch import nn

from perception_nodes.detection import DetectionConfig, Detector
from perception_nodes.detection.thresholds import rescale_scores
from perception_nodes.evaluation.coco import category_ids_of, evaluate_detections, results_of
from perception_nodes.evaluation.ground_truth import GroundTruth, read_picture
from perception_nodes.evaluation.machine import describe_machine
from perception_nodes.evaluation.metrics import DetectionMetrics
from perception_nodes.inference.bundle import ModelBundle, placeholder_weights, write_bundle
from perception_nodes.inference.bundle_sections import (
    Calibration,
    DecoderSpec,
    InputSpec,
    Metric,
    Provenance,
)
from perception_nodes.inference.bundle_spec import ModelSpec
from perception_nodes.inference.golden import record_golden
from perception_nodes.learning.calibration import (
    best_threshold,
    calibration_error,
    fit_scaling,
    pooled_matches,
)
from perception_nodes.learning.data.pictures import LabelledPicture, labelled_pictures
from perception_nodes.learning.export import DETECTOR_OUTPUTS, check_parity, export_onnx
from perception_nodes.learning.models.detector import STRIDES
from perception_nodes.learning.recipes.detection import DetectionRecipe
from perception_nodes.learning.tasks.detection import preprocessor_of
from perception_nodes.structures import ColorOrder, Detections

WEIGHTS_FILE = 'model.onnx'
_PARITY_PICTURES = 4
_LOWEST_SCORE = 0.001  # as `perception evaluate detection` measures
_LOWEST_CALIBRATED = 0.05  # noise below this would outweigh what anybody looks at

T = TypeVar('T')
Track = Callable[[Iterable[T], str], Iterable[T]]


@dataclass(frozen=True, kw_only=True)
class BundleReport:
    """
    What was measured while the bundle was made.

    :param bundle: the written bundle.
    :param parity: largest difference of the ONNX file from the network, by output.
    :param calibration_error: expected calibration error on the validation set, before and after.
    :param held_out: figures of the held-out set, None without one.
    :param latency_ms: median time of a picture on the CPU, None without a held-out set.
    """

    bundle: ModelBundle
    parity: dict[str, float]
    calibration_error: tuple[float, float]
    held_out: DetectionMetrics | None
    latency_ms: float | None


@dataclass(frozen=True, eq=False, kw_only=True)
class DetectorBundler:
    """
    Export, calibrate, measure and write a detector.

    :param recipe: of the training.
    :param validation: labelled set for calibration and the golden frame.
    :param held_out: labelled set that is measured once at the end, or None.
    :param provenance: source, licence, initialisation, data.
    :param threads: CPU threads of the measurement, 0: all.
    :param track: wraps an iterable to show progress.
    """

    recipe: DetectionRecipe
    validation: GroundTruth
    held_out: GroundTruth | None = None
    held_out_words: str = ''
    provenance: Provenance = field(default_factory=Provenance)
    threads: int = 0
    track: Track = lambda items, _words: items

    def write(self, model: nn.Module, target: Path) -> BundleReport:
        """Write the bundle of the trained network, replacing an existing one."""
        with tempfile.TemporaryDirectory() as folder:
            work = Path(folder)
            weights = export_onnx(
                model,
                work / WEIGHTS_FILE,
                size_wh=self.recipe.input_wh,
                output_names=DETECTOR_OUTPUTS,
            )
            pictures = labelled_pictures(self.validation, self.recipe.classes)
            parity = check_parity(model, weights, self._batches(pictures[:_PARITY_PICTURES]))
            draft = write_bundle(work / 'draft', self._spec(Calibration()), weights)
            results = self._look(draft, pictures)
            calibration, errors = calibrate(results, pictures)
            spec = self._spec(calibration)
            tuned = write_bundle(work / 'tuned', spec, weights)
            metrics, held_out, latency_ms = self._measure(tuned)
            frame = _golden_picture(results, pictures, work, calibration)
            detector = Detector.load(tuned, device='cpu', threads=self.threads)
            expected = record_golden(detector, self.recipe.classes, frame)
            detector.close()
            spec = dataclasses.replace(spec, metrics=metrics)
            bundle = write_bundle(target, spec, weights, frame, expected, replace_existing=True)
        return BundleReport(
            bundle=bundle,
            parity=parity,
            calibration_error=errors,
            held_out=held_out,
            latency_ms=latency_ms,
        )

    def _batches(self, pictures: Sequence[LabelledPicture]) -> list[np.ndarray]:
        """Return the network's input of the pictures."""
        prepare = preprocessor_of(self.recipe)
        return [prepare(read_picture(picture.path))[0].copy() for picture in pictures]

    def _spec(self, calibration: Calibration) -> ModelSpec:
        """Return the specification, without figures."""
        recipe = self.recipe
        return ModelSpec(
            name=recipe.name,
            task='detection',
            weights=placeholder_weights(WEIGHTS_FILE),
            input=InputSpec(
                size_wh=recipe.input_wh,
                color_order=ColorOrder.RGB,
                resize='letterbox',
                scale=1 / 255,
                mean=recipe.normalise_mean,
                std=recipe.normalise_std,
            ),
            decoder=DecoderSpec(name='fcos', options={'strides': list(STRIDES)}),
            classes=recipe.classes,
            provenance=self.provenance,
            calibration=calibration,
        )

    def _look(self, bundle: ModelBundle, pictures: Sequence[LabelledPicture]) -> list[Detections]:
        """Return what the bundle finds on the pictures with a very low threshold."""
        detector = Detector.load(bundle, device='cpu', threads=self.threads)
        config = DetectionConfig(score_threshold=_LOWEST_CALIBRATED)
        found = [
            detector(read_picture(picture.path), config)
            for picture in self.track(pictures, 'Calibrating')
        ]
        detector.close()
        return found

    def _measure(
        self, bundle: ModelBundle
    ) -> tuple[tuple[Metric, ...], DetectionMetrics | None, float | None]:
        """Return the figures of the held-out set."""
        if self.held_out is None:
            return (), None, None
        detector = Detector.load(bundle, device='cpu', threads=self.threads)
        config = DetectionConfig(score_threshold=_LOWEST_SCORE)
        numbers = category_ids_of(self.recipe.classes, self.held_out)
        rows, seconds = [], []
        for image in self.track(self.held_out.images, 'Measuring the held-out set'):
            found = detector(read_picture(image.path), config)
            rows += results_of(image.image_id, found, numbers)
            seconds.append(detector.times.total_s)
        detector.close()
        figures = evaluate_detections(self.held_out, rows)
        latency_ms = float(np.median(seconds) * 1e3)
        listed = metric_list(figures, self.held_out_words)
        machine = describe_machine()
        words = f'CPU, median of {len(seconds)} pictures, {self.threads or "all"} threads'
        latency = Metric(
            name='latency_ms',
            value=round(latency_ms, 1),
            data=f'{words}; {machine["Processor"]}, load {os.getloadavg()[0]:.1f}',
        )
        return (*listed, latency), figures, latency_ms


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
    return calibration, (calibration_error(scores, hits), calibration_error(scaled, hits))


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
    results: Sequence[Detections],
    pictures: Sequence[LabelledPicture],
    folder: Path,
    calibration: Calibration,
) -> Path:
    """Write, as PNG, the picture in which most classes are found with certainty."""

    def worth(index: int) -> tuple[int, int]:
        sure = results[index][results[index].scores >= calibration.score_threshold]
        return len(np.unique(sure.class_ids)), -len(results[index])

    path = pictures[max(range(len(pictures)), key=worth)].path
    target = folder / 'frame.png'
    if path.suffix.lower() == '.png':
        shutil.copyfile(path, target)
    else:
        cv2.imwrite(str(target), read_picture(path).in_order(ColorOrder.BGR))
    return target
