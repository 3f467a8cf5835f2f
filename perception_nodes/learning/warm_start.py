"""
Start from a network that was exported, batch norms merged, where no checkpoint was kept.

:func:`trunk_from` takes over the features of a network of another task, by name.

An exported layer W′ with bias b′ and its training form BN(W x) are one function when W = W′,
the norm's statistics are those of W′ x, its factor is their deviation and its offset is b′ plus
their mean. The statistics are measured on pictures.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import nn

from perception_nodes.learning.export import trunk_in
from perception_nodes.learning.models.trunk import Trunk
from perception_nodes.learning.models.widths import Shape, resize

_TRUNK = 'trunk.'
_LAYERS = ('Conv', 'Gemm')  # how convolutions and linear layers are exported
_PICTURES = 64  # from which batch norms take their statistics


@dataclass(frozen=True, eq=False)
class _Use:
    """One call of a convolution or linear layer, with the batch norm that follows."""

    name: str
    layer: nn.Conv2d | nn.Linear
    norm: nn.BatchNorm2d | None


def started_from(
    model: nn.Module,
    start: Path | None,
    pictures: Iterable[torch.Tensor],
    new: Sequence[str] = (),
    *,
    narrower: bool = False,
) -> nn.Module:
    """Return the model, with the function of an exported one if there is a start."""
    if start is None:
        return model
    return load_exported(model, start, _first(pictures, _PICTURES), new, narrower=narrower)


def _first(batches: Iterable[torch.Tensor], pictures: int) -> Iterator[torch.Tensor]:
    """Yield as many batches as hold that many pictures."""
    for batch in batches:
        yield batch
        pictures -= len(batch)
        if pictures <= 0:
            return


def trunk_from(model: nn.Module, path: Path | None) -> nn.Module:
    """
    Return the model, its trunk with the weights that an exported network of another task has.

    Stages that the other network lacks keep what they have.

    :param path: ONNX file; None changes nothing.
    :raises ValueError: the file holds no trunk of these names and shapes, or another one.
    """
    if path is None:
        return model
    written = onnx.load(str(path))
    stored = {item.name: item for item in written.graph.initializer}
    found = 0
    with torch.no_grad():
        for name, weight in model.named_parameters():
            item = stored.get(name)
            if name.startswith(_TRUNK) and item and tuple(item.dims) == tuple(weight.shape):
                weight.copy_(torch.from_numpy(np.array(numpy_helper.to_array(item))))
                found += 1
    if not found:
        raise ValueError(
            f'{path} holds no trunk that fits (no tensors {_TRUNK}…); take the model.onnx of a '
            'bundle that perception train wrote'
        )
    trunk = getattr(model, 'trunk', None)
    if isinstance(trunk, Trunk) and trunk.name != trunk_in(written):
        raise ValueError(
            f'{path} holds the trunk {trunk_in(written)}, the recipe says {trunk.name}; set '
            'model.trunk to that of the file'
        )
    return model


def exported_layers(path: Path) -> list[tuple[torch.Tensor, torch.Tensor | None]]:
    """Return weight and bias of all convolutions and linear layers of an ONNX file, in order."""
    graph = onnx.load(str(path)).graph
    stored = {item.name: item for item in graph.initializer}
    # Tensors of equal values are stored once.
    same = {node.output[0]: node.input[0] for node in graph.node if node.op_type == 'Identity'}

    def tensor(name: str) -> torch.Tensor:
        return torch.from_numpy(np.array(numpy_helper.to_array(stored[same.get(name, name)])))

    found = []
    for node in graph.node:
        if node.op_type in _LAYERS:
            bias = tensor(node.input[2]) if len(node.input) > 2 else None
            found.append((tensor(node.input[1]), bias))
    return found


def load_exported(
    model: nn.Module,
    path: Path,
    pictures: Iterable[torch.Tensor],
    new: Sequence[str] = (),
    *,
    narrower: bool = False,
) -> nn.Module:
    """
    Give a model the function of its exported form, and return it.

    :param model: of the architecture that was exported.
    :param path: ONNX file.
    :param pictures: batches of network input, at least one; the norms take their statistics.
    :param new: beginnings of the names of branches that the exported network may lack; their last
        batch norm then is set to 0, so that they start without a say.
    :param narrower: the exported network may have fewer channels, since it was pruned; the model
        gets as narrow.
    :raises ValueError: the file's layers do not fit the model's, or it has others.
    """
    _check_layers(model, path)
    batches = list(pictures)
    uses = _uses_of(model, batches[0])
    source = exported_layers(path)
    stored = [tuple(weight.shape) for weight, _ in source]
    kept = uses
    if new and len(stored) < len(uses):
        kept = [use for use in uses if not use.name.startswith(tuple(new))]
    wanted = _shapes(kept)
    if stored != wanted and not (narrower and _fit(stored, wanted)):
        raise ValueError(
            f'{path} holds {len(source)} convolutions and linear layers that do not fit the '
            f'{len(kept)} of the model; take the recipe that it was trained with'
            + ('; if it was pruned, set pruning.of_start: true' if _fit(stored, wanted) else '')
        )
    if stored != wanted:
        outputs = _outputs_of(model, batches[0])
        _narrow(kept, stored)
        if _outputs_of(model, batches[0]) != outputs:
            raise ValueError(
                f'{path} has other outputs than the model; take a recipe of as many classes'
            )
    for use in uses:
        if use not in kept and use.norm is not None:
            nn.init.zeros_(use.norm.weight)
    factors: dict[_Use, torch.Tensor] = {}
    for use, (weight, bias) in zip(kept, source, strict=True):
        factors[use] = _set(use, weight, bias, first=use.layer not in {u.layer for u in factors})
    _measure_norms(model, batches, factors)
    return model


def _check_layers(model: nn.Module, path: Path) -> None:
    """Refuse a model whose layers are not all read back."""
    holders = [module for module in model.modules() if [*module.parameters(recurse=False)]]
    read = nn.Conv2d | nn.Linear | nn.BatchNorm2d
    others = {type(module).__name__ for module in holders if not isinstance(module, read)}
    if others:
        raise ValueError(
            f'{path}: convolutions, linear layers and batch norms are read back, '
            f'{", ".join(sorted(others))} of the model are not; take a recipe without them, or '
            'train from the trunk (--trunk)'
        )


def _fit(stored: Sequence[Shape], wanted: Sequence[Shape]) -> bool:
    """Return whether the shapes are those of the model with as many channels or fewer."""
    return len(stored) == len(wanted) and all(
        small[2:] == whole[2:] and all(map(operator.le, small, whole))
        for small, whole in zip(stored, wanted, strict=True)
    )


@torch.no_grad()
def _outputs_of(model: nn.Module, picture: torch.Tensor) -> list[Shape]:
    """Return the shapes of what the model says about a picture."""
    found = model.eval()(picture)
    return [tuple(item.shape) for item in (found if isinstance(found, tuple) else (found,))]


def _narrow(uses: Sequence[_Use], shapes: Sequence[Shape]) -> None:
    """Give the layers and their norms the stored, pruned widths."""
    for use, shape in zip(uses, shapes, strict=True):
        resize(use.layer, shape)
        if use.norm is not None:
            resize(use.norm, shape[:1])


def _shapes(uses: Sequence[_Use]) -> list[Shape]:
    return [tuple(use.layer.weight.shape) for use in uses]


def _uses_of(model: nn.Module, picture: torch.Tensor) -> list[_Use]:
    """Return the layers in the order of their calls; shared ones occur repeatedly."""
    calls: list[tuple[str, nn.Module]] = []
    hooks = [
        module.register_forward_hook(lambda *_, pair=(name, module): calls.append(pair))
        for name, module in model.named_modules()
        if isinstance(module, nn.Conv2d | nn.Linear | nn.BatchNorm2d)
    ]
    model.eval()
    with torch.no_grad():
        model(picture)
    for hook in hooks:
        hook.remove()
    uses = []
    for (name, module), (_, after) in zip(calls, [*calls[1:], ('', nn.Identity())], strict=True):
        if isinstance(module, nn.Conv2d | nn.Linear):
            uses.append(_Use(name, module, after if isinstance(after, nn.BatchNorm2d) else None))
    return uses


@torch.no_grad()
def _set(
    use: _Use, weight: torch.Tensor, bias: torch.Tensor | None, *, first: bool
) -> torch.Tensor:
    """Write one exported layer and return (C,) how much larger it is than what is there."""
    if first:
        use.layer.weight.copy_(weight)
        if use.layer.bias is not None and bias is not None:
            use.layer.bias.copy_(bias)
    there = use.layer.weight.flatten(1)
    factor = (weight.flatten(1) * there).sum(1) / there.square().sum(1).clamp(min=1e-20)
    if use.norm is not None:
        use.norm.running_mean.zero_()  # type: ignore[union-attr]
        use.norm.running_var.fill_(1 - use.norm.eps)  # type: ignore[union-attr]
        use.norm.weight.copy_(factor)
        use.norm.bias.zero_()
        if bias is not None:
            use.norm.bias.copy_(bias)
    return factor


@torch.no_grad()
def _measure_norms(
    model: nn.Module, batches: Sequence[torch.Tensor], factors: dict[_Use, torch.Tensor]
) -> None:
    """Replace the trivial statistics of the norms by measured ones without another effect."""
    sums: dict[nn.Module, list[torch.Tensor]] = {}

    def note(module: nn.Module, inputs: tuple[torch.Tensor, ...], _: torch.Tensor) -> None:
        flat = inputs[0].transpose(0, 1).flatten(1).double()
        sums.setdefault(module, []).append(torch.stack([flat.mean(1), flat.square().mean(1)]))

    norms = {use.norm: factor for use, factor in factors.items() if use.norm is not None}
    hooks = [norm.register_forward_hook(note) for norm in norms]
    for batch in batches:
        model(batch)
    for hook in hooks:
        hook.remove()
    for norm, factor in norms.items():
        mean, square = torch.stack(sums[norm]).mean(0)
        variance = (square - mean.square()).clamp(min=1e-6)
        norm.bias.add_(factor * mean.float())
        norm.weight.copy_(factor * (variance + norm.eps).sqrt().float())
        norm.running_mean.copy_(mean)  # type: ignore[union-attr]
        norm.running_var.copy_(variance)  # type: ignore[union-attr]
