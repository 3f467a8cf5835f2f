"""State dicts from strangers: read without ever running code from the file."""

from __future__ import annotations

import inspect
import io
import warnings
from collections.abc import Mapping
from typing import Any

import safetensors.torch
import torch
import torchvision
from safetensors import SafetensorError
from torchvision.models.detection.transform import GeneralizedRCNNTransform

from perception_nodes.inference.backends.contract import BackendError
from perception_nodes.inference.bundle import ModelBundle
from perception_nodes.inference.bundle_checks import closest

PICKLE_SUFFIXES = ('.pt', '.pth')
SAFETENSORS_SUFFIX = '.safetensors'
# Training scripts put the weights under one of these keys beside optimiser and epoch.
_NESTED_KEYS = ('state_dict', 'model')
# These make a builder download weights instead of taking those of the bundle.
_REFUSED_OPTIONS = ('weights', 'weights_backbone', 'pretrained', 'pretrained_backbone')


def load_checked(bundle: ModelBundle) -> torch.nn.Module:
    """
    Return the torchvision detector of a bundle with its weights, on the CPU, in eval mode.

    :raises BackendError: for an unknown builder, options it does not take, weights of another
        network, and files that try to run code.
    """
    module = build(bundle)
    state = read_state_dict(bundle.read_weights(), str(bundle.weights_path))
    try:
        module.load_state_dict(state)
    except RuntimeError as error:
        raise BackendError(
            f'{bundle.weights_path}: does not fit {bundle.spec.architecture.name} with '
            f'{_class_count(bundle)} classes: {error}'
        ) from error
    return module.eval()


def build(bundle: ModelBundle) -> torch.nn.Module:
    """Return the torchvision detector that a bundle names, with untrained weights."""
    builder = str(bundle.spec.architecture.builder)
    options = dict(bundle.spec.architecture.options)
    check_builder(builder)
    for key in _REFUSED_OPTIONS:
        if key in options:
            raise BackendError(
                f'architecture.options: {key!r} is not allowed, the weights come from the '
                'bundle; remove it'
            )
    options.setdefault('num_classes', _class_count(bundle))
    try:
        module = _call_builder(builder, options)
        _check_options(builder, options, module)
        return module
    except BackendError:
        raise
    except (TypeError, ValueError) as error:
        raise BackendError(f'architecture.options: torchvision:{builder}: {error}') from error


def _call_builder(builder: str, options: Mapping[str, Any]) -> torch.nn.Module:
    call = torchvision.models.get_model_builder(builder)
    own = {'weights': None}
    if 'weights_backbone' in inspect.signature(call).parameters:
        own['weights_backbone'] = None
    return call(**own, **options)


def _check_options(builder: str, options: Mapping[str, Any], module: torch.nn.Module) -> None:
    """Raise for options that the builder swallowed without using them."""
    takers = (
        torchvision.models.get_model_builder(builder),
        type(module),
        GeneralizedRCNNTransform,
    )
    known = sorted({name for taker in takers for name in inspect.signature(taker).parameters})
    for key in options:
        if key not in known:
            raise BackendError(
                f'architecture.options: torchvision:{builder} takes no {key!r}'
                f'{closest(key, known)}'
            )


def check_builder(builder: str) -> None:
    """Raise unless the name is one of torchvision's detection models."""
    known = detection_builders()
    if builder not in known:
        raise BackendError(
            f'torchvision has no detection model {builder!r}{closest(builder, known)}; '
            f'known: {", ".join(known)}'
        )


def detection_builders() -> list[str]:
    """Return the names of torchvision's detection models."""
    return torchvision.models.list_models(module=torchvision.models.detection)


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


def _class_count(bundle: ModelBundle) -> int:
    """Return the number of classes as torchvision counts them: with the background."""
    return len(bundle.classes) + int(bundle.spec.decoder.options.get('label_offset', 0))
