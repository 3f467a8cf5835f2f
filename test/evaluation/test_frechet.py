"""The Fréchet distance against numbers that can be worked out by hand."""

import numpy as np
import pytest

from perception_nodes.evaluation.frechet import FeatureCloud, frechet_distance


def cloud(mean, covariance) -> FeatureCloud:
    return FeatureCloud(mean=np.array(mean), covariance=np.array(covariance), count=9)


def test_one_picture_and_broken_features_are_refused():
    with pytest.raises(ValueError, match='N ≥ 2'):
        FeatureCloud.of(np.zeros((1, 3)))
    with pytest.raises(ValueError, match='not finite'):
        FeatureCloud.of(np.full((3, 3), np.nan))


def test_distance_of_equal_clouds_is_zero():
    features = np.random.default_rng(1).normal(size=(12, 20))  # fewer pictures than features
    found = FeatureCloud.of(features)
    assert frechet_distance(found, found) == pytest.approx(0.0, abs=1e-5)


def test_distance_along_one_axis_is_that_of_means_and_deviations():
    first, second = cloud([0.0], [[4.0]]), cloud([3.0], [[1.0]])
    assert frechet_distance(first, second) == pytest.approx(9.0 + (2.0 - 1.0) ** 2)


def test_distance_of_turned_clouds():
    # Deviations 3 and 1 along the axes, and along the diagonals: tr(A + B − 2 √(√A B √A)).
    turn = np.array([[1.0, -1.0], [1.0, 1.0]]) / np.sqrt(2)
    straight = np.diag([9.0, 1.0])
    turned = turn @ straight @ turn.T
    root = np.diag([3.0, 1.0])
    overlap = np.sqrt(np.linalg.eigvals(root @ turned @ root)).sum()
    found = frechet_distance(cloud([0.0, 0.0], straight), cloud([0.0, 0.0], turned))
    assert found == pytest.approx(20.0 - 2.0 * overlap)
    assert found > 1.0


def test_clouds_of_other_features_are_refused():
    with pytest.raises(ValueError, match=r'\(1,\)'):
        frechet_distance(cloud([0.0], [[1.0]]), cloud([0.0, 0.0], np.eye(2)))
