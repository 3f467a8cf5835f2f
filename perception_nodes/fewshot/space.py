"""The space in which vectors are compared: what differs within classes counts less there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_TINY = 1e-6


@dataclass(frozen=True, eq=False, kw_only=True)
class WhitenedSpace:
    """
    Divides by the pooled deviation within classes, shrunk towards a sphere.

    Shrinkage as in Friedman, "Regularized discriminant analysis" (1989): with far fewer vectors
    than dimensions the covariance alone cannot be inverted. Directions in which the supports
    never differed get the shrunk variance.

    :param center: (D,) float32, subtracted first.
    :param axes: (K, D) float32, orthonormal rows.
    :param gains: (K,) float32, along the axes, relative to all other directions.
    """

    center: np.ndarray
    axes: np.ndarray
    gains: np.ndarray

    def __call__(self, vectors: np.ndarray) -> np.ndarray:
        """
        Return vectors in this space.

        :param vectors: (N, D) float32.
        :returns: (N, D) float32 of length 1.
        """
        moved = vectors - self.center
        moved = moved + ((moved @ self.axes.T) * (self.gains - 1)) @ self.axes
        return unit_rows(moved)


def fit_space(vectors: np.ndarray, labels: np.ndarray, shrinkage: float) -> WhitenedSpace:
    """
    Return the space of labelled vectors.

    With one class nothing is subtracted, since the centre would be that class.

    :param vectors: (N, D) float32.
    :param labels: (N,) int class of each, 0 to C − 1, every class at least once.
    :param shrinkage: above 0 to 1: part of the sphere in the covariance; 1 does not whiten.
    """
    means = class_means(vectors, labels)
    center = means.mean(0) if len(means) > 1 else np.zeros_like(means[0])
    _, deviations, axes = np.linalg.svd(vectors - means[labels], full_matrices=False)
    kept = deviations > _TINY * max(1.0, float(deviations.max()))
    variances, axes = deviations[kept] ** 2, axes[kept]
    if not len(variances):
        return WhitenedSpace(center=center, axes=axes, gains=np.ones(0, np.float32))
    sphere = shrinkage * variances.mean()
    gains = np.sqrt(sphere / ((1 - shrinkage) * variances + sphere))
    return WhitenedSpace(center=center, axes=axes, gains=gains.astype(np.float32))


def class_means(vectors: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return (C, D) float32, the mean of every class."""
    return np.stack([vectors[labels == number].mean(0) for number in range(labels.max() + 1)])


def unit_rows(vectors: np.ndarray) -> np.ndarray:
    """Return (N, D) rows of length 1; zeros stay zeros."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, _TINY), np.float32)
