"""How well classes are told apart, and from others, when crops of one track stay together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perception_nodes.fewshot.prototypes import PrototypeBank, contrast, empty_bank


@dataclass(frozen=True, eq=False, kw_only=True)
class OpenSetResult:
    """
    What a protocol found.

    :param correct: (Q,) bool, whether the nearest class is the true one, by query.
    :param known_scores: (Q,) float32 score of the nearest class, by query.
    :param known_accepted: (Q,) bool, at or above the bank's threshold.
    :param nearest: (Q,) names of the nearest classes.
    :param queries: (Q,) int index of each query among the vectors given.
    :param open_scores: (F, U) float32 the same of crops of other classes, by fold.
    :param open_accepted: (F, U) bool.
    """

    correct: np.ndarray
    known_scores: np.ndarray
    known_accepted: np.ndarray
    nearest: tuple[str, ...]
    queries: np.ndarray
    open_scores: np.ndarray
    open_accepted: np.ndarray

    @property
    def accuracy(self) -> float:
        """Return the share of queries whose nearest class is the true one."""
        return float(self.correct.mean())

    @property
    def auroc(self) -> float:
        """Return the area under the curve of known scores against open ones, folds pooled."""
        return auroc(self.known_scores, self.open_scores.ravel())

    def figures(self) -> dict[str, float]:
        """Return plain figures, shares from 0 to 1."""
        kept = self.known_accepted
        return {
            'queries': len(self.correct),
            'accuracy': self.accuracy,
            'auroc': self.auroc,
            'known_accepted': float(kept.mean()),
            'open_rejected': float(1 - self.open_accepted.mean()),
            'accuracy_of_accepted': float(self.correct[kept].mean()) if kept.any() else 0.0,
        }


def leave_one_track_out(
    vectors: np.ndarray,
    names: Sequence[str],
    tracks: Sequence[str],
    open_vectors: np.ndarray,
    supports: int | None = None,
) -> OpenSetResult:
    """
    Enrol every class from all of its tracks but one and query with that one; in all ways.

    Fold f leaves out the f-th track of every class, in the order of their names; the bank of
    every fold also judges all crops of the other classes.

    :param vectors: (N, V, D) float32 of length 1, views of crops.
    :param names: (N,) class of each.
    :param tracks: (N,) track of each, unique within its class.
    :param open_vectors: (U, V, D) float32 of classes that are never enrolled.
    :param supports: crops that a class is enrolled from, dealt evenly over its tracks, the first
        of each first; None: all.
    :raises ValueError: when classes differ in how many tracks they have, have only one, or fewer
        crops than the supports.
    """
    folds, count = _folds(names, tracks)
    name_of, results = np.array(names), []
    for fold in range(count):
        bank = empty_bank('protocol', {}, vectors.shape[1:])
        for name in sorted(set(names)):
            own = _dealt(np.flatnonzero((name_of == name) & (folds != fold)), folds, supports)
            bank = bank.enrolled(name, vectors[own], folds[own].tolist())
        results.append(_judged(bank, vectors, np.flatnonzero(folds == fold), open_vectors))
    queries = np.concatenate([result[0] for result in results])
    nearest = np.concatenate([result[1] for result in results])
    thresholds = [np.full(len(result[0]), result[4]) for result in results]
    known = np.concatenate([result[2] for result in results])
    opened = np.stack([result[3] for result in results])
    limit = np.array([result[4] for result in results])[:, None]
    return OpenSetResult(
        correct=nearest == name_of[queries], known_scores=known, queries=queries,
        known_accepted=known >= np.concatenate(thresholds), nearest=tuple(nearest.tolist()),
        open_scores=opened, open_accepted=opened >= limit,
    )  # fmt: skip


def auroc(inside: np.ndarray, outside: np.ndarray) -> float:
    """
    Return the chance that a random score of inside lies above one of outside, ties as half.

    :param inside: (N,) scores that should be high.
    :param outside: (M,) scores that should be low.
    :raises ValueError: when one of them is empty.
    """
    if not len(inside) or not len(outside):
        raise ValueError(f'{len(inside)} scores inside and {len(outside)} outside; both need one')
    below = np.sort(outside)
    less = np.searchsorted(below, inside, 'left')
    equal = np.searchsorted(below, inside, 'right') - less
    return float((less + equal / 2).mean() / len(below))


def _folds(names: Sequence[str], tracks: Sequence[str]) -> tuple[np.ndarray, int]:
    """Return the fold of each vector and how many there are."""
    by_class: dict[str, set[str]] = {}
    for name, track in zip(names, tracks, strict=True):
        by_class.setdefault(name, set()).add(track)
    counts = {len(found) for found in by_class.values()}
    if len(counts) != 1 or min(counts) < 2:
        raise ValueError(
            f'tracks: the classes have {sorted(counts)}; all need the same number, 2 or more'
        )
    place = {name: sorted(found) for name, found in by_class.items()}
    folds = [place[name].index(track) for name, track in zip(names, tracks, strict=True)]
    return np.array(folds), counts.pop()


def _dealt(own: np.ndarray, folds: np.ndarray, supports: int | None) -> np.ndarray:
    """Return so many of some crops: the first of every track, then the second, and so on."""
    if supports is None:
        return own
    if not 1 <= supports <= len(own):
        raise ValueError(
            f'supports: {supports} is not within 1 to {len(own)}, the crops there are'
        )
    tracks = folds[own]
    rank = np.array([np.sum(tracks[:place] == track) for place, track in enumerate(tracks)])
    return np.sort(own[np.lexsort((tracks, rank))[:supports]])


def _judged(
    bank: PrototypeBank, vectors: np.ndarray, queries: np.ndarray, open_vectors: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, float]:
    """Return queries, nearest names, their scores, scores of the others, threshold."""
    near = bank.nearness(vectors[queries])
    others = bank.nearness(open_vectors)
    scores, best = contrast(near, near.argmax(1)), np.array(bank.class_names)[near.argmax(1)]
    return queries, best, scores, contrast(others, others.argmax(1)), bank.threshold
