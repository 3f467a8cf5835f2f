"""What every model that looks at frames shares, whatever it makes of them."""

from __future__ import annotations

import abc
import functools
import importlib.util
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np

from perception_nodes.imaging.region import crop
from perception_nodes.imaging.resize import ImageResize
from perception_nodes.inference.backends import Backend, open_backend
from perception_nodes.inference.bundle import BundleError, ModelBundle
from perception_nodes.inference.decoders import build_decoder
from perception_nodes.inference.decoders.contract import Outputs
from perception_nodes.inference.frame_config import FrameModelConfig
from perception_nodes.inference.golden import verify_golden
from perception_nodes.inference.preprocess import Preprocessor
from perception_nodes.inference.registry import resolve_model
from perception_nodes.structures import Frame

_WARM_UP_RUNS = 2  # the first run allocates, the second is the first normal one
_ANY_SIZE_WARM_UP_WH = (640, 480)

C = TypeVar('C', bound=FrameModelConfig)
R = TypeVar('R')
Self = TypeVar('Self', bound='FrameModel')
Prepared = tuple[Any, ImageResize]


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


class FrameModel(abc.ABC, Generic[C, R]):
    """
    Bundle, back end and decoder behind one call: frame in, result in source pixels out.

    A subclass names its task and says how outputs become results. One model serves one thread;
    buffers are reused between calls.

    :param bundle: a bundle with the subclass's task.
    :param backend: its opened network.
    :param defaults: settings of a call without settings.
    :raises BundleError: when the bundle is for another task or another input size.
    :raises DecoderError: for an unknown decoder or option.
    """

    task: ClassVar[str] = ''

    def __init__(self, bundle: ModelBundle, backend: Backend, defaults: C) -> None:
        _check(bundle, backend, self.task)
        decoder = bundle.spec.decoder
        self.bundle = bundle
        self.times = PhaseTimes()
        self.dropped = 0
        self._backend = backend
        self._decoder: Any = build_decoder(
            decoder.name, decoder.options, class_count=len(bundle.classes), task=self.task
        )
        self._prepare = _preparation(bundle, backend)
        self._closed = False
        self._defaults = defaults
        self._bound_config, self._interpret = defaults, self._bind(defaults)

    @classmethod
    def load(
        cls: type[Self],
        model: str | ModelBundle,
        *,
        device: str = 'auto',
        precision: str = 'fp32',
        threads: int = 0,
    ) -> Self:
        """
        Open a model.

        :param model: bundle, folder or URI (``package://``, ``file://``, ``torchvision://``).
        :param device: ``auto``, ``cpu``, ``cuda``, ``cuda:N``; see ``open_backend``.
        :param precision: ``fp32`` or ``fp16``.
        :param threads: CPU threads, 0 lets the library choose.
        """
        bundle = model if isinstance(model, ModelBundle) else resolve_model(model)
        backend = open_backend(bundle, device=device, precision=precision, threads=threads)
        return cls(bundle, backend)  # type: ignore[call-arg]  # subclasses know their defaults

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes in the order of their numbers in the results."""
        return self.bundle.classes

    def classes_under(self, config: C) -> tuple[str, ...]:
        """Return the names of the classes in results that are made with these settings."""
        return self.class_names

    @property
    def description(self) -> str:
        """Model, device, library and precision, for people and diagnostics."""
        return f'{self.bundle.name} on {self._backend.device} ({self._backend.description})'

    @property
    def device(self) -> str:
        """Where the network really runs: ``cpu``, ``cuda:0``."""
        return self._backend.device

    def check(self, config: C) -> None:
        """Raise ``ValueError`` when the settings name a class that the model does not have."""
        self._bind(config)

    def __call__(self, frame: Frame, config: C | None = None) -> R:
        """
        Look at one frame.

        ``times`` and ``dropped`` (outputs that were NaN or otherwise impossible) describe the
        latest call afterwards.

        :param frame: picture of any size.
        :param config: settings; None takes the defaults of the model bundle.
        :returns: the result in source pixels.
        :raises ValueError: when the region of interest lies outside this picture.
        """
        config = self._defaults if config is None else config
        if self._bound_config is not config:
            self._bound_config, self._interpret = config, self._bind(config)
        started = time.perf_counter()
        region, offset_xy = crop(frame, config.roi)
        batch, resize = self._prepare(region)
        prepared = time.perf_counter()
        outputs = self._backend.infer(batch)
        inferred = time.perf_counter()
        result = self._interpret(outputs, resize)
        if config.roi:
            result = self._placed(result, offset_xy, frame.size_wh)
        self.times = PhaseTimes(
            preprocess_s=prepared - started,
            infer_s=inferred - prepared,
            postprocess_s=time.perf_counter() - inferred,
        )
        return result

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

    @abc.abstractmethod
    def _bind(self, config: C) -> Callable[[Outputs, ImageResize], R]:
        """Return what turns outputs into the result under these settings, or raise for them."""

    @abc.abstractmethod
    def _placed(self, result: R, offset_xy: tuple[int, int], size_wh: tuple[int, int]) -> R:
        """Return the result of a region at its place in the whole picture."""


def _preparation(bundle: ModelBundle, backend: Backend) -> Callable[[Frame], Prepared]:
    """Return the pre-processing: on the GPU if the network runs there and torch can."""
    preprocess = Preprocessor.of(bundle.spec.input)
    if backend.device.startswith('cuda') and importlib.util.find_spec('torch') is not None:
        import torch

        if torch.cuda.is_available():
            return functools.partial(preprocess.on_device, device=backend.device)
    return preprocess


def _check(bundle: ModelBundle, backend: Backend, task: str) -> None:
    """Refuse a bundle that is for another task or whose network wants another input size."""
    spec = bundle.spec
    if spec.task != task:
        raise BundleError(f'{bundle.path}: the task is {spec.task}, needed is {task}')
    insists = backend.input_size_wh
    if insists is not None and insists != spec.input.size_wh:
        raise BundleError(
            f'{bundle.path}: model.yaml says input.size_wh {spec.input.size_wh}, but the network '
            f'takes {insists}; correct input.size_wh'
        )
