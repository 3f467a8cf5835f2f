"""ONNX Runtime behind the back-end contract."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import numpy as np
import onnxruntime

from perception_nodes.inference.backends.contract import (
    BackendError,
    BackendRequest,
    Precision,
    Shape,
    check_batch,
)
from perception_nodes.inference.backends.onnx import devices, loading
from perception_nodes.inference.bundle import ModelBundle

_LOG = logging.getLogger(__name__)
_LOG_SEVERITY_ERROR = 3
_INPUT_TYPES = {'tensor(float)': np.float32, 'tensor(float16)': np.float16}


def open_network(bundle: ModelBundle, request: BackendRequest) -> OnnxBackend:
    """Return the network of a bundle; see ``open_backend``."""
    content = loading.load_checked(bundle)
    choice = devices.choose_providers(bundle, request)
    try:
        session = _open_session(bundle, content, choice, request)
        while choice.wanted not in session.get_providers():
            choice = _next_choice(bundle, choice, request)
            session = _open_session(bundle, content, choice, request)
    except Exception as error:  # the runtime raises classes of its own without a common base
        raise BackendError(f'{bundle.weights_path}: cannot be opened: {error}') from error
    return OnnxBackend(session, choice)


class OnnxBackend:
    """
    One inference session.

    :param session: session with exactly one picture input.
    :param choice: where and how it runs.
    """

    def __init__(
        self, session: onnxruntime.InferenceSession, choice: devices.ProviderChoice
    ) -> None:
        self._session: onnxruntime.InferenceSession | None = session
        self._choice = choice
        self._input, self._input_shape, self._dtype = _picture_input(session)
        self._outputs = [output.name for output in session.get_outputs()]
        self._output_shapes = {
            output.name: tuple(output.shape) for output in session.get_outputs()
        }
        self._size_wh = _fixed_size(self._input_shape)
        batch = self._input_shape[0]
        self._batch_size = batch if isinstance(batch, int) else None

    @property
    def device(self) -> str:
        """Where it really runs."""
        return self._choice.device

    @property
    def description(self) -> str:
        """Provider and precision."""
        provider = self._choice.wanted.removesuffix('ExecutionProvider')
        version = onnxruntime.__version__
        return f'ONNX Runtime {version} {provider} {self._choice.precision.value}'

    @property
    def input_size_wh(self) -> tuple[int, int] | None:
        """Width and height that the network insists on."""
        return self._size_wh

    @property
    def output_shapes(self) -> dict[str, Shape]:
        """Shape of every output as the file declares it."""
        return dict(self._output_shapes)

    def infer(self, batch: np.ndarray | Any) -> dict[str, np.ndarray]:
        """Run the network on a (B, 3, H, W) float32 batch; see the contract."""
        if self._session is None:
            raise BackendError('the network was closed; open it again')
        check_batch(batch, self._size_wh, self._batch_size)
        if not isinstance(batch, np.ndarray) and not batch.is_cuda:
            batch = batch.numpy()
        if self._choice.device != 'cpu':
            return self._infer_bound(self._session, batch)
        if batch.dtype != self._dtype:
            batch = batch.astype(self._dtype)
        try:
            results = self._session.run(None, {self._input: np.ascontiguousarray(batch)})
        except Exception as error:  # ONNX Runtime's classes have no public common base
            raise BackendError(f'the network cannot be run on {batch.shape}: {error}') from error
        return dict(zip(self._outputs, results, strict=True))

    def close(self) -> None:
        """Free the session; may be called twice."""
        self._session = None

    def _infer_bound(
        self, session: onnxruntime.InferenceSession, batch: np.ndarray | Any
    ) -> dict[str, np.ndarray]:
        """Run with bound memory: one copy in, one copy out, and none for a tensor on the GPU."""
        binding = session.io_binding()
        if isinstance(batch, np.ndarray):
            array: np.ndarray = np.ascontiguousarray(batch, dtype=self._dtype)
            binding.bind_cpu_input(self._input, array)
        else:
            tensor = batch.contiguous()
            tensor = tensor.half() if self._dtype is np.float16 else tensor
            kind, _, index = self._choice.device.partition(':')
            binding.bind_input(
                self._input, kind, int(index), self._dtype, tuple(tensor.shape), tensor.data_ptr()
            )
        for output in self._outputs:
            binding.bind_output(output, 'cpu')
        session.run_with_iobinding(binding)
        return dict(zip(self._outputs, binding.copy_outputs_to_cpu(), strict=True))


def _open_session(
    bundle: ModelBundle,
    content: bytes,
    choice: devices.ProviderChoice,
    request: BackendRequest,
) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = request.threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _LOG_SEVERITY_ERROR
    if choice.device != 'cpu':
        devices.preload_libraries()
    by_tensorrt = choice.wanted == devices.TENSORRT_PROVIDER
    source: bytes | str = content
    if loading.has_external_data(bundle):
        source = str(bundle.weights_path)
    elif choice.precision is Precision.FP16 and not by_tensorrt:
        source = loading.to_fp16(content)
    return onnxruntime.InferenceSession(source, options, providers=list(choice.providers))


def _next_choice(
    bundle: ModelBundle, choice: devices.ProviderChoice, request: BackendRequest
) -> devices.ProviderChoice:
    """Warn that the runtime cannot load a provider, and return the choice without it."""
    following = choice.providers[1:]
    _LOG.warning(
        '%s: runs with %s: ONNX Runtime could not load %s, mostly because a CUDA, cuDNN or '
        'TensorRT library is missing or has another version than this build needs, or because '
        'GPU %d does not exist; nvidia-smi and `perception doctor` show what is there',
        bundle.name,
        following[0][0],
        choice.wanted,
        request.index,
    )
    if following[0][0] == devices.CPU_PROVIDER:
        return devices.cpu_choice(request)
    return replace(choice, providers=following)


def _fixed_size(input_shape: Shape) -> tuple[int, int] | None:
    height, width = input_shape[2:]
    if isinstance(height, int) and isinstance(width, int):
        return width, height
    return None


def _picture_input(
    session: onnxruntime.InferenceSession,
) -> tuple[str, Shape, type]:
    """Return name, shape and dtype of the only input, or raise for other networks."""
    inputs = session.get_inputs()
    described = ', '.join(f'{item.name} {item.shape} {item.type}' for item in inputs)
    fits = len(inputs) == 1 and len(inputs[0].shape) == 4 and inputs[0].type in _INPUT_TYPES
    if not fits or (isinstance(inputs[0].shape[1], int) and inputs[0].shape[1] != 3):
        raise BackendError(
            f'the network must take one picture (B, 3, H, W) float32, but takes: {described}'
        )
    return inputs[0].name, tuple(inputs[0].shape), _INPUT_TYPES[inputs[0].type]
