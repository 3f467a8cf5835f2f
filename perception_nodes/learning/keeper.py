"""A trained segmenter that watches over the labels of pictures that are being changed."""

from __future__ import annotations

import torch

from perception_nodes.inference.registry import resolve_model
from perception_nodes.learning.adversarial.config import LEVELS
from perception_nodes.learning.adversarial.differentiable import (
    NotDifferentiableError,
    crop_network,
)
from perception_nodes.learning.compute import device_of
from perception_nodes.learning.distillation import distillation_loss
from perception_nodes.learning.models.segmenter import enlarged


class LabelKeeper:
    """
    What a segmenter says before and after a change, in torch, with gradient.

    :param bundle: folder, URI or name.
    :param width_px: of the pictures whose crops it will see; they are enlarged as the bundle
        would enlarge the whole picture.
    :raises ValueError: for a bundle that does not run in torch.
    """

    def __init__(self, bundle: str, width_px: int) -> None:
        found = resolve_model(bundle)
        try:
            self._network = crop_network(found)
        except NotDifferentiableError as error:
            raise ValueError(f'keeper, bundle: must run in torch, as for attacks: {error}') from (
                error
            )
        spec = found.spec
        self.description = f'{found.name}, sha256 {spec.weights.sha256}'
        self._zoom = spec.input.size_wh[0] / width_px if spec.input.size_wh else 1.0

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        """
        Return (B, C, H, W) of the enlarged pictures.

        :param images: (B, 3, h, w) RGB of 0..255.
        """
        if device_of(self._network) != images.device:
            self._network.to(images.device)
        planes = images.float()
        if self._zoom != 1:
            height, width = (round(self._zoom * side) for side in planes.shape[-2:])
            planes = enlarged(planes, (height, width))
        return self._network(planes / LEVELS)

    def divergence(self, before: torch.Tensor, after: torch.Tensor) -> torch.Tensor:
        """Return the mean KL divergence of what is said after from what was said before."""
        with torch.no_grad():
            told = self.logits(before)
        return distillation_loss(self.logits(after), told, 1.0)

    @torch.no_grad()
    def agreement(self, before: torch.Tensor, after: torch.Tensor) -> float:
        """Return the share of the pixels whose class is the same, 0..1."""
        same = self.logits(before).argmax(1) == self.logits(after).argmax(1)
        return float(same.float().mean())
