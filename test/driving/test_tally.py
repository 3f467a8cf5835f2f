"""Way and turn add up; noise does not; poses and speeds that contradict one another are told."""

import numpy as np
import pytest

from perception_nodes.driving.tally import MotionTally

STEP_NS = 20_000_000
RNG = np.random.default_rng(3)


def tally_of(moved, said):
    """Return the tally after steps of 20 ms, and whether it was ever contradictory."""
    made, ever = MotionTally(0.05, 1.0), False
    for step_moved, step_said in np.broadcast(moved, said):
        made.add(float(step_moved), float(step_said), STEP_NS)
        ever = ever or made.is_contradictory
    return made, ever


def rate(per_second, seconds=60.0):
    """Return the steps of a motion at one speed."""
    return np.full(round(seconds / 0.02), per_second * 0.02)


def noise(per_second, seconds=60.0):
    """Return the steps of noise around standing still."""
    return per_second * 0.02 * RNG.standard_normal(round(seconds / 0.02))


def jitter(size, seconds=60.0):
    """Return the steps of a place that is only measured with noise."""
    return np.diff(size * RNG.standard_normal(round(seconds / 0.02)))


def test_nothing_has_moved_before_the_first_step():
    made = MotionTally(0.05, 1.0)
    assert made.total == 0
    assert not made.is_contradictory


@pytest.mark.parametrize(
    ('moved', 'said'),
    [
        (0.0, noise(0.01)),
        (0.0, noise(0.1)),
        (0.0, rate(0.01, 150.0)),
        (rate(0.01, 150.0), rate(0.01, 150.0)),
        (rate(0.01, 150.0), 0.0),
        (jitter(0.005), 0.0),
    ],
    ids=['noise of the speed', 'loud noise', 'drift of the speed', 'drift of both',
         'drift of the pose', 'noise of the pose'],
)  # fmt: skip
def test_robot_that_stands_moves_by_nothing_and_contradicts_itself_in_nothing(moved, said):
    made, ever_contradictory = tally_of(moved, said)
    assert made.total == 0
    assert not ever_contradictory


@pytest.mark.parametrize(
    ('moved', 'said'),
    [(rate(0.5, 4), rate(0.5, 4)), (rate(-0.5, 4), rate(-0.5, 4)), (rate(0.5, 4), 0.0),
     (0.0, rate(0.5, 4))],
    ids=['both', 'backwards', 'poses alone', 'speeds alone'],
)  # fmt: skip
def test_whoever_says_more_counts(moved, said):
    assert tally_of(moved, said)[0].total == pytest.approx(2.0, abs=0.05)


def test_way_there_and_back_adds_up():
    steps = np.concatenate([rate(0.5, 2), rate(-0.5, 2)])
    assert tally_of(steps, steps)[0].total == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize(
    ('moved', 'said', 'contradictory'),
    [(0.5, 0.5, False), (0.5, 0.3, False), (0.3, 0.5, False), (0.5, 0.0, True), (0.5, 0.2, True),
     (0.0, 0.5, True), (0.5, -0.5, True)],
    ids=['agree', 'low speed', 'low pose', 'no speed', 'far too low', 'no pose', 'other sign'],
)  # fmt: skip
def test_poses_and_speeds_have_to_agree_over_a_long_way(moved, said, contradictory):
    assert tally_of(rate(moved, 1.5), rate(said, 1.5))[1] is False
    made, _ = tally_of(rate(moved, 3.0), rate(said, 3.0))
    assert made.is_contradictory is contradictory


def test_agreement_and_a_new_beginning_end_a_contradiction():
    made, _ = tally_of(rate(0.5, 3.0), 0.0)
    for _ in range(200):
        made.add(0.01, 0.01, STEP_NS)
    assert not made.is_contradictory
    made, _ = tally_of(rate(0.5, 3.0), 0.0)
    total = made.total
    made.restart()
    assert not made.is_contradictory
    assert made.total == total
