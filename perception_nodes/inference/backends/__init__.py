"""Back ends: the libraries that run a network, behind one contract."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from perception_nodes.inference.backends.contract import (
    Backend,
    BackendError,
    BackendRequest,
    Precision,
    check_batch,
)
from perception_nodes.inference.bundle import ModelBundle

__all__ = [
    'Backend',
    'BackendError',
    'BackendRequest',
    'Precision',
    'check_batch',
    'open_backend',
]

# Kind of architecture → module with ``open_network(bundle, request)``. Modules are imported on
# demand, so that an ONNX model does not pay for importing torch.
_BACKENDS = {
    'onnx': 'perception_nodes.inference.backends.onnx.backend',
    'torchvision': 'perception_nodes.inference.backends.pytorch.backend',
    'smp': 'perception_nodes.inference.backends.pytorch.backend',
}


def open_backend(
    bundle: ModelBundle,
    *,
    device: str = 'auto',
    precision: str = 'fp32',
    threads: int = 0,
) -> Backend:
    """
    Return the network of a bundle, loaded on a device.

    :param bundle: from ``read_bundle`` or ``resolve_model``.
    :param device: ``auto``, ``cpu``, ``cuda``, ``cuda:N``, ``tensorrt``, ``tensorrt:N``. What is
        not available falls back, with a warning that names the reason; unknown words raise.
    :param precision: ``fp32`` or ``fp16`` (GPU only; falls back likewise).
    :param threads: CPU threads, 0 lets the library choose.
    :raises BackendError: for a model that cannot be opened, naming the reason.
    """
    request = BackendRequest.parse(device, precision, threads)
    kind = bundle.spec.architecture.library
    open_network: Callable[[ModelBundle, BackendRequest], Backend]
    open_network = import_module(_BACKENDS[kind]).open_network
    return open_network(bundle, request)
