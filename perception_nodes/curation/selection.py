"""
Which pictures are most worth labelling: those that a model doubts, and unlike those one has.

Doubt alone picks the same difficulty again and again; unlikeness alone picks curiosities that
teach nothing. Together: of the pictures that are doubted most, those that cover most (greedy
k-centre, the core-set of Sener and Savarese, ICLR 2018).
"""

from __future__ import annotations

from enum import Enum

import numpy as np

from perception_nodes.structures import Classification, Detections, SegmentationMask

CANDIDATES = 4
"""With both reasons, so many times the wanted pictures are looked at, the most doubted."""
_LEAST_SURE = 5


class Strategy(str, Enum):
    """What makes a picture worth labelling."""

    BOTH = 'both'
    UNCERTAINTY = 'uncertainty'
    DIVERSITY = 'diversity'
    RANDOM = 'random'


def doubt_of_boxes(found: Detections) -> float:
    """
    Return how little a detector knows about a picture, 0..1.

    The mean entropy, in bits, of the five boxes whose calibrated scores say least.

    :param found: from low scores on: a box that is just not reported is a doubt too.
    """
    scores = np.clip(found.scores.astype(np.float64), 1e-6, 1 - 1e-6)
    entropy = -(scores * np.log2(scores) + (1 - scores) * np.log2(1 - scores))
    largest = np.sort(entropy)[::-1][:_LEAST_SURE]
    return float(largest.sum() / _LEAST_SURE)


def doubt_of_classes(found: Classification) -> float:
    """
    Return how little a classifier knows about a picture, 0..1: what its confidence lacks.

    1 where the network gave no numbers.
    """
    return 1 - found.confidence


def doubt_of_mask(mask: SegmentationMask) -> float:
    """
    Return how little a segmenter knows about a picture, 0..1.

    The mean of what its confidence lacks, over all pixels.

    :raises ValueError: for a model that gives no confidence.
    """
    if mask.confidence is None:
        raise ValueError(
            'the segmenter gives no confidence, so that nothing tells what it doubts; take '
            f'--strategy {Strategy.DIVERSITY.value}'
        )
    return float(1 - mask.confidence.mean() / 255)


def select(
    vectors: np.ndarray,
    doubts: np.ndarray,
    count: int,
    strategy: Strategy,
    *,
    known: np.ndarray | None = None,
    seed: int = 0,
) -> np.ndarray:
    """
    Return the numbers of the pictures to label, the most wanted first.

    :param vectors: (N, D) float32 of length 1, one a picture.
    :param doubts: (N,) 0..1; not read by ``diversity`` and ``random``.
    :param count: how many, at least 1; all where there are fewer.
    :param known: (M, D) of pictures that are labelled already.
    :param seed: of ``random``.
    :returns: (min(count, N),) int64, each once.
    :raises ValueError: for a count below 1 or arrays of other lengths.
    """
    if count < 1 or len(vectors) != len(doubts):
        raise ValueError(
            f'select needs a count of at least 1 and as many doubts as vectors, got {count}, '
            f'{len(doubts)} and {len(vectors)}'
        )
    if strategy is Strategy.RANDOM:
        return np.random.default_rng(seed).permutation(len(vectors))[:count]
    doubted = np.argsort(-doubts, kind='stable')
    if strategy is Strategy.UNCERTAINTY:
        return doubted[:count]
    if strategy is Strategy.DIVERSITY:
        return _spread(vectors, count, known)
    pool = doubted[: max(CANDIDATES * count, 1)]
    return np.asarray(pool[_spread(vectors[pool], count, known)])


def unlikeness(vectors: np.ndarray, chosen: np.ndarray, known: np.ndarray | None) -> np.ndarray:
    """
    Return how far each chosen picture is from those before it and from the known, 0..1.

    :returns: (K,) half of one less the cosine; 1 where there is nothing before.
    """
    seen = np.zeros((0, vectors.shape[1]), np.float32) if known is None else known
    found = []
    for number in chosen:
        nearest = float((seen @ vectors[number]).max(initial=-1.0))
        found.append((1 - nearest) / 2)
        seen = np.concatenate([seen, vectors[number : number + 1]])
    return np.array(found)


def _spread(vectors: np.ndarray, count: int, known: np.ndarray | None) -> np.ndarray:
    """Return pictures each of which is the furthest from all that are known or chosen."""
    chosen: list[int] = []
    if known is not None and len(known):
        nearest = (vectors @ known.T).max(axis=1)
    else:  # begin in the middle of things, not with a curiosity
        chosen.append(int((vectors @ vectors.mean(axis=0)).argmax()))
        nearest = vectors @ vectors[chosen[0]]
    while len(chosen) < min(count, len(vectors)):
        nearest[chosen] = np.inf
        further = int(nearest.argmin())
        chosen.append(further)
        nearest = np.maximum(nearest, vectors @ vectors[further])
    return np.array(chosen, np.int64)
