"""Maps of what decisions rest on, from how they fare when parts of the picture are missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import cv2
import numpy as np

from perception_nodes.explanation.config import ExplanationConfig, Method
from perception_nodes.explanation.questions import (
    BoxQuestion,
    ClassQuestion,
    Question,
    RegionQuestion,
)
from perception_nodes.structures import Frame

_MAP_SIDE = 160
"""Longer side of the maps while they are summed; they are smooth, and are enlarged at the end."""


def explain(
    question: Question,
    frame: Frame,
    config: ExplanationConfig,
    advance: Callable[[], None] = lambda: None,
) -> np.ndarray:
    """
    Return for each decision how much each pixel of the picture counts.

    :param question: K decisions about the picture.
    :param frame: the picture.
    :param advance: called after each of :func:`runs` runs of the model.
    :returns: (K, H, W) float32; higher counts more, 0 counts nothing on average.
    :raises ValueError: for a method that the model does not allow.
    """
    if config.method == Method.GRAD_CAM.value:
        small = _by_gradients(question, frame, config)
        advance()
    elif config.method == Method.OCCLUSION.value:
        small = _occluded(question, frame, config, advance)
    else:
        small = _veiled(question, frame, config, advance)
    return np.stack([cv2.resize(item, frame.size_wh) for item in small.astype(np.float32)])


def runs(size_wh: tuple[int, int], config: ExplanationConfig) -> int:
    """Return how many runs of the model an explanation takes."""
    if config.method == Method.OCCLUSION.value:
        return 1 + len(list(_places(size_wh, config)))
    return 1 if config.method == Method.GRAD_CAM.value else config.masks


def without(frame: Frame, kept: np.ndarray) -> Frame:
    """
    Return the picture faded towards its mean colour.

    :param kept: (h, w) float32 in 0..1 of any size, 1 leaves a pixel as it is.
    """
    share = cv2.resize(kept, frame.size_wh)[..., None]
    mean = frame.pixels.mean(axis=(0, 1), dtype=np.float32)
    mixed = frame.pixels * share + mean * (1 - share)
    return replace(frame, pixels=np.rint(mixed).astype(np.uint8))


def _by_gradients(question: Question, frame: Frame, config: ExplanationConfig) -> np.ndarray:
    """Return (K, h, w): what the gradients say."""
    if not isinstance(question, BoxQuestion | RegionQuestion | ClassQuestion):
        raise ValueError(
            f'method: {Method.GRAD_CAM.value} is for boxes, regions and classes that a bundle '
            f'has found; take {Method.RANDOM_MASKS.value} or {Method.OCCLUSION.value}'
        )
    from perception_nodes.explanation.gradients import grad_cam

    return grad_cam(question, frame, config.layer)


def _veiled(
    question: Question, frame: Frame, config: ExplanationConfig, advance: Callable[[], None]
) -> np.ndarray:
    """Return (K, h, w): mean of what is left where a pixel is open, less the mean of all."""
    rng = np.random.default_rng(config.seed)
    width, height = _map_wh(frame.size_wh)
    total = np.zeros(len(question.names))
    opened, weighed = np.zeros((height, width)), np.zeros((len(total), height, width))
    for _ in range(config.masks):
        veil = random_veil(rng, (width, height), config)
        left = question(without(frame, veil))
        opened += veil
        weighed += left[:, None, None] * veil
        total += left
        advance()
    return weighed / np.maximum(opened, 1e-6) - (total / config.masks)[:, None, None]


def random_veil(
    rng: np.random.Generator, size_wh: tuple[int, int], config: ExplanationConfig
) -> np.ndarray:
    """
    Return (h, w) float32 in 0..1: a coarse random grid, enlarged smoothly and shifted.

    The shift hides where the cells of the grid meet (RISE, section 3.2).
    """
    width, height = size_wh
    cell = max(size_wh) / config.cells
    columns, rows = int(np.ceil(width / cell)) + 1, int(np.ceil(height / cell)) + 1
    grid = (rng.random((rows, columns)) < config.keep).astype(np.float32)
    whole = cv2.resize(grid, (round(columns * cell), round(rows * cell)))
    left = int(rng.integers(0, whole.shape[1] - width + 1))
    top = int(rng.integers(0, whole.shape[0] - height + 1))
    veil: np.ndarray = whole[top : top + height, left : left + width]
    return veil


def _occluded(
    question: Question, frame: Frame, config: ExplanationConfig, advance: Callable[[], None]
) -> np.ndarray:
    """Return (K, h, w): mean of what is lost under the squares that cover a pixel."""
    whole = question(frame)
    advance()
    width, height = _map_wh(frame.size_wh)
    lost = np.zeros((len(question.names), height, width))
    covered = np.zeros((height, width))
    for left, top, side in _places(frame.size_wh, config):
        kept = np.ones((height, width), np.float32)
        rows, columns = slice(top, top + side), slice(left, left + side)
        kept[rows, columns] = 0.0
        gone = whole - question(without(frame, kept))
        lost[:, rows, columns] += gone[:, None, None]
        covered[rows, columns] += 1
        advance()
    return lost / np.maximum(covered, 1)


def _places(size_wh: tuple[int, int], config: ExplanationConfig) -> Iterator[tuple[int, int, int]]:
    """Yield left, top and side of the square on the small map, half a side apart."""
    width, height = _map_wh(size_wh)
    side = max(2, round(config.square * min(width, height)))
    for top in range(0, height - side // 2, max(1, side // 2)):
        for left in range(0, width - side // 2, max(1, side // 2)):
            yield left, top, side


def _map_wh(size_wh: tuple[int, int]) -> tuple[int, int]:
    """Return the size of the small map."""
    factor = min(1.0, _MAP_SIDE / max(size_wh))
    return max(2, round(size_wh[0] * factor)), max(2, round(size_wh[1] * factor))
