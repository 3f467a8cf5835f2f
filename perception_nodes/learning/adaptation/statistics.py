"""
Statistics of the new place in place of those of the source.

Li et al., "Revisiting Batch Normalization for Practical Domain Adaptation" (2016); with the
source's as a prior of some pictures: Schneider et al., "Improving robustness against common
corruptions by covariate shift adaptation" (NeurIPS 2020).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import safetensors
import torch
from safetensors.torch import save_file

from perception_nodes.inference.bundle import ModelBundle
from perception_nodes.learning.adaptation.norms import OpenNetwork, moments

_WEIGHTS_KEY = 'weights_sha256'


@torch.no_grad()
def measured(opened: OpenNetwork, batches: Iterable[torch.Tensor]) -> dict[str, torch.Tensor]:
    """
    Return (2, C) mean and variance of what comes into each norm, by name.

    The network runs in the mode in which it is.

    :param batches: of (B, 3, H, W) normalised pictures, at least one; each picture counts alike.
    :raises ValueError: when there is none.
    """
    sums = {
        name: torch.zeros_like(norm.source, dtype=torch.float64)
        for name, norm in opened.norms.items()
    }
    count = 0

    def note(name: str, features: torch.Tensor) -> None:
        found = moments(features).double()
        found[1] += found[0].square()
        sums[name] += len(features) * found

    hooks = [
        norm.register_forward_pre_hook(lambda _, inputs, name=name: note(name, inputs[0]))
        for name, norm in opened.norms.items()
    ]
    try:
        for batch in batches:
            opened.network(batch)
            count += len(batch)
    finally:
        for hook in hooks:
            hook.remove()
    if not count:
        raise ValueError('there is not one picture to measure statistics on')
    found = {}
    for name, total in sums.items():
        mean, square = total / count
        variance = (square - mean.square()).clamp(min=0)
        found[name] = torch.stack([mean, variance]).float()
    return found


def know_source(opened: OpenNetwork, statistics: dict[str, torch.Tensor]) -> None:
    """
    Let the norms know the statistics of the source; the function stays as it is.

    :param statistics: (2, C) by name of the norm, of this network.
    :raises ValueError: when they are of another network.
    """
    if statistics.keys() != opened.norms.keys():
        raise ValueError(
            f'source statistics of {len(statistics)} norms do not fit a network of '
            f'{len(opened.norms)}; measure them with the same model'
        )
    for name, norm in opened.norms.items():
        norm.rebase(statistics[name].to(norm.mean.device))


def take_statistics(
    opened: OpenNetwork, batches: Iterable[torch.Tensor], *, prior_pictures: float, passes: int = 1
) -> None:
    """
    Normalise with the statistics of new pictures, mixed with those of the source.

    In the first pass every norm sees what the norms before it make of the batch with the batch's
    own statistics; in later ones with those of all pictures, as it will be in use.

    :param batches: can be gone through repeatedly; (B, 3, H, W) normalised.
    :param prior_pictures: weight of the source's statistics in pictures.
    """
    count = sum(len(batch) for batch in batches)
    for norm in opened.norms.values():
        norm.share = count / (count + prior_pictures)
    for number in range(passes):
        opened.by_batch(number == 0)
        found = measured(opened, batches)
        opened.by_batch(False)
        for name, norm in opened.norms.items():
            norm.use(found[name])


def write_statistics(statistics: dict[str, torch.Tensor], path: Path, weights_sha256: str) -> None:
    """Write (2, C) statistics by name, with the network that they are of."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {name: value.cpu().contiguous() for name, value in statistics.items()}
    save_file(tensors, str(path), metadata={_WEIGHTS_KEY: weights_sha256})


def kept_statistics(bundle: ModelBundle) -> dict[str, torch.Tensor] | None:
    """
    Return the statistics of the source that a bundle keeps, or None.

    :raises ValueError: when they are of other weights.
    """
    spec = bundle.spec
    if spec.source_statistics is None:
        return None
    return read_statistics(bundle.file(spec.source_statistics.file), spec.weights.sha256)


def read_statistics(path: Path, weights_sha256: str) -> dict[str, torch.Tensor]:
    """
    Return what :func:`write_statistics` wrote.

    :raises ValueError: for another file, or statistics of another network.
    """
    try:
        with safetensors.safe_open(str(path), 'pt') as file:
            owner = (file.metadata() or {}).get(_WEIGHTS_KEY, '')
            found = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except safetensors.SafetensorError as error:
        raise ValueError(f'{path}: holds no statistics ({error})') from error
    if owner != weights_sha256:
        raise ValueError(
            f'{path}: statistics of weights {owner[:12] or "unknown"}, the model has '
            f'{weights_sha256[:12]}; measure them again with --source PICTURES'
        )
    return found
