"""State dicts from strangers: read without ever running code from the file."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError

from perception_nodes.inference.backends.contract import BackendError
from perception_nodes.inference.backends.pytorch.architectures import build
from perception_nodes.inference.bundle import ModelBundle

PICKLE_SUFFIXES = ('.pt', '.pth')
SAFETENSORS_SUFFIX = '.safetensors'
# Training scripts put the weights under one of these keys beside optimiser and epoch.
_NESTED_KEYS = ('state_dict', 'model')
# A second head that only training needs; published weights carry it, networks for use do not.
_TRAINING_ONLY = 'aux_classifier.'


def load_checked(bundle: ModelBundle) -> torch.nn.Module:
    """
    Return the network of a bundle with its weights, on the CPU, in eval mode.

    :raises BackendError: for an unknown builder, options it does not take, weights of another
        network, and files that try to run code.
    """
    module = build(bundle)
    wanted = module.state_dict()
    state = {
        key: value
        for key, value in read_state_dict(bundle.read_weights(), str(bundle.weights_path)).items()
        if key in wanted or not key.startswith(_TRAINING_ONLY)
    }
    try:
        module.load_state_dict(state)
    except RuntimeError as error:
        raise BackendError(
            f'{bundle.weights_path}: does not fit {bundle.spec.architecture.name} with '
            f'{len(bundle.classes)} classes: {error}'
        ) from error
    return module.eval()


def read_state_dict(content: bytes, origin: str) -> dict[str, torch.Tensor]:
    """
    Return tensors by name.

    :param content: a safetensors file, or what ``torch.save(module.state_dict())`` wrote.
    :param origin: path of the file, its suffix decides the format.
    :raises BackendError: for files of another kind, and for pickles that hold more than tensors.
    """
    if origin.endswith(SAFETENSORS_SUFFIX):
        try:
            return safetensors.torch.load(content)
        except SafetensorError as error:
            raise BackendError(f'{origin}: is not a safetensors file ({error})') from error
    if not origin.endswith(PICKLE_SUFFIXES):
        suffixes = ', '.join((SAFETENSORS_SUFFIX, *PICKLE_SUFFIXES))
        raise BackendError(f'{origin}: weights of torch models end in {suffixes}')
    return _tensors_only(_unpickle(content, origin), origin)


def _unpickle(content: bytes, origin: str) -> Any:
    try:
        with warnings.catch_warnings():
            # It advises other loaders for the formats that are refused here.
            warnings.simplefilter('ignore')
            return torch.load(io.BytesIO(content), map_location='cpu', weights_only=True)
    except Exception as error:  # the unpickler raises whatever a broken file provokes
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BackendError(
            f'{origin}: was refused, nothing in it was run: it is no plain state dict and could '
            'hold code. Save the weights with safetensors.torch.save_file(model.state_dict(), …) '
            f'({reason})'
        ) from error


def _tensors_only(data: Any, origin: str) -> dict[str, torch.Tensor]:
    for key in _NESTED_KEYS:
        if isinstance(data, Mapping) and isinstance(data.get(key), Mapping):
            data = data[key]
    is_state = isinstance(data, Mapping) and data
    if not is_state or not all(
        isinstance(key, str) and isinstance(value, torch.Tensor) for key, value in data.items()
    ):
        raise BackendError(
            f'{origin}: holds no state dict; save it with torch.save(model.state_dict(), …)'
        )
    return dict(data)
