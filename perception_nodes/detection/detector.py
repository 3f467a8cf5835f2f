"""A model bundle that is ready to look at frames."""

from __future__ import annotations

import functools
import importlib.util
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from perception_nodes.detection.config import DetectionConfig
from perception_nodes.detection.region import crop, uncrop
from perception_nodes.detection.thresholds import ScoreFilter
from perception_nodes.imaging.resize import ImageResize
from perception_nodes.inference.backends import Backend, open_backend
from perception_nodes.inference.bundle import BundleError, ModelBundle
from perception_nodes.inference.decoders import build_decoder
from perception_nodes.inference.golden import verify_golden
from perception_nodes.inference.nms import suppress
from perception_nodes.inference.preprocess import Preprocessor
from perception_nodes.inference.registry import resolve_model
from perception_nodes.structures import Detections, Frame

_WARM_UP_RUNS = 2  # the first run allocates, the second is the first normal one
_ANY_SIZE_WARM_UP_WH = (640, 480)
_DEFAULTS = DetectionConfig()


@dataclass(frozen=True, kw_only=True)
class PhaseTimes:
    """How long the parts of one call took, in seconds."""

    preprocess_s: float = 0.0
    infer_s: float = 0.0
    postprocess_s: float = 0.0

    @property
    def total_s(self) -> float:
        """Sum of the parts."""
        return self.preprocess_s + self.infer_s + self.postprocess_s


class Detector:
    """
    Bundle, back end and decoder behind one call: frame in, boxes in source pixels out.

    One detector serves one thread; buffers are reused between calls.

    :param bundle: a bundle with the task ``detection``.
    :param backend: its opened network.
    :raises BundleError: when the bundle is for another task or another input size.
    :raises DecoderError: for an unknown decoder or option.
    """

    def __init__(self, bundle: ModelBundle, backend: Backend) -> None:
        _check(bundle, backend)
        spec = bundle.spec
        self.bundle = bundle
        self.times = PhaseTimes()
        self.dropped = 0
        self._backend = backend
        self._decoder = build_decoder(
            spec.decoder.name, spec.decoder.options, class_count=len(spec.classes)
        )
        self._prepare = _preparation(bundle, backend)
        self._closed = False
        self._bound: tuple[DetectionConfig, ScoreFilter] = self._bind(_DEFAULTS)

    @classmethod
    def load(
        cls,
        model: str | ModelBundle,
        *,
        device: str = 'auto',
        precision: str = 'fp32',
        threads: int = 0,
    ) -> Detector:
        """
        Open a model.

        :param model: bundle, folder or URI (``package://``, ``file://``, ``torchvision://``).
        :param device: ``auto``, ``cpu``, ``cuda``, ``cuda:N``; see ``open_backend``.
        :param precision: ``fp32`` or ``fp16``.
        :param threads: CPU threads, 0 lets the library choose.
        """
        bundle = model if isinstance(model, ModelBundle) else resolve_model(model)
        backend = open_backend(bundle, device=device, precision=precision, threads=threads)
        return cls(bundle, backend)

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes in the order of their numbers."""
        return self.bundle.classes

    @property
    def description(self) -> str:
        """Model, device, library and precision, for people and diagnostics."""
        return f'{self.bundle.name} on {self._backend.device} ({self._backend.description})'

    @property
    def device(self) -> str:
        """Where the network really runs: ``cpu``, ``cuda:0``."""
        return self._backend.device

    def check(self, config: DetectionConfig) -> None:
        """Raise ``ValueError`` when the settings name a class that the model does not have."""
        self._bind(config)

    def __call__(self, frame: Frame, config: DetectionConfig | None = None) -> Detections:
        """
        Find things in one frame.

        ``times`` and ``dropped`` (candidates that were NaN or otherwise impossible) describe the
        latest call afterwards.

        :param frame: picture of any size.
        :param config: filters; None takes the defaults of the model bundle.
        :returns: boxes in source pixels, clipped to the picture, highest score first.
        """
        config = _DEFAULTS if config is None else config
        if self._bound[0] is not config:
            self._bound = self._bind(config)
        score_filter = self._bound[1]
        started = time.perf_counter()
        region, offset_xy = crop(frame, config.roi)
        batch, resize = self._prepare(region)
        prepared = time.perf_counter()
        outputs = self._backend.infer(batch)
        inferred = time.perf_counter()
        found = self._postprocess(outputs, resize, config, score_filter)
        found = uncrop(found, offset_xy)
        self.times = PhaseTimes(
            preprocess_s=prepared - started,
            infer_s=inferred - prepared,
            postprocess_s=time.perf_counter() - inferred,
        )
        return found

    def warm_up(self) -> None:
        """Run on grey frames, so that the first real one is not slow and misfits show early."""
        width, height = self.bundle.spec.input.size_wh or _ANY_SIZE_WARM_UP_WH
        grey = Frame(pixels=np.full((height, width, 3), 114, np.uint8))
        for _ in range(_WARM_UP_RUNS):
            self(grey)

    def verify(self) -> None:
        """
        Compare the result for the bundle's golden frame with the expected one.

        :raises GoldenMismatch: naming what differs and the likely causes.
        """
        verify_golden(self.bundle, self)

    def close(self) -> None:
        """Free the network; may be called twice."""
        if not self._closed:
            self._closed = True
            self._backend.close()

    def _bind(self, config: DetectionConfig) -> tuple[DetectionConfig, ScoreFilter]:
        calibration = self.bundle.spec.calibration
        return config, ScoreFilter(config, self.class_names, calibration)

    def _postprocess(
        self,
        outputs: dict[str, np.ndarray],
        resize: ImageResize,
        config: DetectionConfig,
        score_filter: ScoreFilter,
    ) -> Detections:
        decoded = self._decoder.decode(outputs, resize.network_wh, score_filter.lowest_raw)
        self.dropped = decoded.dropped
        found = score_filter(decoded.detections)
        iou_threshold = config.nms_iou_threshold
        if not (self._decoder.needs_suppression or config.nms_class_agnostic):
            iou_threshold = 1.0
        found = suppress(
            found,
            iou_threshold,
            class_agnostic=config.nms_class_agnostic,
            max_detections=config.max_detections,
        )
        xyxy = resize.to_source(found.xyxy, clip=True)
        inside = (xyxy[:, :2] < xyxy[:, 2:]).all(axis=1)  # not wholly in the letterbox border
        return Detections(xyxy[inside], found.scores[inside], found.class_ids[inside])


Prepared = tuple[Any, ImageResize]


def _preparation(bundle: ModelBundle, backend: Backend) -> Callable[[Frame], Prepared]:
    """Return the pre-processing: on the GPU if the network runs there and torch can."""
    wanted = bundle.spec.input
    preprocess = Preprocessor(
        size_wh=wanted.size_wh,
        color_order=wanted.color_order,
        resize=wanted.resize,
        pad_value=wanted.pad_value,
        scale=wanted.scale,
        mean=wanted.mean,
        std=wanted.std,
    )
    if backend.device.startswith('cuda') and importlib.util.find_spec('torch') is not None:
        import torch

        if torch.cuda.is_available():
            return functools.partial(preprocess.on_device, device=backend.device)
    return preprocess


def _check(bundle: ModelBundle, backend: Backend) -> None:
    """Refuse a bundle that is not for detection or whose network wants another input size."""
    spec = bundle.spec
    if spec.task != 'detection':
        raise BundleError(f'{bundle.path}: the task is {spec.task}, a detector needs detection')
    insists = backend.input_size_wh
    if insists is not None and insists != spec.input.size_wh:
        raise BundleError(
            f'{bundle.path}: model.yaml says input.size_wh {spec.input.size_wh}, but the network '
            f'takes {insists}; correct input.size_wh'
        )
