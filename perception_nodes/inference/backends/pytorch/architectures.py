"""Networks that libraries build by name, without weights."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import torch
import torchvision
from torchvision.models.detection.transform import GeneralizedRCNNTransform

from perception_nodes.inference.backends.contract import BackendError
from perception_nodes.inference.bundle import ModelBundle
from perception_nodes.inference.bundle_checks import closest

# These make a builder download weights instead of taking those of the bundle.
_REFUSED_OPTIONS = (
    'weights',
    'weights_backbone',
    'pretrained',
    'pretrained_backbone',
    'encoder_weights',
)
_MODULES = {
    'detection': torchvision.models.detection,
    'segmentation': torchvision.models.segmentation,
}
_INSTALL_SMP = (
    'smp: architectures need segmentation-models-pytorch, which is not installed; cure: '
    "pip install 'segmentation-models-pytorch>=0.5', or 'perception_suite[training]', or export "
    'the model to ONNX, which needs neither'
)


def build(bundle: ModelBundle) -> torch.nn.Module:
    """
    Return the network that a bundle names, with untrained weights.

    :raises BackendError: for an unknown name, options it does not take, a missing library.
    """
    architecture = bundle.spec.architecture
    options = dict(architecture.options)
    for key in _REFUSED_OPTIONS:
        if key in options:
            raise BackendError(
                f'architecture.options: {key!r} is not allowed, the weights come from the '
                'bundle; remove it'
            )
    try:
        return _BUILD[architecture.library](bundle, options)
    except BackendError:
        raise
    except (TypeError, ValueError, KeyError) as error:
        raise BackendError(f'architecture.options: {architecture.name}: {error}') from error


def known_builders() -> dict[str, str]:
    """Return the tasks of torchvision's models by name."""
    return {
        name: task
        for task, module in _MODULES.items()
        for name in torchvision.models.list_models(module=module)
    }


def check_builder(builder: str) -> str:
    """Return the task of one of torchvision's models, or raise naming the known ones."""
    known = known_builders()
    if builder not in known:
        raise BackendError(
            f'torchvision has no detection or segmentation model {builder!r}'
            f'{closest(builder, known)}; known: {", ".join(known)}'
        )
    return known[builder]


def _torchvision(bundle: ModelBundle, options: dict[str, Any]) -> torch.nn.Module:
    builder = str(bundle.spec.architecture.builder)
    task = check_builder(builder)
    if task != bundle.spec.task:
        raise BackendError(f'torchvision:{builder} is for {task}, task says {bundle.spec.task}')
    # Torchvision counts the background, which the names may leave out.
    offset = int(bundle.spec.decoder.options.get('label_offset', 0))
    options.setdefault('num_classes', len(bundle.classes) + offset)
    call = torchvision.models.get_model_builder(builder)
    own = {'weights': None}
    if 'weights_backbone' in inspect.signature(call).parameters:
        own['weights_backbone'] = None
    module = call(**own, **options)
    _check_options(builder, options, module)
    return module


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


def _smp(bundle: ModelBundle, options: dict[str, Any]) -> torch.nn.Module:
    try:
        import segmentation_models_pytorch
    except ImportError as error:
        raise BackendError(_INSTALL_SMP) from error
    name = str(bundle.spec.architecture.builder)
    base = segmentation_models_pytorch.base.SegmentationModel
    known = {
        key: kind
        for key, kind in vars(segmentation_models_pytorch).items()
        if isinstance(kind, type) and issubclass(kind, base)
    }
    if name not in known:
        raise BackendError(
            f'segmentation-models-pytorch has no {name!r}{closest(name, known)}; '
            f'known: {", ".join(sorted(known))}'
        )
    options.setdefault('classes', len(bundle.classes))
    return known[name](encoder_weights=None, **options)


_BUILD: dict[str, Callable[[ModelBundle, dict[str, Any]], torch.nn.Module]] = {
    'torchvision': _torchvision,
    'smp': _smp,
}
