"""A student learns what a teacher says of every pixel (Hinton, Vinyals and Dean 2015)."""

from __future__ import annotations

import torch
from torch.nn import functional

from perception_nodes.inference.registry import resolve_model
from perception_nodes.learning.adversarial.config import LEVELS
from perception_nodes.learning.adversarial.differentiable import (
    NotDifferentiableError,
    crop_network,
)
from perception_nodes.learning.compute import device_of
from perception_nodes.learning.recipes.segmentation import SegmentationRecipe


class Teacher:
    """
    A trained segmenter that tells logits of training crops, in torch beside the student.

    Crops are not resized to what the bundle prescribes: teacher and student see the same pixels.

    :param recipe: names the bundle, and the classes in the student's order.
    :raises ValueError: for a bundle that does not run in torch, or lacks a class.
    """

    def __init__(self, recipe: SegmentationRecipe) -> None:
        bundle = resolve_model(recipe.teacher.bundle)
        known = bundle.spec.result_classes
        missing = [name for name in recipe.classes if name not in known]
        if missing or len(known) != len(recipe.classes):
            raise ValueError(
                f'teacher, bundle: {bundle.path} knows {", ".join(known)}, the recipe '
                f'{", ".join(recipe.classes)}; take a teacher of the same classes'
            )
        try:
            self._network = crop_network(bundle)
        except NotDifferentiableError as error:
            raise ValueError(f'teacher, bundle: must run in torch, as for attacks: {error}') from (
                error
            )
        self._order = [known.index(name) for name in recipe.classes]

    @torch.no_grad()
    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """
        Return the logits (B, C, H, W) float32, in the order of the student's classes.

        :param images: (B, 3, H, W) RGB of 0..255.
        """
        device = images.device
        if device_of(self._network) != device:
            self._network.to(device)
        mixed = device.type == 'cuda' and torch.cuda.is_bf16_supported()
        with torch.autocast(device.type, torch.bfloat16, enabled=mixed):
            logits = self._network(images.float() / LEVELS)
        return logits.float()[:, self._order]


def teacher_of(recipe: SegmentationRecipe) -> Teacher | None:
    """Return the teacher that the recipe names, if any."""
    return Teacher(recipe) if recipe.teacher.is_on else None


def distillation_loss(
    student: torch.Tensor, teacher: torch.Tensor, temperature: float
) -> torch.Tensor:
    """
    Return the mean KL divergence of the softened classes, times the squared temperature.

    The square keeps gradients as large as without softening. All pixels count, labelled or not.

    :param student: logits (B, C, H, W).
    :param teacher: likewise, without gradient.
    """
    told = functional.log_softmax(teacher / temperature, 1)
    said = functional.log_softmax(student / temperature, 1)
    divergence = functional.kl_div(said, told, reduction='none', log_target=True).sum(1)
    return temperature**2 * divergence.mean()
