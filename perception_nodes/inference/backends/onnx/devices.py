"""Which ONNX Runtime provider answers a request, and why another one does not."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnxruntime

from perception_nodes.inference.backends.contract import BackendRequest, DeviceKind, Precision
from perception_nodes.inference.bundle import ModelBundle
from perception_nodes.inference.cache import cache_folder

CPU_PROVIDER = 'CPUExecutionProvider'
CUDA_PROVIDER = 'CUDAExecutionProvider'
TENSORRT_PROVIDER = 'TensorrtExecutionProvider'
# What the NVIDIA driver leaves on a PC, a Jetson and under WSL.
_GPU_FILES = ('/dev/nvidiactl', '/dev/nvhost-gpu', '/dev/nvmap', '/dev/dxg')

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class ProviderChoice:
    """
    Providers in the order of preference.

    :param device: ``cpu`` or ``cuda:N``.
    :param providers: as ``InferenceSession`` takes them; the CPU is always the last.
    :param precision: what the arithmetic will be.
    """

    device: str
    providers: tuple[tuple[str, dict[str, Any]], ...]
    precision: Precision

    @property
    def wanted(self) -> str:
        """Name of the provider that should do the work."""
        return self.providers[0][0]


def choose_providers(bundle: ModelBundle, request: BackendRequest) -> ProviderChoice:
    """Return the providers for a request, with a warning where something else was asked for."""
    reason = missing_gpu_reason() if request.wants_gpu else None
    if not request.wants_gpu:
        return cpu_choice(request)
    if reason is not None:
        level = logging.INFO if _is_ordinary(request) else logging.WARNING
        _LOG.log(level, '%s: runs on the CPU: %s', bundle.name, reason)
        return cpu_choice(request, warn=False)
    cuda = (CUDA_PROVIDER, {'device_id': str(request.index)})
    chosen: tuple[tuple[str, dict[str, Any]], ...] = (cuda, (CPU_PROVIDER, {}))
    if request.kind is DeviceKind.TENSORRT:
        missing = missing_engine_reason(bundle, request)
        if missing is None:
            chosen = ((TENSORRT_PROVIDER, tensorrt_options(bundle, request)), *chosen)
        else:
            _LOG.warning('%s: runs on CUDA without TensorRT: %s', bundle.name, missing)
    return ProviderChoice(
        device=f'cuda:{request.index}', providers=chosen, precision=request.precision
    )


def cpu_choice(request: BackendRequest, *, warn: bool = True) -> ProviderChoice:
    """Return the CPU provider, which computes in fp32 whatever was asked for."""
    if warn and request.precision is Precision.FP16:
        _LOG.warning('precision fp16 needs a GPU: CPUs emulate it slowly; runs in fp32')
    return ProviderChoice(device='cpu', providers=((CPU_PROVIDER, {}),), precision=Precision.FP32)


def missing_gpu_reason() -> str | None:
    """Return why CUDA cannot be used, with the cure, or None when nothing speaks against it."""
    if not any(Path(file).exists() for file in _GPU_FILES):
        return 'no NVIDIA GPU was found (no driver device file); install the driver'
    if CUDA_PROVIDER not in onnxruntime.get_available_providers():
        return (
            'the installed ONNX Runtime has no CUDA provider; replace the package onnxruntime '
            'by onnxruntime-gpu'
        )
    return None


def missing_engine_reason(bundle: ModelBundle, request: BackendRequest) -> str | None:
    """Return why TensorRT cannot be used, with the cure, or None."""
    reason = missing_tensorrt_reason()
    if reason is not None:
        return reason
    if not any(engine_folder(bundle, request).glob('*.engine')):
        return (
            'no engine was built for this model, precision and runtime version; building takes '
            f'minutes, so do it beforehand: perception models build {bundle.path} '
            f'--device {request.kind.value}:{request.index} --precision {request.precision.value}'
        )
    return None


def missing_tensorrt_reason() -> str | None:
    """Return why no engine can be built or used, with the cure, or None."""
    if TENSORRT_PROVIDER not in onnxruntime.get_available_providers():
        return 'the installed ONNX Runtime has no TensorRT provider; install onnxruntime-gpu'
    return None


def engine_folder(bundle: ModelBundle, request: BackendRequest) -> Path:
    """Return where the TensorRT engine of a model lies; each variant has its own folder."""
    variant = '-'.join(
        (bundle.spec.weights.sha256, request.precision.value, onnxruntime.__version__)
    )
    digest = hashlib.sha256(variant.encode()).hexdigest()[:16]
    return cache_folder('tensorrt') / f'{bundle.name}-{digest}'


def tensorrt_options(bundle: ModelBundle, request: BackendRequest) -> dict[str, str]:
    """Return the provider options that make TensorRT use the engine folder."""
    folder = str(engine_folder(bundle, request))
    return {
        'device_id': str(request.index),
        'trt_engine_cache_enable': 'True',
        'trt_engine_cache_path': folder,
        'trt_timing_cache_enable': 'True',
        'trt_timing_cache_path': folder,
        'trt_fp16_enable': str(request.precision is Precision.FP16),
    }


def preload_libraries() -> None:
    """Load the CUDA and cuDNN libraries of the PyPI packages, where this version can."""
    preload = getattr(onnxruntime, 'preload_dlls', None)
    if preload is not None:
        preload()


def _is_ordinary(request: BackendRequest) -> bool:
    """Return whether running on a CPU is what the user expects anyway."""
    no_gpu = not any(Path(file).exists() for file in _GPU_FILES)
    return request.kind is DeviceKind.AUTO and request.precision is Precision.FP32 and no_gpu
