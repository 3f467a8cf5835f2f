"""From trained weights to a calibrated, measured bundle, whatever the task."""

from __future__ import annotations

import abc
import dataclasses
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import cv2
import numpy as np
from torch import nn

from perception_nodes.evaluation.ground_truth import read_picture
from perception_nodes.evaluation.machine import describe_machine
from perception_nodes.inference.bundle import ModelBundle, placeholder_weights, write_bundle
from perception_nodes.inference.bundle_sections import (
    Calibration,
    DecoderSpec,
    Metric,
    Provenance,
)
from perception_nodes.inference.bundle_spec import ModelSpec
from perception_nodes.inference.frame_model import FrameModel
from perception_nodes.inference.golden import record_golden
from perception_nodes.learning.data.batches import input_of, preprocessor_of
from perception_nodes.learning.data.splits import spread_over
from perception_nodes.learning.export import Parity, check_parity, export_onnx
from perception_nodes.learning.quantised.network import QuantisedNetwork
from perception_nodes.learning.recipe import Recipe
from perception_nodes.structures import ColorOrder

WEIGHTS_FILE = 'model.onnx'
_PARITY_PICTURES = 8

T = TypeVar('T')
Track = Callable[[Iterable[T], str], Iterable[T]]


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """
    What the validation set is used for.

    :param calibration: of the scores.
    :param error: expected calibration error, before and after.
    :param golden: picture that proves much.
    """

    calibration: Calibration
    error: tuple[float, float]
    golden: Path


@dataclass(frozen=True, kw_only=True)
class BundleReport:
    """
    What was measured while the bundle was made.

    :param bundle: the written bundle.
    :param parity: of the ONNX file with the network.
    :param calibration_error: expected calibration error on the validation set, before and after.
    :param latency_ms: median time of a picture on the CPU, None without a held-out set.
    """

    bundle: ModelBundle
    parity: Parity
    calibration_error: tuple[float, float]
    latency_ms: float | None


@dataclass(frozen=True, eq=False, kw_only=True)
class Bundler(abc.ABC):
    """
    Export, calibrate, measure and write a model; a subclass knows the task.

    :param recipe: of the training.
    :param validation: labelled set of the task, for calibration and the golden frame.
    :param held_out: labelled set that is measured once at the end, or None.
    :param held_out_words: what the held-out set is, in words.
    :param provenance: source, licence, initialisation, data.
    :param threads: CPU threads of the measurement, 0: all.
    :param track: wraps an iterable to show progress.
    """

    task: ClassVar[str]
    output_names: ClassVar[tuple[str, ...]]
    model_class: ClassVar[type[FrameModel]]

    recipe: Recipe
    validation: Any
    held_out: Any = None
    held_out_words: str = ''
    provenance: Provenance = field(default_factory=Provenance)
    threads: int = 0
    track: Track = lambda items, _words: items

    @abc.abstractmethod
    def validation_pictures(self) -> Sequence[Path]:
        """Return the pictures for calibration and the golden frame, at least one."""

    @abc.abstractmethod
    def decoder(self) -> DecoderSpec:
        """Return how the outputs become results."""

    @abc.abstractmethod
    def decide(self, outputs: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return what the network's outputs decide, place by place; -1 decides nothing."""

    @abc.abstractmethod
    def tune(self, model: nn.Module, draft: FrameModel) -> Tuning:
        """Return what the validation set says about the uncalibrated model."""

    @abc.abstractmethod
    def figures(self, opened: FrameModel) -> tuple[Sequence[Metric], Sequence[float]]:
        """Return the figures of the held-out set and the seconds of each picture."""

    def source_statistics(self, model: nn.Module, draft: ModelBundle, folder: Path) -> Path | None:
        """Write what the features are like, for adaptation; None: not for this task."""
        return None

    def write(self, model: nn.Module, target: Path) -> BundleReport:
        """Write the bundle of the trained network, replacing an existing one."""
        with tempfile.TemporaryDirectory() as folder:
            work = Path(folder)
            weights = export_onnx(
                model,
                work / WEIGHTS_FILE,
                size_wh=self.recipe.input_wh,
                output_names=self.output_names,
            )
            parity = check_parity(model, weights, self._batches(), self.decide)
            origin = _provenance(self.provenance, model, parity)
            draft = write_bundle(work / 'draft', self._spec(Calibration(), origin), weights)
            opened = self._open(draft)
            tuning = self.tune(model, opened)
            opened.close()
            spec = self._spec(tuning.calibration, origin)
            opened = self._open(write_bundle(work / 'tuned', spec, weights))
            metrics, seconds = self.figures(opened)
            frame = _as_png(tuning.golden, work / 'frame.png')
            expected = record_golden(opened, self.recipe.classes, frame, task=self.task)
            opened.close()
            latency = self._latency(seconds)
            spec = dataclasses.replace(spec, metrics=(*metrics, *latency))
            bundle = write_bundle(
                target, spec, weights, frame, expected,
                source_statistics=self.source_statistics(model, draft, work),
                replace_existing=True,
            )  # fmt: skip
        return BundleReport(
            bundle=bundle,
            parity=parity,
            calibration_error=tuning.error,
            latency_ms=latency[0].value if latency else None,
        )

    def _open(self, bundle: ModelBundle) -> FrameModel:
        return self.model_class.load(bundle, device='cpu', threads=self.threads)

    def _batches(self) -> list[np.ndarray]:
        """Return the network's input of some pictures."""
        prepare = preprocessor_of(self.recipe)
        chosen = spread_over(self.validation_pictures(), _PARITY_PICTURES)
        return [prepare(read_picture(path))[0].copy() for path in chosen]

    def _spec(self, calibration: Calibration, provenance: Provenance) -> ModelSpec:
        """Return the specification, without figures."""
        recipe = self.recipe
        return ModelSpec(
            name=recipe.name,
            task=self.task,
            weights=placeholder_weights(WEIGHTS_FILE),
            input=input_of(recipe),
            decoder=self.decoder(),
            classes=recipe.classes,
            provenance=provenance,
            calibration=calibration,
        )

    def _latency(self, seconds: Sequence[float]) -> tuple[Metric, ...]:
        """Return how long a picture takes, with what that depends on; nothing of nothing."""
        if not seconds:
            return ()
        words = f'CPU, median of {len(seconds)} pictures, {self.threads or "all"} threads'
        return (
            Metric(
                name='latency_ms',
                value=round(float(np.median(seconds) * 1e3), 1),
                data=f'{words}; {describe_machine()["Processor"]}, load {os.getloadavg()[0]:.1f}',
            ),
        )


def provenance_of(
    source: str,
    data: str,
    licence: str,
    details: Mapping[str, Any],
    *,
    features: str,
    start: Path | None = None,
    trunk: Path | None = None,
) -> Provenance:
    """
    Return what the bundle says about where its weights come from.

    :param source: the command.
    :param details: of the training.
    :param features: what the trunk began from, in words.
    :param start: ONNX file of an earlier network that it went on from.
    :param trunk: ONNX file of a network of another task that gave its trunk.
    """
    origin = features
    if start is not None:
        origin = f'an earlier network ({_digest(start)}), itself begun from {origin}'
    if trunk is not None:
        origin = f'trunk of a network of another task ({_digest(trunk)}), begun from {origin}'
    return Provenance(
        source=source,
        licence=licence,
        initialisation=origin,
        data=data,
        details=dict(details),
    )


def _provenance(provenance: Provenance, model: nn.Module, parity: Parity) -> Provenance:
    """Return where the weights come from, how like them the file is, and whether it is int8."""
    details = {**provenance.details, 'parity': parity.to_dict()}
    if isinstance(model, QuantisedNetwork):
        details |= {'quantised': 'int8, trained', 'kept_float': model.kept_float}
    return dataclasses.replace(provenance, details=details)


def _digest(path: Path) -> str:
    """Return the words that tell an ONNX file from others."""
    return f'ONNX, sha256 {hashlib.sha256(path.read_bytes()).hexdigest()}'


def _as_png(picture: Path, target: Path) -> Path:
    """Copy a picture, without loss."""
    if picture.suffix.lower() == '.png':
        shutil.copyfile(picture, target)
    else:
        cv2.imwrite(str(target), read_picture(picture).in_order(ColorOrder.BGR))
    return target
