"""Classes known from a few vectors each; everything far from all of them is unknown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from perception_nodes.fewshot.embedding import Settings
from perception_nodes.fewshot.space import WhitenedSpace, class_means, fit_space, unit_rows

UNKNOWN = 'unknown'
_FOLDS = 5
_LOWEST = -2.0  # no score lies below
_COHORT = 5
_COHORT_WEIGHT = 0.7  # of the form that was best of four on traffic signs; see docs/few_shot.md


class BankError(ValueError):
    """A bank or a request to it that cannot be used; the text names the value and the cure."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """
    What a crop shows.

    :param name: class, or ``unknown``.
    :param score: of the nearest class, −1.7 to 1.7; comparable within one bank only.
    :param nearest: class that is nearest, also when that is too far away.
    """

    name: str
    score: float
    nearest: str


@dataclass(frozen=True, eq=False, kw_only=True)
class PrototypeBank:
    """
    Vectors of known classes, and what decides between them.

    The nearness of a class is the mean of two cosines in the whitened space: to the mean of the
    class and to its nearest vector (Snell et al., "Prototypical networks", 2017; nearest
    neighbour), of the view of the crop that lies nearest. The score that decides whether a
    crop is known subtracts 0.7 of the mean nearness of the five next classes, as the cohorts of
    speaker verification do (Auckenthaler et al., "Score normalization", 2000): what is a little
    like everything is unknown.

    :param class_names: (C,) names, each once, none is ``unknown``.
    :param vectors: (N, V, D) float32 of length 1, V views of N pictures; the first is the
        picture itself.
    :param labels: (N,) int32 index of the class of each vector.
    :param groups: (N,) int32; near duplicates (pictures of one thing) share a number, so that
        they are left out together when the threshold is found.
    :param embedder_name: what made the vectors.
    :param embedder_settings: with which settings.
    :param shrinkage: above 0 to 1: how far the covariance within classes is drawn to a sphere.
    :param rejected_share: 0 to below 1: the threshold lies where this share of the left-out
        vectors would be called unknown.
    :raises BankError: when the arrays do not fit together.
    """

    class_names: tuple[str, ...]
    vectors: np.ndarray
    labels: np.ndarray
    groups: np.ndarray
    embedder_name: str
    embedder_settings: Settings
    shrinkage: float = 0.5
    rejected_share: float = 0.1

    def __post_init__(self) -> None:
        """Check shapes, names and ranges."""
        count = len(self.vectors)
        if self.vectors.ndim != 3 or not len(self.labels) == len(self.groups) == count:
            raise BankError(
                f'vectors: shape {self.vectors.shape} with {len(self.labels)} labels and '
                f'{len(self.groups)} groups; expected (N, V, D) and N of both'
            )
        if set(self.labels.tolist()) != set(range(len(self.class_names))):
            raise BankError(f'labels: every one of {len(self.class_names)} classes needs vectors')
        if len(set(self.class_names)) < len(self.class_names):
            raise BankError(f'class_names: {", ".join(self.class_names)} holds a name twice')
        if not 0 < self.shrinkage <= 1:
            raise BankError(f'shrinkage: {self.shrinkage} is not above 0 and at most 1')
        if not (math.isfinite(self.rejected_share) and 0 <= self.rejected_share < 1):
            raise BankError(f'rejected_share: {self.rejected_share} is not within 0 to below 1')

    def enrolled(
        self, name: str, vectors: np.ndarray, groups: Sequence[int] | None = None
    ) -> PrototypeBank:
        """
        Return a bank that knows one class more, or a class anew.

        :param name: of the class; its earlier vectors are replaced.
        :param vectors: (M, V, D) float32 of length 1, at least one picture.
        :param groups: (M,) near duplicates share a number; None: each stands for itself.
        :raises BankError: for an empty or reserved name, no vectors, or others than the bank's.
        """
        if not name.strip() or name == UNKNOWN:
            raise BankError(f'name: "{name}" cannot be a class; give a word other than {UNKNOWN}')
        views, length = self.vectors.shape[1:]
        if vectors.ndim != 3 or not len(vectors) or vectors.shape[1:] != (views, length):
            raise BankError(
                f'vectors of "{name}": shape {vectors.shape}; expected (1 or more, {views}, '
                f'{length}), made by the same embedder'
            )
        number = groups if groups is not None else range(len(vectors))
        kept = self.without(name) if name in self.class_names else self
        label = np.full(len(vectors), len(kept.class_names), np.int32)
        return replace(
            kept,
            class_names=(*kept.class_names, name),
            vectors=np.concatenate([kept.vectors, vectors.astype(np.float32)]),
            labels=np.concatenate([kept.labels, label]),
            groups=np.concatenate([kept.groups, np.array(list(number), np.int32)]),
        )

    def without(self, name: str) -> PrototypeBank:
        """
        Return a bank that does not know a class.

        :raises BankError: when it never did, naming those it knows.
        """
        if name not in self.class_names:
            known = ', '.join(self.class_names) or 'none'
            raise BankError(f'name: "{name}" is not a class of the bank; its classes: {known}')
        gone = self.class_names.index(name)
        kept = self.labels != gone
        labels = self.labels[kept]
        return replace(
            self,
            class_names=tuple(known for known in self.class_names if known != name),
            vectors=self.vectors[kept],
            labels=np.where(labels > gone, labels - 1, labels).astype(np.int32),
            groups=self.groups[kept],
        )

    def nearness(self, vectors: np.ndarray) -> np.ndarray:
        """
        Return how near crops are to the classes.

        :param vectors: (N, V, D) float32 of length 1, any number V of views.
        :returns: (N, C) float32 from −1 to 1.
        :raises BankError: when the bank is empty, or the vectors have another length.
        """
        if not self.class_names:
            raise BankError('the bank knows no class; enrol one first: perception enroll')
        if vectors.ndim != 3 or vectors.shape[2] != self.vectors.shape[2]:
            raise BankError(
                f'vectors: shape {vectors.shape}; expected (N, V, {self.vectors.shape[2]}), made '
                f'by the embedder {self.embedder_name}'
            )
        return self._matcher(vectors)

    def classify(self, vectors: np.ndarray) -> list[Answer]:
        """
        Return what crops show, ``unknown`` below the threshold.

        :param vectors: (N, V, D) float32 of length 1.
        :raises BankError: as :meth:`nearness`.
        """
        answers = []
        for row in self.nearness(vectors):
            best = int(row.argmax())
            nearest, score = self.class_names[best], float(contrast(row[None], [best])[0])
            name = nearest if score >= self.threshold else UNKNOWN
            answers.append(Answer(name=name, score=score, nearest=nearest))
        return answers

    @cached_property
    def threshold(self) -> float:
        """
        Return the score below which something is unknown; −2 when nothing can be rejected.

        The groups of every class are dealt into at most five parts. Each part is left out in
        turn, the space is fitted anew, and the left-out vectors are scored against their own
        classes; the threshold is the ``rejected_share`` quantile of these scores. A class with
        a single group tells nothing about itself.
        """
        left_out = self._left_out
        return float(np.quantile(left_out, self.rejected_share)) if len(left_out) else _LOWEST

    def typicality(self, scores: np.ndarray) -> np.ndarray:
        """
        Return how usual scores are for the taught classes, comparable between banks.

        The part of the left-out vectors that score no higher against their own classes (a
        conformal p-value; Vovk et al., "Algorithmic learning in a random world", 2005). What is
        unknown lies below ``rejected_share``; 1 where nothing can be left out.

        :param scores: (N,) of :meth:`classify`.
        :returns: (N,) float32 in 0..1.
        """
        usual = np.sort(self._left_out)
        below = np.searchsorted(usual, np.asarray(scores, np.float32), side='right')
        return ((below + 1) / (len(usual) + 1)).astype(np.float32)

    @property
    def rejects(self) -> bool:
        """Return whether anything can be unknown: some class has two groups."""
        return bool((self._parts() >= 0).any())

    def with_rejected_share(self, share: float) -> PrototypeBank:
        """
        Return a bank with another threshold.

        :param share: 0 to below 1, of the left-out vectors that would be called unknown.
        :raises BankError: for a share out of range.
        """
        return replace(self, rejected_share=share)

    def left_out_scores(self) -> np.ndarray:
        """Return (M,) scores of vectors against their own classes without their own groups."""
        parts = self._parts()
        found = []
        for part in range(parts.max(initial=-1) + 1):
            out = parts == part
            matcher = _Matcher(self.vectors[~out, 0], self.labels[~out], self.shrinkage)
            own = self.labels[out]
            found.append(contrast(matcher(self.vectors[out]), own))
        return np.concatenate(found) if found else np.zeros(0, np.float32)

    @cached_property
    def _left_out(self) -> np.ndarray:
        return self.left_out_scores()

    def _parts(self) -> np.ndarray:
        """Return (N,) the part in which a vector is left out, −1 for those that never are."""
        parts = np.full(len(self.labels), -1)
        for number in range(len(self.class_names)):
            own = self.labels == number
            _, rank = np.unique(self.groups[own], return_inverse=True)
            if rank.max() > 0:
                parts[own] = rank % _FOLDS
        return parts

    @cached_property
    def _matcher(self) -> _Matcher:
        return _Matcher(self.vectors[:, 0], self.labels, self.shrinkage)


def empty_bank(embedder_name: str, settings: Settings, shape: tuple[int, int]) -> PrototypeBank:
    """
    Return a bank without classes.

    :param embedder_name: what makes the vectors.
    :param settings: of the embedder.
    :param shape: views of a picture and length of a vector.
    """
    return PrototypeBank(
        class_names=(), vectors=np.zeros((0, *shape), np.float32),
        labels=np.zeros(0, np.int32), groups=np.zeros(0, np.int32),
        embedder_name=embedder_name, embedder_settings=settings,
    )  # fmt: skip


def contrast(nearness: np.ndarray, labels: Sequence[int] | np.ndarray) -> np.ndarray:
    """
    Return how much nearer one class is than those that follow.

    :param nearness: (N, C) float32.
    :param labels: (N,) the one class of each row.
    :returns: (N,) its nearness less 0.7 of the mean of the five nearest others, or of as many
        as there are.
    """
    rows = np.arange(len(nearness))
    own = nearness[rows, labels]
    if nearness.shape[1] == 1:
        return np.asarray(own)
    others = nearness.copy()
    others[rows, labels] = -np.inf
    nearest = np.sort(others, axis=1)[:, 1:][:, -_COHORT:]
    return np.asarray(own - _COHORT_WEIGHT * nearest.mean(1))


class _Matcher:
    """Compares the views of crops with labelled vectors, (N, V, D) to (N, C)."""

    def __init__(self, vectors: np.ndarray, labels: np.ndarray, shrinkage: float) -> None:
        self._space: WhitenedSpace = fit_space(vectors, labels, shrinkage)
        self._known, self._labels = self._space(vectors), labels
        self._means = unit_rows(class_means(self._known, labels))

    def __call__(self, vectors: np.ndarray) -> np.ndarray:
        count, views, length = vectors.shape
        placed = self._space(vectors.reshape(-1, length))
        cosines = placed @ self._known.T
        nearest = [cosines[:, self._labels == c].max(1) for c in range(len(self._means))]
        found = (placed @ self._means.T + np.stack(nearest, 1)) / 2
        return np.asarray(found.reshape(count, views, -1).max(1), np.float32)
