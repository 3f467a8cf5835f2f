"""Percentiles, rates and drops of a sliding window."""

import math

import numpy as np
import pytest

from perception_nodes.streaming import AgeStatistics

MS = 1_000_000
S = 1_000_000_000


def test_no_sample_gives_nan_and_zero_rate():
    summary = AgeStatistics().summary(0)
    assert summary.count == 0
    assert math.isnan(summary.p50_ms)
    assert summary.rate_hz == 0.0
    assert summary.dropped == 0


def test_percentiles_agree_with_numpy():
    ages = np.random.default_rng(1).integers(0, 100 * MS, 500)
    statistics = AgeStatistics(window_s=60)
    for index, age in enumerate(ages):
        statistics.add(int(age), index * 10 * MS)
    summary = statistics.summary(500 * 10 * MS)
    assert summary.p50_ms == pytest.approx(np.percentile(ages, 50) / 1e6)
    assert summary.p95_ms == pytest.approx(np.percentile(ages, 95) / 1e6)
    assert summary.p99_ms == pytest.approx(np.percentile(ages, 99) / 1e6)
    assert summary.max_ms == pytest.approx(ages.max() / 1e6)
    assert summary.mean_ms == pytest.approx(ages.mean() / 1e6)


def test_samples_older_than_the_window_are_forgotten_but_stay_in_the_total():
    statistics = AgeStatistics(window_s=1)
    statistics.add(900 * MS, 0)
    statistics.add(10 * MS, 2 * S)
    summary = statistics.summary(2 * S)
    assert (summary.count, summary.total, summary.max_ms) == (1, 2, 10.0)


def test_regular_samples_give_their_rate_exactly():
    statistics = AgeStatistics()
    for index in range(31):
        statistics.add(0, index * S // 30)
    assert statistics.summary(S).rate_hz == pytest.approx(30.0)


def test_rate_falls_when_the_source_goes_silent():
    statistics = AgeStatistics(window_s=10)
    for index in range(31):
        statistics.add(0, index * S // 30)
    assert statistics.summary(4 * S).rate_hz == pytest.approx(7.56, abs=0.05)
    assert statistics.summary(20 * S).rate_hz == 0.0


def test_single_sample_and_equal_times_have_no_rate():
    statistics = AgeStatistics()
    statistics.add(0, 5)
    assert statistics.summary(5).rate_hz == 0.0
    statistics.add(0, 5)
    assert statistics.summary(5).rate_hz == 0.0


def test_clock_that_jumps_back_empties_the_window():
    statistics = AgeStatistics()
    statistics.add(5 * MS, 10 * S)
    statistics.add(7 * MS, 1 * S)
    summary = statistics.summary(1 * S)
    assert (summary.count, summary.total, summary.p50_ms) == (1, 2, 7.0)


def test_drops_are_counted_by_reason():
    statistics = AgeStatistics()
    statistics.drop('bad_step')
    statistics.drop('mailbox', 3)
    statistics.drop('bad_step')
    summary = statistics.summary(0)
    assert summary.drops == {'bad_step': 2, 'mailbox': 3}
    assert summary.dropped == 5
    statistics.reset()
    assert statistics.summary(0).drops == {}


def test_memory_is_bounded_by_the_capacity():
    statistics = AgeStatistics(window_s=1000, capacity=10)
    for index in range(100):
        statistics.add(index * MS, index)
    summary = statistics.summary(100)
    assert (summary.count, summary.total, summary.p50_ms) == (10, 100, 94.5)


@pytest.mark.parametrize('options', [{'window_s': 0}, {'capacity': 0}, {'window_s': math.nan}])
def test_senseless_window_is_refused(options):
    with pytest.raises(ValueError, match='AgeStatistics'):
        AgeStatistics(**options)
