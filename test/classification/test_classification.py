import numpy as np
import pytest

from perception_nodes.structures import Classification


def test_classes_fall_by_probability_and_equals_keep_their_order():
    found = Classification.of(np.array([0.2, 0.4, 0.2, 0.2]))
    assert found.class_ids.tolist() == [1, 0, 2, 3]
    assert found.probability_of(2) == pytest.approx(0.2)
    assert found.probability_of(9) == 0


def test_nothing_is_known_without_numbers():
    found = Classification.unknown()
    assert (len(found), found.class_id, found.confidence) == (0, None, 0.0)


@pytest.mark.parametrize(
    ('class_ids', 'probabilities', 'words'),
    [
        ([0, 1], [0.5], r'\(K,\)'),
        ([0, 0], [0.6, 0.4], 'distinct'),
        ([-1], [0.6], 'distinct'),
        ([0, 1], [0.4, 0.6], 'fall'),
        ([0, 1], [0.9, 0.6], 'sum to at most 1'),
        ([0], [np.nan], '0..1'),
    ],
)
def test_nonsense_is_refused(class_ids, probabilities, words):
    with pytest.raises(ValueError, match=words):
        Classification(class_ids=class_ids, probabilities=probabilities)


def test_arrays_cannot_be_changed():
    with pytest.raises(ValueError, match='read-only'):
        Classification.of(np.array([0.7, 0.3])).probabilities[0] = 0
