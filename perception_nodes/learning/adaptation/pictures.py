"""Unlabelled pictures as batches of network input."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from perception_nodes.inference.bundle_sections import InputSpec
from perception_nodes.inference.preprocess import Preprocessor
from perception_nodes.learning.data.splits import spread_over
from perception_nodes.structures import ColorOrder, Frame

_CPU = torch.device('cpu')


@dataclass(frozen=True, eq=False, kw_only=True)
class PictureBatches:
    """
    Pictures in an order of chance, prepared batch by batch; can be gone through repeatedly.

    :param frames: at least one.
    :param wanted: what the network's input is.
    :param size: pictures of a batch; the last one may have fewer.
    :param seed: of the order, which is the same every time.
    """

    frames: Sequence[Frame]
    wanted: InputSpec
    size: int
    seed: int = 0
    device: torch.device = _CPU

    def __post_init__(self) -> None:
        """Refuse an empty set."""
        if not self.frames:
            raise ValueError('there is not one picture to adapt to')

    def __len__(self) -> int:
        """Return the number of batches."""
        return -(-len(self.frames) // self.size)

    def __iter__(self) -> Iterator[torch.Tensor]:
        """Yield (B, 3, H, W) float32, normalised, channels last in memory."""
        order = np.random.default_rng(self.seed).permutation(len(self.frames))
        prepare = Preprocessor.of(self.wanted)
        for start in range(0, len(order), self.size):
            rows = [
                torch.from_numpy(prepare(self.frames[number])[0].copy())
                for number in order[start : start + self.size]
            ]
            if len({row.shape for row in rows}) > 1:
                raise ValueError(
                    'pictures of several sizes for a network without a size of its own; take '
                    'pictures of one camera'
                )
            batch = torch.cat(rows).contiguous(memory_format=torch.channels_last)
            yield batch.to(self.device)

    def some(self, count: int) -> PictureBatches:
        """Return at most so many of the pictures, at equal distances."""
        return replace(self, frames=spread_over(self.frames, count))

    def epochs(self, size: int) -> Iterator[torch.Tensor]:
        """Yield batches of a size without end, each epoch in another order."""
        epoch = 0
        while True:
            epoch += 1
            yield from replace(self, size=min(size, len(self.frames)), seed=self.seed + epoch)


def digest_of(frames: Sequence[Frame]) -> str:
    """Return the SHA-256 of the pixels, by which a set can be known again."""
    digest = hashlib.sha256()
    for frame in frames:
        digest.update(np.ascontiguousarray(frame.in_order(ColorOrder.RGB)).tobytes())
    return digest.hexdigest()
