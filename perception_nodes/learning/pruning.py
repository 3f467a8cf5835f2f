"""
Leave out what a trained network needs least.

Whole channels by the first-order Taylor expansion of the loss (Molchanov et al. 2019), together
with all that depends on them (DepGraph, Fang et al. 2023), through the library torch-pruning;
single weights by their size (Han et al. 2015).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any

import torch
from torch import nn
from torch.nn.utils import parametrize

from perception_nodes.learning.recipes.pruning import PruningRecipe

Layer = nn.Conv2d | nn.Linear
Loss = Callable[[nn.Module, Any], dict[str, torch.Tensor]]

_STEPS = 30
"""Rounds in which channels go; after each, the importance of the others is measured anew."""
_LAST_RATIO = 0.9
"""Part of all channels that would be gone after the last round."""
_MOST_OF_A_LAYER = 0.8


def pruned(
    model: nn.Module,
    recipe: PruningRecipe,
    batches: Iterable[Any],
    loss: Loss,
    *,
    example: torch.Tensor,
    fixed: Sequence[str],
) -> nn.Module:
    """
    Return the trained model without what the recipe leaves out, changed in place.

    :param batches: for the training, from which the recipe's number is taken.
    :param loss: of the model on a batch, as in training.
    :param example: (1, 3, H, W) float32 network input.
    :param fixed: names of the layers whose outputs all stay.
    """
    if recipe.macs < 1:
        chosen = list(islice(batches, recipe.batches))
        _leave_out_channels(model, recipe, lambda: _add_gradients(model, loss, chosen),
                            example=example, fixed=fixed)  # fmt: skip
    if recipe.weights < 1:
        _leave_out_weights(model, recipe.weights)
    return model


def settled(model: nn.Module) -> nn.Module:
    """
    Return the model with weights that were left out as plain zeros, changed in place.

    Copies of it can no longer be used: torch keeps the parametrization in the class they share.
    """
    for module in model.modules():
        if parametrize.is_parametrized(module, 'weight'):
            parametrize.remove_parametrizations(module, 'weight')
    return model


def count_macs(model: nn.Module, example: torch.Tensor) -> int:
    """
    Return the multiplications of all convolutions and linear layers for an input.

    :param example: (1, 3, H, W) float32.
    """
    counts: list[int] = []

    def note(module: Layer, _inputs: Any, output: torch.Tensor) -> None:
        counts.append(output[0, 0].numel() * module.weight.numel())

    hooks = [module.register_forward_hook(note) for module in _layers(model)]
    was_training = model.training
    with torch.inference_mode():
        model.eval()(example)
    model.train(was_training)
    for hook in hooks:
        hook.remove()
    return sum(counts)


class Sparse(nn.Module):
    """
    A weight of which some stay 0 (a parametrization of torch).

    :param kept: of the weight's shape; 1 where it is free, else 0.
    """

    kept: torch.Tensor

    def __init__(self, kept: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer('kept', kept)

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        """Return the weight with its zeros."""
        return weight * self.kept


def _leave_out_channels(
    model: nn.Module,
    recipe: PruningRecipe,
    add_gradients: Callable[[], None],
    *,
    example: torch.Tensor,
    fixed: Sequence[str],
) -> None:
    """
    Take channels away in small steps until few enough multiplications are left.

    :raises ValueError: it would leave almost nothing of some layers.
    """
    library = _library()
    frozen = {name for name, weight in model.named_parameters() if not weight.requires_grad}
    model.eval().requires_grad_(True)
    allowed = recipe.macs * count_macs(model, example)
    pruner = library.pruner.BasePruner(
        # In a tuple: else the library takes the picture out of its batch where the network allows.
        model, (example,), library.importance.GroupTaylorImportance(), global_pruning=True,
        pruning_ratio=_LAST_RATIO, max_pruning_ratio=_MOST_OF_A_LAYER, iterative_steps=_STEPS,
        round_to=recipe.round_to, ignored_layers=[model.get_submodule(name) for name in fixed],
    )  # fmt: skip
    for _ in range(_STEPS):
        if count_macs(model, example) <= allowed:
            break
        model.zero_grad()
        add_gradients()
        pruner.step()
    left = count_macs(model, example)
    if left > allowed:
        raise ValueError(
            f'pruning, macs: {recipe.macs} leaves too little of some layers; '
            f'{left / allowed * recipe.macs:.2f} is the least that this network reaches'
        )
    model.zero_grad()
    for name, weight in model.named_parameters():
        weight.requires_grad_(name not in frozen)


def _add_gradients(model: nn.Module, loss: Loss, batches: Sequence[Any]) -> None:
    """Add the gradients of the batches, with the norms as they are when the network is used."""
    for batch in batches:
        torch.stack(list(loss(model, batch).values())).sum().backward()


def _leave_out_weights(model: nn.Module, kept: float) -> None:
    """Hold the smallest weights of all layers together at 0, biases excepted."""
    layers = _layers(model)
    sizes = torch.cat([layer.weight.detach().abs().flatten() for layer in layers])
    free = max(int(kept * len(sizes)), 1)
    least = sizes.topk(free, sorted=True).values[-1]
    for layer in layers:
        mask = (layer.weight.detach().abs() >= least).to(layer.weight.dtype)
        parametrize.register_parametrization(layer, 'weight', Sparse(mask))


def _layers(model: nn.Module) -> list[Layer]:
    return [module for module in model.modules() if isinstance(module, Layer)]


def _library() -> Any:
    """
    Return torch-pruning.

    :raises RuntimeError: it is not installed.
    """
    try:
        import torch_pruning
    except ImportError as error:
        raise RuntimeError(
            'leaving out channels needs torch-pruning: pip install "perception_suite[training]"'
        ) from error
    return torch_pruning
