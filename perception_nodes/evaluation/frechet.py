"""
How far two sets of pictures are apart: the Fréchet distance of Gaussians around their features.

M. Heusel et al., "GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash
Equilibrium" (NeurIPS 2017), who take Inception features; here they may be of any network. The
distance of few pictures is too large, so only distances of equally many can be compared.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False, kw_only=True)
class FeatureCloud:
    """
    The Gaussian around the features of a set.

    :param mean: (D,) float64.
    :param covariance: (D, D) float64.
    :param count: of the pictures, at least 2.
    """

    mean: np.ndarray
    covariance: np.ndarray
    count: int

    @classmethod
    def of(cls, features: np.ndarray) -> FeatureCloud:
        """
        Return the cloud of the features.

        :param features: (N, D) finite, at least two rows.
        :raises ValueError: for another shape, fewer rows, or numbers that are not finite.
        """
        rows = np.asarray(features, np.float64)
        if rows.ndim != 2 or len(rows) < 2:
            raise ValueError(f'features: need (N, D) with N ≥ 2, got {rows.shape}')
        if not np.isfinite(rows).all():
            raise ValueError('features: some are not finite')
        covariance = np.atleast_2d(np.cov(rows, rowvar=False))
        return cls(mean=rows.mean(0), covariance=covariance, count=len(rows))

    @property
    def spread(self) -> float:
        """Sum of the variances: near 0 where all pictures look the same."""
        return float(np.trace(self.covariance))


def frechet_distance(first: FeatureCloud, second: FeatureCloud) -> float:
    """
    Return the squared Fréchet distance, at least 0.

    :raises ValueError: when the features have different lengths.
    """
    if first.mean.shape != second.mean.shape:
        raise ValueError(f'features of {first.mean.shape} and {second.mean.shape} numbers')
    root = _root(first.covariance)
    # The square root of a product of two is that of a symmetric matrix, so no complex numbers.
    shared = np.linalg.eigvalsh(root @ second.covariance @ root)
    away = first.mean - second.mean
    overlap = np.sqrt(np.clip(shared, 0.0, None)).sum()
    return max(float(away @ away + first.spread + second.spread - 2 * overlap), 0.0)


def _root(matrix: np.ndarray) -> np.ndarray:
    """Return the square root of a symmetric positive matrix."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(np.clip(values, 0.0, None))) @ vectors.T
