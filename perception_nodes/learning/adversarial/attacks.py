"""
Changes of a picture, each pixel by at most ε, that make a segmenter err.

All of them climb the cross-entropy of the pixels by the sign of its gradient: one step (FGSM,
Goodfellow et al., ICLR 2015), many from a random start with projection (PGD, Madry et al., ICLR
2018), and many that look first at pixels that are still right (SegPGD, Gu et al., ECCV 2022).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.nn import functional

from perception_nodes.learning.adversarial.config import LEVELS, AttackConfig
from perception_nodes.structures import UNLABELLED

Logits = Callable[[torch.Tensor], torch.Tensor]
"""(B, 3, H, W) float32 RGB of 0..1 to (B, C, H, W): resizing and normalisation are inside."""

Weigh = Callable[[torch.Tensor, torch.Tensor, float], torch.Tensor]
"""Logits, masks and the part of the steps that is done, to (B, H, W) weights of the pixels."""

Attack = Callable[
    [Logits, torch.Tensor, torch.Tensor, AttackConfig, 'torch.Generator | None'], torch.Tensor
]
"""Network, pictures, masks, strength and random numbers, to changed pictures."""


def noise(
    logits_of: Logits,
    pictures: torch.Tensor,
    masks: torch.Tensor,
    config: AttackConfig,
    generator: torch.Generator | None = None,
) -> torch.Tensor:
    """Return the pictures with every value moved by ε up or down at random: the control."""
    signs = torch.randint(0, 2, pictures.shape, generator=generator, device=pictures.device)
    return (pictures + config.epsilon * (2.0 * signs - 1.0)).clamp(0.0, 1.0)


def fgsm(
    logits_of: Logits,
    pictures: torch.Tensor,
    masks: torch.Tensor,
    config: AttackConfig,
    generator: torch.Generator | None = None,
) -> torch.Tensor:
    """Return the pictures after one step of ε; see :func:`pgd` for the arguments."""
    upwards = gradient(logits_of, pictures, masks, _evenly, 0.0).sign()
    return (pictures + config.epsilon * upwards).clamp(0.0, 1.0)


def pgd(
    logits_of: Logits,
    pictures: torch.Tensor,
    masks: torch.Tensor,
    config: AttackConfig,
    generator: torch.Generator | None = None,
) -> torch.Tensor:
    """
    Return the pictures after many projected steps, the most harmful of the random starts.

    :param logits_of: the network; its weights get no gradient.
    :param pictures: (B, 3, H, W) float32 in 0..1.
    :param masks: (B, H, W) uint8 class numbers, 255 counts neither way.
    :param config: strength.
    :param generator: of the random starts, on the device of the pictures; None: torch's own.
    :return: pictures in 0..1, at most ε from those given.
    """
    return _most_harmful(logits_of, pictures, masks, config, generator, _evenly)


def segpgd(
    logits_of: Logits,
    pictures: torch.Tensor,
    masks: torch.Tensor,
    config: AttackConfig,
    generator: torch.Generator | None = None,
) -> torch.Tensor:
    """Return the pictures after steps that leave wrong pixels for later; see :func:`pgd`."""
    return _most_harmful(logits_of, pictures, masks, config, generator, _right_ones_first)


ATTACKS: dict[str, Attack] = {'noise': noise, 'fgsm': fgsm, 'pgd': pgd, 'segpgd': segpgd}


def gradient(
    logits_of: Logits, pictures: torch.Tensor, masks: torch.Tensor, weigh: Weigh, done: float
) -> torch.Tensor:
    """
    Return the gradient of each picture's own mean cross-entropy, 0 where nothing is labelled.

    :param weigh: weights of the pixels.
    :param done: part of the steps that is over, 0..1.
    """
    with torch.enable_grad():
        inputs = pictures.detach().requires_grad_(True)
        logits = logits_of(inputs)
        weights = weigh(logits.detach(), masks, done)
        loss = (weights * pixel_entropy(logits, masks)).sum((1, 2)) / labelled_pixels(masks)
        return torch.autograd.grad(loss.sum(), inputs)[0]


def pixel_entropy(logits: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    """Return (B, H, W) cross-entropy, 0 where nothing is labelled."""
    return functional.cross_entropy(
        logits, masks.long(), ignore_index=UNLABELLED, reduction='none'
    )


def labelled_pixels(masks: torch.Tensor) -> torch.Tensor:
    """Return (B,) float32 how many pixels of each picture count, at least 1."""
    return (masks != UNLABELLED).sum((1, 2)).clamp(min=1).float()


def wrong_part(logits: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    """Return (B,) the part of each picture's labelled pixels that is wrong, 0..1."""
    wrong = (logits.argmax(1) != masks) & (masks != UNLABELLED)
    return wrong.sum((1, 2)) / labelled_pixels(masks)


def in_levels(changed: torch.Tensor, levels: torch.Tensor, config: AttackConfig) -> torch.Tensor:
    """
    Return attacked pictures as a camera would deliver them.

    :param changed: (B, 3, H, W) float32 in 0..1.
    :param levels: (B, 3, H, W) uint8, the pictures before.
    :return: uint8, at most ε away, also where ε is no whole number of levels.
    """
    reach = int(config.epsilon_levels)
    moved = (changed * LEVELS).round() - levels
    return (levels + moved.clamp(-reach, reach)).clamp(0, LEVELS).to(torch.uint8)


def _evenly(logits: torch.Tensor, masks: torch.Tensor, done: float) -> torch.Tensor:
    return torch.ones_like(logits[:, 0])


def _right_ones_first(logits: torch.Tensor, masks: torch.Tensor, done: float) -> torch.Tensor:
    """Return 1 − λ for right pixels and λ for wrong ones, λ = done / 2 (Gu et al. 2022)."""
    return torch.where(logits.argmax(1) == masks, 1.0 - done / 2, done / 2)


def _most_harmful(
    logits_of: Logits,
    pictures: torch.Tensor,
    masks: torch.Tensor,
    config: AttackConfig,
    generator: torch.Generator | None,
    weigh: Weigh,
) -> torch.Tensor:
    """Return for each picture the start that ends with most wrong pixels."""
    lowest = (pictures - config.epsilon).clamp(0.0, 1.0)
    highest = (pictures + config.epsilon).clamp(0.0, 1.0)

    def climbed() -> torch.Tensor:
        """Return the pictures after all steps from one random start."""
        start = torch.rand(pictures.shape, generator=generator, device=pictures.device)
        changed = (pictures + config.epsilon * (2 * start - 1)).clamp(lowest, highest)
        for step in range(config.iterations):
            upwards = gradient(logits_of, changed, masks, weigh, step / config.iterations).sign()
            changed = (changed + config.step * upwards).clamp(lowest, highest)
        return changed

    best = climbed()
    if config.restarts == 1:
        return best
    harm = _harm(logits_of, best, masks)
    for _ in range(config.restarts - 1):
        other = climbed()
        its_harm = _harm(logits_of, other, masks)
        best = torch.where((its_harm > harm).view(-1, 1, 1, 1), other, best)
        harm = torch.maximum(harm, its_harm)
    return best


@torch.no_grad()
def _harm(logits_of: Logits, pictures: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    return wrong_part(logits_of(pictures), masks)
