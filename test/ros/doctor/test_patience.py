"""How long the doctor watches, told by times alone."""

import pytest

from perception_nodes.ros.doctor.patience import Patience

STEP_S = 0.5


def end_s(duration_s, *, changes=(), incomplete_until_s=0.0):
    """Look every half second; return when the watch ends."""
    patience, at_s = Patience(duration_s), 0.0
    while not patience.may_end(at_s):
        at_s += STEP_S
        patience.note(at_s, has_changed=at_s in changes, is_complete=at_s >= incomplete_until_s)
    return at_s


@pytest.mark.parametrize(
    ('duration_s', 'options', 'expected_s'),
    [
        (5.0, {}, 5.0),
        (1.0, {}, 3.5),  # half of a graph may be found by its next announcement only
        (600.0, {}, 600.0),
        (5.0, {'changes': (0.5,)}, 5.0),
        (5.0, {'changes': (4.0,)}, 6.0),  # heard for two seconds
        (5.0, {'incomplete_until_s': 3.0}, 5.0),
        (5.0, {'incomplete_until_s': 8.0}, 8.5),  # found by 8.0, settled since 7.5
        (5.0, {'incomplete_until_s': 1e9}, 17.0),  # a stopped process is never found
        (5.0, {'changes': [STEP_S * index for index in range(99)]}, 17.0),
    ],
)
def test_end_of_the_watch(duration_s, options, expected_s):
    assert end_s(duration_s, **options) == expected_s


@pytest.mark.parametrize(('at_s', 'expected'), [(0.0, False), (5.0, False), (6.5, True)])
def test_nothing_is_missing_before_announcements_were_repeated(at_s, expected):
    assert Patience(1.0).may_miss(at_s) is expected
