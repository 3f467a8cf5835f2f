"""Prior boxes of SSD networks, as centre and size in parts of the input picture."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence

import numpy as np

from perception_nodes.inference.decoders.contract import DecoderError

Sizes = tuple[tuple[tuple[float, float], ...], ...]


def sizes_in_pixels(anchor_sizes: Sequence[Sequence[float | Sequence[float]]]) -> Sizes:
    """
    Return the sizes with every single number n written as (n, n).

    :param anchor_sizes: per feature map, the side of a square or (width, height), network pixels.
    """
    return tuple(
        tuple(
            (float(size[0]), float(size[1]))
            if isinstance(size, Sequence)
            else (float(size), float(size))
            for size in level
        )
        for level in anchor_sizes
    )


def relative_sizes(scales: Sequence[float], aspect_ratios: Sequence[Sequence[float]]) -> Sizes:
    """
    Return widths and heights, as parts of the picture, by the rule of the SSD paper.

    Per feature map: a square of the scale, a square between it and the next scale, and for each
    ratio r the two boxes r : 1 and 1 : r (arXiv:1512.02325, section 2.2).

    :param scales: one per feature map and one more.
    :param aspect_ratios: per feature map, the ratios besides 1.
    """
    if len(scales) != len(aspect_ratios) + 1:
        raise DecoderError(
            f'scales need one more entry than aspect_ratios, got {len(scales)} and '
            f'{len(aspect_ratios)}'
        )
    levels = []
    for (scale, following), ratios in zip(itertools.pairwise(scales), aspect_ratios, strict=True):
        between = math.sqrt(scale * following)
        sizes = [(scale, scale), (between, between)]
        for ratio in ratios:
            wide, narrow = scale * math.sqrt(ratio), scale / math.sqrt(ratio)
            sizes += [(wide, narrow), (narrow, wide)]
        levels.append(tuple(sizes))
    return tuple(levels)


@functools.lru_cache(maxsize=16)
def priors_on(
    cells_wh: tuple[tuple[int, int], ...],
    steps_wh: tuple[tuple[float, float], ...],
    sizes: Sizes,
) -> np.ndarray:
    """
    Return all priors, feature map by feature map, row by row, size by size.

    :param cells_wh: columns and rows of each feature map.
    :param steps_wh: distance of two cells as parts of the picture's width and height.
    :param sizes: per feature map, widths and heights as parts of the picture.
    :returns: (N, 4) float32 centre and size, clipped to 0..1.
    """
    levels = []
    for (columns, rows), step, level_sizes in zip(cells_wh, steps_wh, sizes, strict=True):
        cells = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=-1)
        centres = (cells.reshape(-1, 1, 2) + 0.5) * np.array(step)
        wh = np.array(level_sizes, dtype=np.float64).reshape(1, -1, 2)
        both = np.broadcast_arrays(centres, wh)
        levels.append(np.concatenate(both, axis=-1).reshape(-1, 4))
    priors = np.concatenate(levels).clip(0, 1).astype(np.float32)
    priors.setflags(write=False)
    return priors
