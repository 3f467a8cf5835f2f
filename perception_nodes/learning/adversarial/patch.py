"""
One square texture that misleads a segmenter wherever it lies in whichever picture.

Brown et al., "Adversarial Patch" (2017): the patch is learnt under random places, sizes and
turns. For segmentation only pixels beside the patch count, as in Nesti et al., "Evaluating the
robustness of semantic segmentation for autonomous driving against real-world adversarial patch
attacks" (WACV 2022).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional

from perception_nodes.learning.adversarial.attacks import Logits, labelled_pixels, pixel_entropy
from perception_nodes.learning.adversarial.config import LEVELS, PatchConfig
from perception_nodes.structures import UNLABELLED

Read = Callable[[int], tuple[torch.Tensor, torch.Tensor]]
"""Number of a picture to (1, 3, H, W) float32 of 0..1 and its mask (1, H, W) uint8."""


@dataclass(frozen=True, kw_only=True)
class Placement:
    """
    Where a patch lies.

    :param centre_xy: its middle, parts of width and height of the picture.
    :param side: parts of the shorter side of the picture.
    :param turn_rad: clockwise in the picture.
    """

    centre_xy: tuple[float, float]
    side: float
    turn_rad: float


def drawn_placement(config: PatchConfig, generator: torch.Generator) -> Placement:
    """Return a random place; a part of the patch may lie beyond the edge, its middle never."""
    zoom, turn, x, y = (2 * torch.rand(4, generator=generator) - 1).tolist()
    side = config.side * config.zoom**zoom
    inner = 1 - side / 2
    return Placement(
        centre_xy=(0.5 + 0.5 * inner * x, 0.5 + 0.5 * inner * y), side=side,
        turn_rad=math.radians(config.turn_deg) * turn,
    )  # fmt: skip


def pasted(
    pictures: torch.Tensor, patch: torch.Tensor, placement: Placement
) -> tuple[torch.Tensor, torch.Tensor]:
    """
    Lay a patch over pictures.

    :param pictures: (B, 3, H, W) float32 in 0..1.
    :param patch: (3, T, T) float32 in 0..1; gradients run back to it.
    :return: the pictures, and (H, W) bool where the patch is.
    """
    count, _, height, width = pictures.shape
    side_px = placement.side * min(height, width)
    cos, sin = math.cos(placement.turn_rad), math.sin(placement.turn_rad)
    centre_x, centre_y = (2 * part - 1 for part in placement.centre_xy)
    # From the picture's −1..1 to the patch's: shift, turn, then units of half its side.
    along_x = [cos * width / side_px, sin * height / side_px]
    along_y = [-sin * width / side_px, cos * height / side_px]
    theta = torch.tensor(
        [[*row, -(row[0] * centre_x + row[1] * centre_y)] for row in (along_x, along_y)],
        device=pictures.device,
    )
    grid = functional.affine_grid(theta[None], [1, 3, height, width], align_corners=False)
    laid = functional.grid_sample(
        patch[None], grid, mode='bilinear', padding_mode='border', align_corners=False
    )
    covered = (grid[0].abs() <= 1).all(-1)
    return torch.where(covered, laid.expand(count, -1, -1, -1), pictures), covered


def noise_patch(config: PatchConfig, generator: torch.Generator) -> torch.Tensor:
    """Return (3, T, T) random texels: the control, and where learning starts."""
    return torch.rand(3, config.texels, config.texels, generator=generator)


def learn_patch(
    logits_of: Logits,
    read: Read,
    numbers: Sequence[int],
    config: PatchConfig,
    generator: torch.Generator,
    *,
    device: torch.device | str = 'cpu',
    advance: Callable[[], object] = lambda: None,
) -> torch.Tensor:
    """
    Return a patch that raises the cross-entropy of what lies beside it.

    :param logits_of: the network; its weights get no gradient.
    :param read: a picture and its mask, on the device.
    :param numbers: of the pictures to learn from, at least one.
    :param generator: of the start and of the places, on the CPU.
    :param advance: called after each step.
    :return: (3, T, T) float32 in whole grey levels, as it can be printed.
    """
    patch = noise_patch(config, generator).to(device).requires_grad_(True)
    optimiser = torch.optim.Adam([patch], lr=config.rate_levels / LEVELS)
    for step in range(config.steps):
        pictures, masks = read(numbers[step % len(numbers)])
        changed, covered = pasted(pictures, patch, drawn_placement(config, generator))
        masks = without(masks, covered)
        harm = pixel_entropy(logits_of(changed), masks).sum() / labelled_pixels(masks).sum()
        (patch.grad,) = torch.autograd.grad(-harm, patch)
        optimiser.step()
        with torch.no_grad():
            patch.clamp_(0.0, 1.0)
        advance()
    return (patch.detach() * LEVELS).round() / LEVELS


def without(masks: torch.Tensor, covered: torch.Tensor) -> torch.Tensor:
    """Return (B, H, W) labels that do not count under the patch."""
    return masks.masked_fill(covered, UNLABELLED)
