"""
Our attacks beside those of the Adversarial Robustness Toolbox: same network, budget and steps.

    pip install 'perception_suite[cross-check]'
    python -m benchmarks.attack_cross_check --data masks:out/synthetic/attack_scenes

FGSM knows no chance, and PGD of both gets the same random start: pictures must be equal while
rounding has not grown, and losses close after it has. The toolbox has no SegPGD; its PGD gets the
loss of that paper, written here a second time.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from torch import nn

from perception_nodes.evaluation.machine import describe_machine
from perception_nodes.evaluation.masked_sets import open_masked_set
from perception_nodes.inference.registry import resolve_model
from perception_nodes.learning.adversarial.attacks import (
    fgsm,
    labelled_pixels,
    pgd,
    pixel_entropy,
    segpgd,
    wrong_part,
)
from perception_nodes.learning.adversarial.config import LEVELS, AttackConfig
from perception_nodes.learning.adversarial.differentiable import differentiable
from perception_nodes.structures import ColorOrder

RESULT = Path(__file__).resolve().parent / 'results' / 'attack_cross_check.json'
_MODEL = 'resource/models/simulator_segmenter'
_SMALLEST = 1e-6  # of a change that counts as one


class _Flat(nn.Module):
    """A segmenter whose answer is one row of numbers, as the toolbox wants it."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return self.network(pictures).flatten(1)


class SegmentationLoss:
    """
    The loss of SegPGD as published by Gu et al., ECCV 2022.

    Right pixels weigh 1 − λ and wrong ones λ, with λ = (t − 1) / 2T at step t of T. The toolbox
    does not tell the step; it asks once in each.

    :param masks: (B, H, W) uint8, 255 counts neither way.
    :param iterations: T.
    """

    def __init__(self, masks: torch.Tensor, iterations: int) -> None:
        self.asked = 0
        self._masks, self._iterations = masks, iterations

    def __call__(self, logits: torch.Tensor) -> torch.Tensor:
        """Return the loss of (B, C, H, W) logits."""
        weight = self.asked / (2 * self._iterations)
        self.asked += 1
        harm, right = pixel_entropy(logits, self._masks), logits.argmax(1) == self._masks
        return (1 - weight) * harm[right].sum() + weight * harm[~right].sum()


def toolbox_attacks(
    network: nn.Module,
    pictures: torch.Tensor,
    masks: torch.Tensor,
    config: AttackConfig,
    start: torch.Tensor,
) -> dict[str, torch.Tensor]:
    """
    Return FGSM, PGD and SegPGD with the toolbox, whose own code steps and projects.

    Only the losses are given to it, since it knows none of pixels, and the random numbers.

    :param pictures: (B, 3, H, W) float32 in 0..1.
    :param masks: (B, H, W) uint8, 255 counts neither way.
    :param start: like the pictures, parts of ε, -1..1.
    """
    from art.attacks.evasion import FastGradientMethod, ProjectedGradientDescentPyTorch
    from art.estimators.classification import PyTorchClassifier

    with torch.no_grad():
        shape = network(pictures[:1]).shape[1:]

    def classifier(loss: Callable[[torch.Tensor], torch.Tensor]) -> PyTorchClassifier:
        return PyTorchClassifier(
            _Flat(network), loss=lambda row, _: loss(row.view(-1, *shape)),
            input_shape=tuple(pictures.shape[1:]), nb_classes=int(np.prod(shape)),
            clip_values=(0.0, 1.0), device_type='cpu',
        )  # fmt: skip

    even = classifier(lambda logits: mean_entropy(logits, masks).mean())
    right_first = classifier(SegmentationLoss(masks, config.iterations))
    shared = {'eps': config.epsilon, 'batch_size': len(pictures)}
    steps = {
        'eps_step': config.step, 'max_iter': config.iterations, 'num_random_init': 1,
        'verbose': False,
    }  # fmt: skip
    attacks = {
        'fgsm': FastGradientMethod(even, eps_step=config.epsilon, **shared),
        'pgd': ProjectedGradientDescentPyTorch(even, **steps, **shared),
        'segpgd': ProjectedGradientDescentPyTorch(right_first, **steps, **shared),
    }
    unused = np.zeros((len(pictures), int(np.prod(shape))), np.float32)
    unused[:, 0] = 1.0
    numbers = (config.epsilon * start).flatten(1).numpy()
    with mock.patch(f'{ProjectedGradientDescentPyTorch.__module__}.random_sphere') as drawn:
        drawn.return_value = numbers
        return {
            name: torch.from_numpy(attack.generate(pictures.numpy(), unused))
            for name, attack in attacks.items()
        }


def mean_entropy(logits: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    """Return (B,) mean cross-entropy of the labelled pixels."""
    return pixel_entropy(logits, masks).sum((1, 2)) / labelled_pixels(masks)


def compare(
    network: nn.Module, pictures: torch.Tensor, masks: torch.Tensor, config: AttackConfig
) -> dict[str, dict[str, float]]:
    """
    Return cross-entropy and part of wrong pixels for both, and how far they are apart.

    :return: of ``clean`` and each attack; ``equal``: part of the values that are equal.
    """
    start = 2 * torch.rand(pictures.shape, generator=torch.Generator().manual_seed(0)) - 1
    theirs = toolbox_attacks(network, pictures, masks, config, start)
    ours = {
        'fgsm': fgsm(network, pictures, masks, config),
        'pgd': pgd(network, pictures, masks, config, torch.Generator().manual_seed(0)),
        'segpgd': segpgd(network, pictures, masks, config, torch.Generator().manual_seed(0)),
    }
    report = {'clean': _harm(network, pictures, masks, '')}
    for name, changed in ours.items():
        same = (changed - theirs[name]).abs() < _SMALLEST
        report[name] = {
            **_harm(network, changed, masks, 'ours_'),
            **_harm(network, theirs[name], masks, 'theirs_'),
            'equal': float(same.float().mean()),
        }
    return report


@torch.no_grad()
def _harm(
    network: nn.Module, pictures: torch.Tensor, masks: torch.Tensor, whose: str
) -> dict[str, float]:
    logits = network(pictures)
    return {
        f'{whose}entropy': float(mean_entropy(logits, masks).mean()),
        f'{whose}wrong': float(wrong_part(logits, masks).mean()),
    }


def measure(model: str, data: str, config: AttackConfig) -> dict[str, dict[str, float]]:
    """Return the means of the comparison over the pictures of a set, one by one."""
    bundle, labelled = resolve_model(model), open_masked_set(data)
    network, reports = differentiable(bundle), []
    for picture in labelled.pictures:
        frame, truth = labelled.read(picture)
        rgb = torch.from_numpy(np.ascontiguousarray(frame.in_order(ColorOrder.RGB)))
        pictures = rgb.permute(2, 0, 1)[None].contiguous() / LEVELS
        reports.append(compare(network, pictures, torch.from_numpy(truth)[None], config))
    return {
        name: {
            key: round(float(np.mean([report[name][key] for report in reports])), 5)
            for key in reports[0][name]
        }
        for name in reports[0]
    }


def main() -> None:
    """Compare on a labelled set whose classes are the model's, and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--model', default=_MODEL)
    parser.add_argument('--data', required=True)
    parser.add_argument('--epsilon', type=float, default=4.0, help='grey levels')
    parser.add_argument('--iterations', type=int, nargs='+', default=[4, 10])
    parser.add_argument('--result', type=Path, default=RESULT)
    words = parser.parse_args()
    found = {
        str(count): measure(
            words.model, words.data, AttackConfig(epsilon_levels=words.epsilon, iterations=count)
        )
        for count in words.iterations
    }
    report = {
        'model': words.model, 'data': words.data, 'epsilon_levels': words.epsilon,
        'machine': describe_machine(), 'by_iterations': found,
    }  # fmt: skip
    words.result.parent.mkdir(parents=True, exist_ok=True)
    words.result.write_text(json.dumps(report, indent=1) + '\n', encoding='utf-8')
    print(json.dumps(found, indent=1))


if __name__ == '__main__':
    main()
