"""Samples stacked into batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset, RandomSampler, WeightedRandomSampler

from perception_nodes.inference.bundle_sections import InputSpec
from perception_nodes.inference.preprocess import Preprocessor
from perception_nodes.learning.data.pictures import Sample
from perception_nodes.learning.ranks import Ranks
from perception_nodes.learning.recipe import Recipe, ScheduleRecipe
from perception_nodes.structures import ColorOrder


@dataclass(frozen=True, eq=False, kw_only=True)
class BoxTargets:
    """
    Objects of one training picture, in network pixels.

    :param xyxy: (M, 4) float32.
    :param class_ids: (M,) int64.
    :param ignored: (M,) bool, regions that are neither object nor background.
    """

    xyxy: torch.Tensor
    class_ids: torch.Tensor
    ignored: torch.Tensor


@dataclass(frozen=True, eq=False, kw_only=True)
class BoxBatch:
    """
    Pictures of equal size with their objects.

    :param images: (B, 3, H, W) uint8 RGB.
    :param targets: one for each picture.
    """

    images: torch.Tensor
    targets: list[BoxTargets]


def stack(samples: Sequence[Sample]) -> BoxBatch:
    """Return the batch of the samples."""
    return BoxBatch(
        images=torch.stack([sample['image'].as_subclass(torch.Tensor) for sample in samples]),
        targets=[
            BoxTargets(
                xyxy=sample['boxes'].as_subclass(torch.Tensor).float(),
                class_ids=sample['class_ids'],
                ignored=sample['ignored'],
            )
            for sample in samples
        ],
    )


def _one_thread(_worker: int) -> None:
    """Keep OpenCV from starting threads of its own beside the training."""
    import cv2

    cv2.setNumThreads(0)


def training_batches(
    dataset: Dataset,
    schedule: ScheduleRecipe,
    *,
    workers: int,
    seed: int,
    collate: Callable[[Sequence[Sample]], Any] = stack,
    likely: torch.Tensor | None = None,
    ranks: Ranks | None = None,
) -> DataLoader:
    """
    Return the shuffled batches of an epoch; the same seed gives the same batches.

    Of several processes each gets its own share of every batch, and varies it in its own way.

    :param dataset: of samples, with a length.
    :param schedule: size of the batches and of the epoch.
    :param seed: differs from epoch to epoch.
    :param collate: makes a batch of samples.
    :param likely: (N,) how likely each sample is drawn, each time anew; None: each of them once
        before any comes again.
    :param ranks: this process among those that share; None: among those of the training.
    """
    ranks = ranks or Ranks.now()
    size = len(dataset)  # type: ignore[arg-type]
    count = schedule.epoch_pictures or size
    generator = torch.Generator().manual_seed(seed)
    whole: RandomSampler | WeightedRandomSampler
    if likely is None:
        whole = RandomSampler(dataset, num_samples=count, generator=generator)  # type: ignore[arg-type]
    else:
        whole = WeightedRandomSampler(likely.tolist(), count, generator=generator)
    sampler = whole if ranks.count == 1 else ranks.share(list(whole))
    if not ranks.leads:
        generator = torch.Generator().manual_seed(ranks.own_seed(seed))
    return DataLoader(
        dataset,
        batch_size=ranks.share_of(min(schedule.batch, count)),
        sampler=sampler,
        drop_last=True,
        num_workers=workers,
        collate_fn=collate,
        worker_init_fn=_one_thread,
        generator=generator,
    )


def normalised(images: torch.Tensor, recipe: Recipe) -> torch.Tensor:
    """
    Return what the network wants, float32 with channels last in memory.

    :param images: (B, 3, H, W) uint8 RGB.
    """
    mean = 255.0 * images.new_tensor(recipe.normalise_mean, dtype=torch.float32).view(1, 3, 1, 1)
    std = 255.0 * images.new_tensor(recipe.normalise_std, dtype=torch.float32).view(1, 3, 1, 1)
    return ((images.float() - mean) / std).contiguous(memory_format=torch.channels_last)


def input_of(recipe: Recipe) -> InputSpec:
    """Return what the bundle says about its input."""
    return InputSpec(
        size_wh=recipe.input_wh, color_order=ColorOrder.RGB, resize='letterbox', scale=1 / 255,
        mean=recipe.normalise_mean, std=recipe.normalise_std,
    )  # fmt: skip


def preprocessor_of(recipe: Recipe) -> Preprocessor:
    """Return the very pre-processing that the bundle prescribes."""
    return Preprocessor.of(input_of(recipe))
