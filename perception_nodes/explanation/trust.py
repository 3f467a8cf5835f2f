"""
How far a map of what counts can be believed.

Deletion and insertion (Petsiuk et al., BMVC 2018): take away what counts most, or show it first,
and see how fast the decision goes or comes. The pointing game (Zhang et al., ECCV 2016): does the
maximum lie on the thing? A random map is the off-switch that a method must beat.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from perception_nodes.explanation.questions import Question
from perception_nodes.explanation.saliency import without
from perception_nodes.structures import Frame

STEPS = 20
"""Runs of the model along a curve, beside the one with nothing changed."""
BLOCKS = 40
"""Blocks along the longer side of the picture that are taken away or shown as a whole."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Curve:
    """
    What is left of a decision over the part of the picture that was changed.

    :param parts: (S,) float64 from 0 to 1.
    :param left: (S,) float64 in 0..1.
    """

    parts: np.ndarray
    left: np.ndarray

    @property
    def area(self) -> float:
        """Area below the curve, 0..1."""
        return float(np.trapezoid(self.left, self.parts))


def deletion(question: Question, subject: int, frame: Frame, saliency: np.ndarray) -> Curve:
    """
    Return the curve when what counts most goes first; the smaller its area, the better the map.

    :param subject: number of the decision.
    :param saliency: (H, W) of the picture.
    """
    return _curve(question, subject, frame, _ranks(saliency), shown=False)


def insertion(question: Question, subject: int, frame: Frame, saliency: np.ndarray) -> Curve:
    """Return the curve when what counts most is shown first; a larger area is better."""
    return _curve(question, subject, frame, _ranks(saliency), shown=True)


def random_map(rng: np.random.Generator, shape_hw: tuple[int, int]) -> np.ndarray:
    """Return (H, W) float32 that knows nothing: every block of the curves has a random value."""
    height, width = _grid_hw(shape_hw)
    blocks = rng.random((height, width), dtype=np.float32)
    return cv2.resize(blocks, shape_hw[::-1], interpolation=cv2.INTER_NEAREST)


def points_into(saliency: np.ndarray, xyxy: np.ndarray) -> bool:
    """
    Return whether the maximum of a map lies in a box.

    :param saliency: (H, W).
    :param xyxy: (4,) left, top, right, bottom in pixels.
    """
    row, column = np.unravel_index(int(saliency.argmax()), saliency.shape)
    left, top, right, bottom = xyxy
    return bool(left <= column + 0.5 <= right and top <= row + 0.5 <= bottom)


def _curve(
    question: Question, subject: int, frame: Frame, ranks: np.ndarray, *, shown: bool
) -> Curve:
    parts = np.linspace(0.0, 1.0, STEPS + 1)
    left = []
    for part in parts:
        changed = (ranks < part).astype(np.float32)
        kept = changed if shown else 1 - changed
        # Hard borders of blocks would be edges of their own.
        whole = cv2.resize(kept, frame.size_wh, interpolation=cv2.INTER_LINEAR)
        left.append(float(question(without(frame, whole))[subject]))
    return Curve(parts=parts, left=np.array(left))


def _ranks(saliency: np.ndarray) -> np.ndarray:
    """Return (h, w) in 0..1, below 1: 0 for the block that counts most."""
    height, width = _grid_hw(saliency.shape)
    blocks = cv2.resize(saliency.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
    order = np.argsort(-blocks, axis=None, kind='stable')
    ranks = np.empty(blocks.size)
    ranks[order] = np.arange(blocks.size) / blocks.size
    return ranks.reshape(blocks.shape)


def _grid_hw(shape_hw: tuple[int, ...]) -> tuple[int, int]:
    factor = BLOCKS / max(shape_hw)
    return max(1, round(shape_hw[0] * factor)), max(1, round(shape_hw[1] * factor))
