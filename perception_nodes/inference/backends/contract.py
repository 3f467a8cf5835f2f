"""What every back end offers, and how one is asked for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol, runtime_checkable

import numpy as np

Shape = tuple[int | str | None, ...]


class BackendError(ValueError):
    """A model that cannot be opened or run; the text says why and what to do."""


class Precision(str, Enum):
    """Number format of the arithmetic."""

    FP32 = 'fp32'
    FP16 = 'fp16'


class DeviceKind(str, Enum):
    """Where the network runs; ``tensorrt`` is CUDA with an engine built beforehand."""

    AUTO = 'auto'
    CPU = 'cpu'
    CUDA = 'cuda'
    TENSORRT = 'tensorrt'


_DEVICE = re.compile(r'(auto|cpu|cuda|tensorrt)(?::(\d{1,3}))?')
DEVICE_WORDS = 'auto, cpu, cuda, cuda:N, tensorrt, tensorrt:N'


@dataclass(frozen=True, kw_only=True)
class BackendRequest:
    """
    What the user asked for, checked.

    :param kind: ``auto`` takes CUDA where it works, else the CPU.
    :param index: number of the GPU.
    :param precision: fp16 needs a GPU.
    :param threads: CPU threads, 0 lets the library choose.
    """

    kind: DeviceKind = DeviceKind.AUTO
    index: int = 0
    precision: Precision = Precision.FP32
    threads: int = 0

    @classmethod
    def parse(cls, device: str, precision: str, threads: int) -> BackendRequest:
        """Return the request, or raise :class:`BackendError` with the allowed words."""
        match = _DEVICE.fullmatch(str(device))
        if match is None or (match[2] and match[1] in ('auto', 'cpu')):
            raise BackendError(f'device: {device!r} is not one of {DEVICE_WORDS}')
        if precision not in tuple(Precision):
            raise BackendError(f'precision: {precision!r} is not one of fp32, fp16')
        if isinstance(threads, bool) or not isinstance(threads, int) or not 0 <= threads <= 1024:
            raise BackendError(
                f'threads: {threads!r} must be in 0..1024; 0 lets the library choose'
            )
        return cls(
            kind=DeviceKind(match[1]),
            index=int(match[2] or 0),
            precision=Precision(precision),
            threads=threads,
        )

    @property
    def wants_gpu(self) -> bool:
        """True unless the CPU was named."""
        return self.kind is not DeviceKind.CPU


@runtime_checkable
class Backend(Protocol):
    """A network that is ready to run. One thread at a time."""

    @property
    def device(self) -> str:
        """Where it really runs: ``cpu``, ``cuda:0``."""

    @property
    def description(self) -> str:
        """Library, provider and precision, for people and diagnostics."""

    @property
    def input_size_wh(self) -> tuple[int, int] | None:
        """Width and height that the network insists on, None when it takes any."""

    @property
    def output_shapes(self) -> dict[str, Shape]:
        """Shape of every output; a name or None stands for a side that varies."""

    def infer(self, batch: np.ndarray | Any) -> dict[str, np.ndarray]:
        """
        Run the network.

        :param batch: (B, 3, H, W) float32, or a torch tensor of that kind on the device.
        :return: ``{output name: array}``, owned by the caller. Torch models take
            one picture at a time; detectors answer ``boxes`` (K, 4), ``labels`` (K,), ``scores``
            (K,), segmentation models ``logits`` (1, C, H, W).
        :raises BackendError: for a batch of the wrong shape or dtype.
        """

    def close(self) -> None:
        """Free the network; may be called twice, and :meth:`infer` raises afterwards."""


def check_batch(
    batch: Any, size_wh: tuple[int, int] | None, batch_size: int | None = None
) -> None:
    """Raise :class:`BackendError` unless the batch is (B, 3, H, W) float32 of the right size."""
    shape, dtype = tuple(batch.shape), str(batch.dtype).removeprefix('torch.')
    wanted = (batch_size or 'B', 3, *((size_wh[1], size_wh[0]) if size_wh else ('H', 'W')))
    matches = len(shape) == 4 and all(
        isinstance(side, str) or side == got for side, got in zip(wanted, shape, strict=True)
    )
    if not matches or dtype != 'float32' or 0 in shape:
        described = ', '.join(str(side) for side in wanted)
        raise BackendError(f'the network takes ({described}) float32, got {shape} {dtype}')
