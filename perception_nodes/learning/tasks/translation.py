"""Learning to make synthetic pictures look like real ones, their labels unharmed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader

from perception_nodes.evaluation.frechet import frechet_distance
from perception_nodes.learning.adversarial.config import LEVELS
from perception_nodes.learning.compute import device_of
from perception_nodes.learning.data.batches import normalised, training_batches
from perception_nodes.learning.data.splits import spread_over
from perception_nodes.learning.data.translation import (
    PicturePairBatch,
    PicturePairs,
    fitted_file,
    stack_pairs,
)
from perception_nodes.learning.keeper import LabelKeeper
from perception_nodes.learning.models.refiner import Critic, Refiner
from perception_nodes.learning.picture_features import (
    DECIDING_STRIDE,
    ContentDifference,
    PooledFeatures,
    edge_agreement,
)
from perception_nodes.learning.recipes.translation import TranslationRecipe


class TranslationTask:
    """
    A :class:`~perception_nodes.learning.task.Task` with a rival: refiner against critic.

    LSGAN losses (Mao et al. 2017), and terms that hold the refiner back.

    :param recipe: everything that is set.
    :param synthetic: picture files to learn from, and to measure with.
    :param real: frames to learn from, and to measure with; (H, W, 3) uint8 RGB each, of the
        recipe's size.
    """

    metric = 'score'

    def __init__(
        self,
        recipe: TranslationRecipe,
        synthetic: tuple[Sequence[Path], Sequence[Path]],
        real: tuple[Sequence[np.ndarray], Sequence[np.ndarray]],
    ) -> None:
        self.recipe = recipe
        self.schedule = recipe.schedule
        self.seed = recipe.seed
        self.rival: nn.Module | None = None
        self.rival_schedule = replace(
            recipe.schedule,
            learning_rate=min(recipe.schedule.learning_rate * recipe.critic.rate_factor, 1.0),
        )
        self.dataset = PicturePairs(synthetic[0], real[0], recipe)
        self.keeper = None
        if recipe.keeper.is_on:
            self.keeper = LabelKeeper(recipe.keeper.bundle, recipe.input_wh[0])
        most = recipe.schedule.validation_images
        self._before = [
            fitted_file(path, recipe.input_wh) for path in spread_over(synthetic[1], most)
        ]
        self._content, self._pooled = ContentDifference(), PooledFeatures()
        self._real = self._pooled.clouds(spread_over(real[1], most))
        self._apart = self._distance(self._before)

    def build_model(self) -> nn.Module:
        """Return the refiner, which changes nothing yet."""
        return Refiner(self.recipe.refiner)

    def build_rival(self) -> nn.Module:
        """Return the critic."""
        return Critic(self.recipe)

    def batches(self, epoch: int) -> DataLoader:
        """Return the epoch's batches."""
        return training_batches(
            self.dataset,
            self.schedule,
            workers=self.recipe.data.workers,
            seed=self.seed + 7919 * (epoch + 1),
            collate=stack_pairs,
        )

    def parts(self, batch: PicturePairBatch, count: int) -> list[PicturePairBatch]:
        """Return the batch cut into parts."""
        size = -(-len(batch.images) // count)
        return [
            PicturePairBatch(images=images, real=real)
            for images, real in zip(batch.images.split(size), batch.real.split(size), strict=True)
        ]

    def loss(self, model: nn.Module, batch: PicturePairBatch) -> dict[str, torch.Tensor]:
        """Return how unreal the translated crops look, and how far they have left themselves."""
        if self.rival is None:
            raise RuntimeError('a translation is learnt against a critic; use the Trainer')
        weights, before = self.recipe.loss, batch.images
        change = model(normalised(before, self.recipe))
        after = changed(before, change)
        realness = self.rival(normalised(after, self.recipe))
        terms = {
            'adversarial': weights.adversarial * (realness - 1).square().mean(),
            'content': weights.content * self._content.to(before.device)(before, after),
            'pixels': weights.pixels * change.abs().mean(),
        }
        if self.keeper is not None and weights.labels:
            terms['labels'] = weights.labels * self.keeper.divergence(before, after)
        return terms

    def rival_batch(
        self, model: nn.Module, rival: nn.Module, batch: PicturePairBatch
    ) -> PicturePairBatch:
        """Return translated crops, some of earlier steps, beside real ones."""
        change = model(normalised(batch.images, self.recipe))
        # Rounded as files are: else the critic would know them by their fractions.
        fresh = changed(batch.images, change).round().to(torch.uint8)
        shown = rival.history.exchanged(fresh) if isinstance(rival, Critic) else fresh
        return replace(batch, images=shown)

    def rival_loss(self, rival: nn.Module, batch: PicturePairBatch) -> dict[str, torch.Tensor]:
        """Return how badly the critic tells real crops (1) from translated ones (0)."""
        on_real = rival(normalised(batch.real, self.recipe))
        on_translated = rival(normalised(batch.images, self.recipe))
        return {
            'critic_real': 0.5 * (on_real - 1).square().mean(),
            'critic_translated': 0.5 * on_translated.square().mean(),
        }

    def validate(self, model: nn.Module) -> dict[str, float]:
        """
        Return how like real frames the pictures have become, and what they have kept.

        ``likeness`` is 0.5 where nothing was gained and 1 where no difference is left; ``score``,
        which chooses the epoch, is its product with what was kept: of a segmenter's answers
        where the recipe names one, else of the edges.
        """
        self._pooled.to(device_of(model))
        after = refined(model, self._before, self.recipe)
        distance = self._distance(after)
        edges = edge_agreement(self._before, after)
        figures = {
            'likeness': self._apart / max(self._apart + distance, 1e-9),
            'frechet': distance,
            'frechet_before': self._apart,
            'edges': edges,
        }
        kept = edges
        if self.keeper is not None:
            figures['kept'] = kept = self._kept(after, device_of(model))
        return {'score': figures['likeness'] * max(kept, 0.0), **figures}

    def _distance(self, pictures: Sequence[np.ndarray]) -> float:
        """Return the Fréchet distance of pictures from the real frames."""
        found = self._pooled.clouds(pictures)[DECIDING_STRIDE]
        return frechet_distance(found, self._real[DECIDING_STRIDE])

    def _kept(self, after: Sequence[np.ndarray], device: torch.device) -> float:
        """Return the share of the pixels that the segmenter calls as before."""
        if self.keeper is None:
            return 1.0
        shares = [
            self.keeper.agreement(planes([first], device), planes([second], device))
            for first, second in zip(self._before, after, strict=True)
        ]
        return float(np.mean(shares))


def changed(images: torch.Tensor, change: torch.Tensor) -> torch.Tensor:
    """
    Return the changed pictures, float32 of 0..255.

    :param images: (B, 3, H, W) RGB of 0..255.
    :param change: of the same shape, in parts of the full range.
    """
    return (images.float() + LEVELS * change).clamp(0.0, LEVELS)


def planes(pictures: Sequence[np.ndarray], device: torch.device) -> torch.Tensor:
    """Return (B, 3, H, W) uint8 of pictures (H, W, 3) uint8 of one size."""
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).to(device)


@torch.inference_mode()
def refined(
    model: nn.Module, pictures: Sequence[np.ndarray], recipe: TranslationRecipe
) -> list[np.ndarray]:
    """
    Return translated pictures.

    :param pictures: (H, W, 3) uint8 RGB each, sides even.
    """
    model.eval()
    found = []
    for pixels in pictures:
        images = planes([pixels], device_of(model))
        after = changed(images, model(normalised(images, recipe))).round().to(torch.uint8)
        found.append(np.ascontiguousarray(after[0].permute(1, 2, 0).cpu().numpy()))
    return found
