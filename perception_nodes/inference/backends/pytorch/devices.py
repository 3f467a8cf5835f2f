"""Which torch device answers a request, and why another one does not."""

from __future__ import annotations

import logging

import torch

from perception_nodes.inference.backends.contract import BackendRequest, DeviceKind, Precision

_LOG = logging.getLogger(__name__)


def choose_device(name: str, request: BackendRequest) -> tuple[str, Precision]:
    """
    Return the device and the precision, with a warning where something else was asked for.

    :param name: the model, for the warning.
    :param request: what was asked for.
    """
    if request.kind is DeviceKind.TENSORRT:
        _LOG.warning('%s: runs on CUDA without TensorRT: that takes ONNX models only', name)
    reason = missing_gpu_reason(request.index) if request.wants_gpu else None
    if request.wants_gpu and reason is None:
        return f'cuda:{request.index}', request.precision
    if reason is not None:
        level = logging.INFO if request.kind is DeviceKind.AUTO else logging.WARNING
        _LOG.log(level, '%s: runs on the CPU: %s', name, reason)
    if request.precision is Precision.FP16:
        _LOG.warning('%s: precision fp16 needs a GPU; runs in fp32', name)
    return 'cpu', Precision.FP32


def missing_gpu_reason(index: int) -> str | None:
    """Return why CUDA cannot be used, with the cure, or None."""
    if torch.version.cuda is None:
        return 'the installed torch was built without CUDA; install a CUDA build'
    if not torch.cuda.is_available():
        return (
            'torch finds no usable NVIDIA GPU; nvidia-smi shows whether driver and GPU are there '
            f'(this torch needs a driver for CUDA {torch.version.cuda})'
        )
    if index >= torch.cuda.device_count():
        return f'GPU {index} does not exist, there are {torch.cuda.device_count()}'
    return None
