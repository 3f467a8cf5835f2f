"""Torch modules behind the back-end contract."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from perception_nodes.inference.backends.contract import (
    BackendError,
    BackendRequest,
    Precision,
    Shape,
    check_batch,
)
from perception_nodes.inference.backends.pytorch import devices, loading
from perception_nodes.inference.bundle import ModelBundle

_OUTPUTS: dict[str, dict[str, Shape]] = {
    'detection': {'boxes': ('K', 4), 'labels': ('K',), 'scores': ('K',)},
    'segmentation': {'logits': (1, 'C', 'H', 'W')},
}


def open_network(bundle: ModelBundle, request: BackendRequest) -> TorchBackend:
    """Return the network of a bundle; see ``open_backend``."""
    module = loading.load_checked(bundle)
    device, precision = devices.choose_device(bundle.name, request)
    if request.threads and device == 'cpu':
        # Torch has one pool for the whole process.
        torch.set_num_threads(request.threads)
    try:
        return TorchBackend(module.to(device), device, precision, bundle.spec.task)
    except RuntimeError as error:
        raise BackendError(f'{bundle.name}: cannot be moved to {device}: {error}') from error


class TorchBackend:
    """
    One module on one device.

    :param module: network in eval mode, on ``device``.
    :param device: ``cpu`` or ``cuda:N``.
    :param precision: fp16 runs under autocast, which keeps box arithmetic in fp32.
    :param task: ``detection``: the module answers one dictionary per picture, as torchvision's
        detectors do; ``segmentation``: logits, alone or as ``out`` of a dictionary.
    """

    def __init__(
        self,
        module: torch.nn.Module,
        device: str,
        precision: Precision,
        task: str = 'detection',
    ) -> None:
        self._module: torch.nn.Module | None = module
        self._run, self._shapes = _RUN[task], _OUTPUTS[task]
        self._device = device
        self._precision = precision

    @property
    def device(self) -> str:
        """Where it really runs."""
        return self._device

    @property
    def description(self) -> str:
        """Library and precision."""
        return f'torch {torch.__version__} {self._device} {self._precision.value}'

    @property
    def input_size_wh(self) -> tuple[int, int] | None:
        """None: these networks take any size."""
        return None

    @property
    def output_shapes(self) -> dict[str, Shape]:
        """Shape of every output for one picture with K boxes or C classes."""
        return dict(self._shapes)

    def infer(self, batch: np.ndarray | Any) -> dict[str, np.ndarray]:
        """
        Run the network on one picture.

        :param batch: (1, 3, H, W) float32; see the contract.
        """
        if self._module is None:
            raise BackendError('the network was closed; open it again')
        check_batch(batch, None, 1)
        if isinstance(batch, np.ndarray):
            batch = torch.from_numpy(np.ascontiguousarray(batch))
        half = self._precision is Precision.FP16
        with torch.inference_mode(), torch.autocast('cuda', torch.float16, enabled=half):
            found = self._run_checked(self._module, batch.to(self._device))
        return {key: value.to('cpu', _dtype(value)).numpy() for key, value in found.items()}

    def close(self) -> None:
        """Free the module; may be called twice."""
        self._module = None

    def _run_checked(
        self, module: torch.nn.Module, batch: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        """Run, and name the size when the network cannot take it."""
        try:
            return self._run(module, batch)
        except RuntimeError as error:
            size = f'{batch.shape[3]}x{batch.shape[2]}'
            raise BackendError(
                f'the network cannot be run on {size} (many need multiples of 32): {error}'
            ) from error


def _detect(module: torch.nn.Module, batch: torch.Tensor) -> dict[str, torch.Tensor]:
    found = module([batch[0]])[0]
    return {key: found[key] for key in _OUTPUTS['detection']}


def _segment(module: torch.nn.Module, batch: torch.Tensor) -> dict[str, torch.Tensor]:
    found = module(batch)
    return {'logits': found['out'] if isinstance(found, dict) else found}


_RUN: dict[str, Callable[[torch.nn.Module, torch.Tensor], dict[str, torch.Tensor]]] = {
    'detection': _detect,
    'segmentation': _segment,
}


def _dtype(tensor: torch.Tensor) -> torch.dtype:
    return torch.float32 if tensor.is_floating_point() else torch.int64
