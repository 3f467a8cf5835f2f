"""Learning features from frames without labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.optim.swa_utils import update_bn
from torch.utils.data import DataLoader

from perception_nodes.learning.compute import device_of
from perception_nodes.learning.data.batches import normalised, training_batches
from perception_nodes.learning.data.splits import spread_over
from perception_nodes.learning.data.views import (
    ViewBatch,
    ViewDataset,
    fixed_views,
    stack_views,
)
from perception_nodes.learning.models.pretraining import PretrainingNet
from perception_nodes.learning.recipes.pretraining import PretrainingRecipe
from perception_nodes.learning.view_losses import view_loss

LEAST_FRAMES = 16
"""With fewer held-out frames the figure that chooses the epoch is mostly luck."""
LEAST_SPREAD = 0.1
"""Below this deviation the embeddings of different frames are taken for all the same."""
LEAST_PART = 32
"""Frames of a batch that stay together: variances of fewer are mostly noise."""
_AT_ONCE = 64
_MEASURED = 256  # training frames from which batch norms take their statistics


class CollapseError(ValueError):
    """The network says the same of every frame; the text names the figure and the cure."""


class PretrainingTask:
    """
    A :class:`~perception_nodes.learning.task.Task` for frames without labels.

    :param recipe: everything that is set.
    :param training: frames to learn from, (H, W, 3) uint8 RGB each.
    :param held_out: frames that choose the best epoch.
    :raises ValueError: for fewer than 2 and 16 frames.
    """

    metric = 'view_match'

    def __init__(
        self,
        recipe: PretrainingRecipe,
        training: Sequence[np.ndarray],
        held_out: Sequence[np.ndarray],
    ) -> None:
        if len(training) < 2 or len(held_out) < LEAST_FRAMES:
            raise ValueError(
                f'{len(training)} frames to learn from and {len(held_out)} held out; at least 2 '
                f'and {LEAST_FRAMES} are needed: give more frames that differ'
            )
        self.recipe = recipe
        self.schedule = recipe.schedule
        self.seed = recipe.seed
        self.dataset = ViewDataset(training, recipe)
        chosen = spread_over(held_out, recipe.schedule.validation_images)
        self._views = fixed_views(ViewDataset(chosen, recipe), recipe.seed)
        some = spread_over(training, _MEASURED)
        self._measured = fixed_views(ViewDataset(some, recipe), recipe.seed).first

    def build_model(self) -> nn.Module:
        """Return the network of the recipe."""
        return PretrainingNet(self.recipe)

    def batches(self, epoch: int) -> DataLoader:
        """Return the epoch's batches."""
        return training_batches(
            self.dataset,
            self.schedule,
            workers=self.recipe.data.workers,
            seed=self.seed + 7919 * (epoch + 1),
            collate=stack_views,
        )

    def loss(self, model: nn.Module, batch: ViewBatch) -> dict[str, torch.Tensor]:
        """Return the loss terms of a batch."""
        views = torch.cat([batch.first, batch.second])
        _, embeddings = model(normalised(views, self.recipe))
        first, second = embeddings.chunk(2)
        return view_loss(first, second, self.recipe.loss)

    def parts(self, batch: ViewBatch, count: int) -> list[ViewBatch]:
        """Return the batch cut into parts of at least 32 frames, if it has so many."""
        parts = max(1, min(count, len(batch.first) // LEAST_PART))
        pairs = zip(batch.first.tensor_split(parts), batch.second.tensor_split(parts), strict=True)
        return [ViewBatch(first=first, second=second) for first, second in pairs]

    def validate(self, model: nn.Module) -> dict[str, float]:
        """
        Return what the held-out frames say.

        :param model: its batch norms get the statistics of the training frames; averaged weights
            have none of their own.
        """
        measure_norms(model, self._measured, self.recipe)
        first, first_embedded = described(model, self._views.first, self.recipe)
        second, second_embedded = described(model, self._views.second, self.recipe)
        loss = sum(view_loss(first_embedded, second_embedded, self.recipe.loss).values())
        return {
            'view_match': view_match(first, second),
            'spread': spread(torch.cat([first_embedded, second_embedded])),
            'effective_rank': effective_rank(torch.cat([first, second])),
            'held_out_loss': float(loss),
        }


def measure_norms(model: nn.Module, images: torch.Tensor, recipe: PretrainingRecipe) -> None:
    """
    Replace the statistics of all batch norms by those of pictures.

    What the averages of training lag behind would look like a spread that is not there.

    :param images: (N, 3, H, W) uint8 RGB, at least 2.
    """
    device = device_of(model)
    parts = images.tensor_split(-(-len(images) // _AT_ONCE))
    update_bn([normalised(part.to(device), recipe) for part in parts], model.eval())


@torch.inference_mode()
def described(
    model: nn.Module, images: torch.Tensor, recipe: PretrainingRecipe
) -> tuple[torch.Tensor, torch.Tensor]:
    """
    Return the mean features (N, C) and embeddings (N, D) of pictures, on the CPU.

    :param images: (N, 3, H, W) uint8 RGB.
    """
    model.eval()
    device = device_of(model)
    found = [model(normalised(part.to(device), recipe)) for part in images.split(_AT_ONCE)]
    features, embeddings = zip(*found, strict=True)
    return torch.cat(features).float().cpu(), torch.cat(embeddings).float().cpu()


def view_match(first: torch.Tensor, second: torch.Tensor) -> float:
    """
    Return of how many frames the nearest other view is their own, 0..1; both ways, averaged.

    Features that are all the same find one in N.

    :param first: (N, C) features of one view.
    :param second: of the other, in the same order.
    """
    mean = torch.cat([first, second]).mean(0)
    one, other = (functional.normalize(item - mean, dim=1) for item in (first, second))
    alike = one @ other.T
    own = torch.arange(len(first))
    return float(((alike.argmax(0) == own).float() + (alike.argmax(1) == own).float()).mean() / 2)


def spread(embeddings: torch.Tensor) -> float:
    """
    Return the deviation of embeddings, at most 1 in each dimension, mean over the dimensions.

    1 is what the loss asks for; 0 where all are the same. Lengths are not set to 1 before, as
    for networks that end in a batch norm (Chen and He, CVPR 2021): the mean of these embeddings
    is free, and a large one would look like a collapse.

    :param embeddings: (N, D).
    """
    return float(embeddings.std(0).clamp(max=1.0).mean())


def effective_rank(features: torch.Tensor) -> float:
    """
    Return how many directions the features use: e to the entropy of their singular values.

    RankMe (Garrido et al., ICML 2023), which foretells the accuracy of a linear probe.

    :param features: (N, C).
    """
    values = torch.linalg.svdvals((features - features.mean(0)).double())
    share = values / values.sum().clamp(min=1e-12)
    return float((-(share * (share + 1e-12).log()).sum()).exp())


def refuse_collapse(figures: dict[str, float]) -> None:
    """
    Refuse a network that says the same of every frame.

    :param figures: of :meth:`PretrainingTask.validate`.
    :raises CollapseError: when the embeddings hardly differ.
    """
    if not figures['spread'] >= LEAST_SPREAD:
        raise CollapseError(
            f'collapsed: the embeddings of different frames deviate by {figures["spread"]:.3f}, '
            f'asked for is 1 and needed at least {LEAST_SPREAD}; no trunk is '
            'written. Raise loss.variance, lower schedule.learning_rate, or give more frames '
            'that differ'
        )
