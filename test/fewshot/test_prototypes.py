"""Banks: enrol, renew, forget, classify, reject."""

import numpy as np
import pytest

from perception_nodes.fewshot.protocol import auroc, leave_one_track_out
from perception_nodes.fewshot.prototypes import BankError, contrast, empty_bank
from perception_nodes.fewshot.space import fit_space, unit_rows

DIMENSIONS = 40


def around(center, count, seed, noise=0.05):
    spread = np.random.default_rng(seed).normal(0, noise, (count, DIMENSIONS))
    spread[:, -1] *= 20  # a direction that says nothing about the class
    return unit_rows((np.eye(DIMENSIONS)[center] + spread).astype(np.float32))[:, None]


@pytest.fixture
def bank():
    empty = empty_bank('pixels', {}, (1, DIMENSIONS))
    return empty.enrolled('cup', around(0, 6, 1)).enrolled('key', around(1, 6, 2))


def test_empty_bank_says_what_to_do():
    with pytest.raises(BankError, match='perception enroll'):
        empty_bank('pixels', {}, (1, DIMENSIONS)).classify(around(0, 1, 3))


def test_classes_are_told_apart_and_others_are_unknown(bank):
    known = bank.classify(np.concatenate([around(0, 8, 5), around(1, 8, 6)]))
    assert [answer.nearest for answer in known] == ['cup'] * 8 + ['key'] * 8
    assert sum(answer.name == answer.nearest for answer in known) >= 13
    other = bank.classify(around(7, 8, 7))
    assert {answer.name for answer in other} == {'unknown'}
    assert max(answer.score for answer in other) < bank.threshold


def test_class_enrolled_again_is_renewed(bank):
    renewed = bank.enrolled('cup', around(7, 3, 8))
    assert sorted(renewed.class_names) == ['cup', 'key']
    assert len(renewed.vectors) == 9
    assert renewed.classify(around(7, 1, 9))[0].nearest == 'cup'
    assert len(bank.vectors) == 12, 'the bank before stays as it was'


def test_class_can_be_forgotten(bank):
    kept = bank.without('cup')
    assert kept.class_names == ('key',)
    assert set(kept.labels.tolist()) == {0}
    with pytest.raises(BankError, match='its classes: cup, key'):
        bank.without('mug')


def test_threshold_comes_from_left_out_groups_not_from_near_duplicates():
    views = [around(0, 1, seed, 0.2) for seed in range(4)]
    twins = np.concatenate([view for view in views for _ in range(2)])
    empty = empty_bank('pixels', {}, (1, DIMENSIONS)).enrolled('key', around(1, 4, 9, 0.2))
    alone = empty.enrolled('cup', twins)
    together = empty.enrolled('cup', twins, groups=[0, 0, 1, 1, 2, 2, 3, 3])
    assert together.left_out_scores().min() < alone.left_out_scores().min() - 0.05


def test_single_picture_gives_no_threshold_and_nothing_is_rejected():
    bank = empty_bank('pixels', {}, (1, DIMENSIONS)).enrolled('cup', around(0, 1, 1))
    assert bank.threshold == -2
    assert bank.classify(around(5, 1, 2))[0].name == 'cup'


@pytest.mark.parametrize('name', ['', ' ', 'unknown'])
def test_names_that_cannot_be_classes_are_refused(bank, name):
    with pytest.raises(BankError, match='cannot be a class'):
        bank.enrolled(name, around(0, 1, 1))


def test_vectors_of_another_embedder_are_refused(bank):
    with pytest.raises(BankError, match=r'\(2, 1, 7\).*same embedder'):
        bank.enrolled('mug', np.zeros((2, 1, 7), np.float32))
    with pytest.raises(BankError, match='expected \\(N, V, 40\\)'):
        bank.classify(np.zeros((2, 1, 7), np.float32))


def test_space_divides_by_the_deviation_within_classes():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 200)
    vectors = rng.normal(0, [1, 4, 0.5], (400, 3)).astype(np.float32)
    vectors[labels == 1, 0] += 6
    space = fit_space(vectors, labels, 1e-6)
    stretch = (vectors - space.center) + (
        ((vectors - space.center) @ space.axes.T) * (space.gains - 1)
    ) @ space.axes
    within = [stretch[labels == number].std(0) for number in (0, 1)]
    assert np.allclose(np.mean(within, 0) / within[0][0], 1, atol=0.1)
    assert np.allclose(fit_space(vectors, labels, 1.0).gains, 1)


def test_auroc_counts_pairs():
    assert auroc(np.array([0.9, 0.8]), np.array([0.1, 0.2, 0.3])) == 1
    assert auroc(np.array([0.5, 0.1]), np.array([0.5, 0.3])) == pytest.approx(0.375)
    with pytest.raises(ValueError, match='both need one'):
        auroc(np.zeros(0), np.ones(1))


def test_protocol_keeps_tracks_together():
    vectors = np.concatenate([around(c, 6, 10 + c) for c in range(3)])
    names = [name for name in 'abc' for _ in range(6)]
    tracks = ['00', '00', '01', '01', '02', '02'] * 3
    result = leave_one_track_out(vectors, names, tracks, around(9, 5, 20))
    assert sorted(result.queries.tolist()) == list(range(18))
    assert result.open_scores.shape == (3, 5)
    assert result.accuracy == 1
    assert result.auroc > 0.95
    with pytest.raises(ValueError, match='same number'):
        leave_one_track_out(vectors, names, ['00'] * 6 + tracks[:12], around(9, 5, 20))


def test_protocol_deals_supports_evenly_over_the_tracks():
    # The second crop of every track shows the next class.
    vectors = np.concatenate(
        [
            around((c + i) % 3, 1, 10 * c + t, 0.005)
            for c in range(3)
            for t in range(3)
            for i in range(2)
        ]
    )
    names = [name for name in 'abc' for _ in range(6)]
    tracks = ['00', '00', '01', '01', '02', '02'] * 3
    result = leave_one_track_out(vectors, names, tracks, around(9, 5, 99), supports=2)
    assert sorted(result.queries[result.correct].tolist()) == list(range(0, 18, 2))
    with pytest.raises(ValueError, match='supports: 5 is not within 1 to 4'):
        leave_one_track_out(vectors, names, tracks, around(9, 5, 99), supports=5)


def test_what_is_a_little_like_everything_scores_low():
    near = np.array([[0.5, 0.5, 0.5], [0.5, -0.1, 0.1]], np.float32)
    assert contrast(near, [0, 0]) == pytest.approx([0.5 - 0.35, 0.5])
    assert contrast(near[:, :1], [0, 0]) == pytest.approx([0.5, 0.5])


def test_nearest_view_counts(bank):
    views = np.concatenate([around(9, 1, 30), around(0, 1, 31)], axis=1)
    assert bank.classify(views)[0].nearest == 'cup'
    assert bank.nearness(views)[0, 0] == pytest.approx(bank.nearness(views[:, 1:])[0, 0])
