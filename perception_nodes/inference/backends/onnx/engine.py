"""TensorRT engines: built once by a command, then only used."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime

from perception_nodes.inference.backends.contract import BackendError, BackendRequest, DeviceKind
from perception_nodes.inference.backends.onnx import devices, loading
from perception_nodes.inference.bundle import ModelBundle


def build_engine(bundle: ModelBundle, *, device: str, precision: str) -> Path:
    """
    Build the TensorRT engine of a model and return its folder; takes minutes.

    :param bundle: an ONNX model.
    :param device: ``tensorrt`` or ``tensorrt:N``.
    :param precision: ``fp32`` or ``fp16``.
    :raises BackendError: when this machine cannot build one, naming the reason.
    """
    request = BackendRequest.parse(device, precision, 0)
    if request.kind is not DeviceKind.TENSORRT:
        raise BackendError(f'device: {device!r} has no engine to build; use tensorrt, tensorrt:N')
    if bundle.spec.architecture.builder is not None:
        raise BackendError(
            f'{bundle.name}: TensorRT takes ONNX models, this is {bundle.spec.architecture.name}'
        )
    reason = devices.missing_gpu_reason() or devices.missing_tensorrt_reason()
    if reason is not None:
        raise BackendError(f'{bundle.name}: no TensorRT engine can be built here: {reason}')
    folder = devices.engine_folder(bundle, request)
    folder.mkdir(parents=True, exist_ok=True)
    _run_once(bundle, request)
    if not any(folder.glob('*.engine')):
        raise BackendError(
            f'{bundle.name}: TensorRT took no part of the network, or its libraries could not be '
            'loaded; the log of ONNX Runtime above says which'
        )
    return folder


def _run_once(bundle: ModelBundle, request: BackendRequest) -> None:
    """Open the network and run it on zeros: that is when the engine is built and stored."""
    content = loading.load_checked(bundle)
    source = str(bundle.weights_path) if loading.has_external_data(bundle) else content
    devices.preload_libraries()
    providers = [(devices.TENSORRT_PROVIDER, devices.tensorrt_options(bundle, request))]
    try:
        session = onnxruntime.InferenceSession(source, providers=providers)
        width, height = bundle.spec.input.size_wh or (0, 0)
        picture = session.get_inputs()[0]
        dtype = np.float16 if picture.type == 'tensor(float16)' else np.float32
        session.run(None, {picture.name: np.zeros((1, 3, height, width), dtype)})
    except Exception as error:  # the runtime raises classes of its own without a common base
        raise BackendError(f'{bundle.name}: the engine cannot be built: {error}') from error
