"""Pictures of two worlds without pairs: what is to be changed, and what it is to look like."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
import torch
from torch.utils.data import Dataset

from perception_nodes.evaluation.ground_truth import read_picture
from perception_nodes.learning.data.pictures import Sample
from perception_nodes.learning.data.splits import split_by_time, spread_over
from perception_nodes.learning.recipes.translation import TranslationRecipe
from perception_nodes.structures import ColorOrder, Frame

T = TypeVar('T')


def fitted(frame: Frame, size_wh: tuple[int, int]) -> np.ndarray:
    """
    Return the middle of a picture that has the shape of a size, in that size.

    :returns: (H, W, 3) uint8 RGB.
    """
    pixels = frame.in_order(ColorOrder.RGB)
    (width, height), (wide, high) = frame.size_wh, size_wh
    ratio = min(width / wide, height / high)
    inner_wh = max(round(wide * ratio), 1), max(round(high * ratio), 1)
    left, top = (width - inner_wh[0]) // 2, (height - inner_wh[1]) // 2
    inner = pixels[top : top + inner_wh[1], left : left + inner_wh[0]]
    if inner_wh == size_wh:
        return np.ascontiguousarray(inner)
    how = cv2.INTER_AREA if ratio > 1 else cv2.INTER_LINEAR
    return cv2.resize(inner, size_wh, interpolation=how)


def fitted_file(path: Path, size_wh: tuple[int, int]) -> np.ndarray:
    """Return a picture file; see :func:`fitted`."""
    return fitted(read_picture(path), size_wh)


def frames_kept(frames: Iterable[Frame], size_wh: tuple[int, int], most: int) -> list[np.ndarray]:
    """
    Return up to ``most`` frames at equal distances, of however many there are.

    :returns: (H, W, 3) uint8 RGB each, of ``size_wh``.
    """
    kept: list[np.ndarray] = []
    step = 1
    for index, frame in enumerate(frames):
        if index % step == 0:
            kept.append(fitted(frame, size_wh))
        if len(kept) >= 2 * most:
            kept, step = kept[::2], 2 * step
    return spread_over(kept, most)


def cut_middle(items: Sequence[T], *, part: float, gap: int, what: str) -> tuple[list[T], list[T]]:
    """
    Return what to learn from and what to measure with: a block from the middle.

    :param part: of the block, 0..1; see ``split_by_time``, also for the gap.
    :param what: of the items, for errors.
    :raises ValueError: when there are too few.
    """
    split = split_by_time([f'{index:09d}' for index in range(len(items))], part=part, gap=gap)
    if len(split.cut) < 2 or not split.kept:
        raise ValueError(
            f'cut {part}: {len(items)} {what} are too few to learn from and to measure with; '
            'give 20 or more, or a larger part'
        )
    return [items[index] for index in split.kept], [items[index] for index in split.cut]


class PicturePairs(Dataset):
    """
    Samples for training: a synthetic crop ``image`` and any real crop ``real``, (3, h, w) uint8.

    :param synthetic: picture files, at least one.
    :param real: (H, W, 3) uint8 RGB each, of the recipe's size, at least one.
    """

    def __init__(
        self, synthetic: Sequence[Path], real: Sequence[np.ndarray], recipe: TranslationRecipe
    ) -> None:
        self.synthetic, self.real, self.recipe = list(synthetic), list(real), recipe
        self._cache = None
        if recipe.data.cached:
            self._cache = [fitted_file(path, recipe.input_wh) for path in self.synthetic]

    def __len__(self) -> int:
        """Return the number of synthetic pictures."""
        return len(self.synthetic)

    def __getitem__(self, index: int) -> Sample:
        """Return a crop of the picture and one of a random real frame."""
        if self._cache is not None:
            image = self._cache[index]
        else:
            image = fitted_file(self.synthetic[index], self.recipe.input_wh)
        real = self.real[int(torch.randint(len(self.real), ()))]
        return {'image': self._cropped(image), 'real': self._cropped(real)}

    def _cropped(self, pixels: np.ndarray) -> torch.Tensor:
        """Return a random window, perhaps mirrored."""
        width, height = self.recipe.data.crop_wh
        top = int(torch.randint(pixels.shape[0] - height + 1, ()))
        left = int(torch.randint(pixels.shape[1] - width + 1, ()))
        crop = torch.from_numpy(pixels[top : top + height, left : left + width])
        is_mirrored = self.recipe.data.flip and float(torch.rand(())) < 0.5
        planes = crop.permute(2, 0, 1)
        return (planes.flip(2) if is_mirrored else planes).contiguous()


@dataclass(frozen=True, eq=False, kw_only=True)
class PicturePairBatch:
    """
    Crops of equal size of both worlds; those of one place have nothing to do with each other.

    :param images: (B, 3, h, w) uint8 RGB, synthetic or translated.
    :param real: (B, 3, h, w) uint8 RGB.
    """

    images: torch.Tensor
    real: torch.Tensor


def stack_pairs(samples: Sequence[Sample]) -> PicturePairBatch:
    """Return the batch of the samples."""
    return PicturePairBatch(
        images=torch.stack([sample['image'] for sample in samples]),
        real=torch.stack([sample['real'] for sample in samples]),
    )
