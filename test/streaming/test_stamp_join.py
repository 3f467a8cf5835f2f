"""Streams are paired by stamp under loss, reordering, duplicates and clock jumps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perception_nodes.streaming import StampJoin

MS = 1_000_000
S = 1_000_000_000


def pair(**options):
    return StampJoin(('mask', 'depth'), **options)


def test_nothing_waits_at_the_start():
    join = pair()
    assert join.expire(S) == 0
    assert join.waiting == {'mask': 0, 'depth': 0}
    assert join.drops == {}


def test_equal_stamps_are_joined_whatever_comes_first():
    for order in (('mask', 'depth'), ('depth', 'mask')):
        join = pair()
        assert join.add(order[0], 5, order[0], 0) is None
        joined = join.add(order[1], 5, order[1], 3 * MS)
        assert joined.items == {'mask': 'mask', 'depth': 'depth'}
        assert (joined.stamp_ns, joined.waited_ns) == (5, 3 * MS)
        assert join.waiting == {'mask': 0, 'depth': 0}


def test_one_nanosecond_apart_is_not_equal():
    join = pair()
    join.add('mask', 5, 'm', 0)
    assert join.add('depth', 6, 'd', 0) is None


def test_tolerance_joins_the_nearest_stamp():
    join = pair(tolerance_ns=10)
    join.add('depth', 91, 'far', 0)
    join.add('depth', 103, 'near', 0)
    joined = join.add('mask', 100, 'm', 0)
    assert joined.items['depth'] == 'near'
    assert joined.stamp_ns == 100
    assert join.waiting == {'mask': 0, 'depth': 1}


def test_stamp_at_the_tolerance_joins_and_one_beyond_does_not():
    join = pair(tolerance_ns=10)
    join.add('mask', 100, 'm', 0)
    assert join.add('depth', 111, 'd', 0) is None
    assert join.add('depth', 110, 'd', 0) is not None


def test_three_streams_need_all_three():
    join = StampJoin(('a', 'b', 'c'))
    assert join.add('b', 1, 'b', 0) is None
    assert join.add('c', 1, 'c', 0) is None
    assert join.add('a', 1, 'a', 0).items == {'a': 'a', 'b': 'b', 'c': 'c'}


def test_lost_partner_expires_and_names_what_was_missing():
    join = StampJoin(('a', 'b', 'c'), deadline_ns=100 * MS)
    join.add('a', 1, 'a', 0)
    join.add('b', 1, 'b', 0)
    assert join.expire(100 * MS) == 0
    assert join.expire(100 * MS + 1) == 2
    assert join.drops == {'a_without_c': 1, 'b_without_c': 1}
    assert join.waiting == {'a': 0, 'b': 0, 'c': 0}


def test_late_partner_beyond_the_deadline_is_not_joined():
    join = pair(deadline_ns=100 * MS)
    join.add('mask', 1, 'm', 0)
    assert join.add('depth', 1, 'd', 101 * MS) is None
    assert join.drops == {'mask_without_depth': 1}


def test_stream_that_never_comes_names_every_missing_partner():
    join = StampJoin(('a', 'b', 'c'), deadline_ns=10)
    join.add('a', 1, 'a', 0)
    join.expire(11)
    assert join.drops == {'a_without_b_c': 1}


def test_whoever_waits_in_vain_is_told_with_what_was_missing():
    lost = []
    join = StampJoin(
        ('a', 'b', 'c'), deadline_ns=10, capacity=2, on_lost=lambda *told: lost.append(told)
    )
    join.add('a', 1, 'first', 0)
    join.add('b', 1, 'half', 0)
    join.expire(11)
    assert lost == [('a', 'first', ['c']), ('b', 'half', ['c'])]
    for stamp in (2, 3, 4):
        join.add('a', stamp, f'at {stamp}', 12)
    assert lost[2:] == [('a', 'at 2', ['b', 'c'])]
    assert join.drops == {'a_without_c': 1, 'b_without_c': 1, 'overflow': 1}


def test_whoever_finds_its_partner_or_is_replaced_is_not_told_as_lost():
    lost = []
    join = pair(on_lost=lambda *told: lost.append(told))
    join.add('mask', 1, 'm', 0)
    join.add('mask', 1, 'again', 0)
    join.add('depth', 1, 'd', 0)
    join.expire(10 * S)
    assert lost == []


def test_every_second_message_lost_joins_the_other_half():
    join = pair(deadline_ns=100 * MS)
    joined = []
    for index in range(20):
        now_ns = index * 33 * MS
        join.add('mask', now_ns, index, now_ns)
        if index % 2:
            joined.append(join.add('depth', now_ns, index, now_ns))
    join.expire(10 * S)
    assert [item.items for item in joined] == [{'mask': i, 'depth': i} for i in range(1, 20, 2)]
    assert join.drops == {'mask_without_depth': 10}


def test_reordered_items_are_joined_with_their_own_partner():
    join = pair()
    for stamp in (1, 2, 3):
        join.add('mask', stamp * MS, stamp, 0)
    joined = [join.add('depth', stamp * MS, stamp, 0) for stamp in (2, 1, 3)]
    assert [item.items['mask'] for item in joined] == [2, 1, 3]
    assert join.jumps == 0


def test_waiting_duplicate_is_replaced_by_the_newer_item():
    join = pair()
    join.add('mask', 1, 'first', 0)
    join.add('mask', 1, 'second', 0)
    assert join.add('depth', 1, 'd', 0).items['mask'] == 'second'
    assert join.drops == {'duplicate': 1}


def test_duplicate_of_a_joined_item_is_not_joined_again():
    join = pair()
    join.add('mask', 1, 'm', 0)
    join.add('depth', 1, 'd', 0)
    assert join.add('depth', 1, 'd', 0) is None
    assert join.add('mask', 1, 'm', 0) is None
    assert join.drops == {'duplicate': 2}
    assert join.waiting == {'mask': 0, 'depth': 0}


def test_jump_back_drops_what_waits_and_joins_the_new_time():
    join = pair()
    join.add('mask', 100 * S, 'old', 0)
    join.add('mask', 1 * S, 'new', 0)
    assert join.jumps == 1
    assert join.drops == {'jump_back': 1}
    assert join.add('depth', 1 * S, 'd', 0).items['mask'] == 'new'


def test_replayed_stamps_after_a_jump_back_are_not_duplicates():
    join = pair()
    for _ in range(2):
        for stamp in (1, 2, 3):
            assert join.add('mask', stamp * 10 * S, 'm', 0) is None
            assert join.add('depth', stamp * 10 * S, 'd', 0) is not None
    assert join.joined == 6
    assert join.drops == {}
    assert join.jumps == 2


def test_second_stream_that_jumps_keeps_what_the_first_sent_since():
    join = pair()
    join.add('mask', 100 * S, 'm', 0)
    join.add('depth', 99 * S, 'd', 0)
    join.add('mask', 1 * S, 'new', 0)
    assert join.add('depth', 1 * S, 'd', 0).items['mask'] == 'new'
    assert join.jumps == 2


def test_small_step_back_is_reordering_not_a_jump():
    join = pair(jump_back_ns=S)
    join.add('mask', 10 * S, 'm', 0)
    join.add('mask', 10 * S - S + 1, 'm', 0)
    assert join.jumps == 0
    assert join.waiting['mask'] == 2


def test_memory_is_bounded_and_the_oldest_arrival_goes():
    join = pair(capacity=3)
    for stamp in range(10):
        join.add('mask', stamp, stamp, 0)
    assert join.waiting['mask'] == 3
    assert join.drops == {'overflow': 7}
    assert join.add('depth', 9, 'd', 0).items['mask'] == 9


def test_item_that_fills_the_stream_is_still_joined():
    join = pair(capacity=1)
    join.add('depth', 2, 'd', 0)
    join.add('mask', 1, 'old', 0)
    assert join.add('mask', 2, 'm', 0).items['mask'] == 'm'


def test_reset_forgets_without_counting():
    join = pair()
    join.add('mask', 5, 'm', 0)
    join.reset()
    assert join.waiting == {'mask': 0, 'depth': 0}
    assert join.drops == {}


def test_unknown_stream_is_refused_naming_the_known_ones():
    with pytest.raises(ValueError, match='mask'):
        pair().add('odometry', 0, None, 0)


@pytest.mark.parametrize(
    ('streams', 'options'),
    [
        (('a',), {}),
        (('a', 'a'), {}),
        (('a', 'b'), {'tolerance_ns': -1}),
        (('a', 'b'), {'deadline_ns': 0}),
        (('a', 'b'), {'capacity': 0}),
        (('a', 'b'), {'jump_back_ns': 0}),
    ],
)
def test_senseless_options_are_refused(streams, options):
    with pytest.raises(ValueError, match='StampJoin'):
        StampJoin(streams, **options)


@given(
    st.lists(
        st.tuples(st.sampled_from('abc'), st.integers(-3 * S, 3 * S), st.integers(0, 200 * MS)),
        max_size=80,
    ),
    st.sampled_from([0, 5, 100 * MS]),
)
def test_any_traffic_keeps_the_balance_and_the_bounds(traffic, tolerance_ns):
    join = StampJoin('abc', tolerance_ns=tolerance_ns, capacity=4, deadline_ns=300 * MS)
    now_ns = 0
    for stream, stamp_ns, step_ns in traffic:
        now_ns += step_ns
        joined = join.add(stream, stamp_ns, (stream, stamp_ns), now_ns)
        if joined:
            assert {name: item[0] for name, item in joined.items.items()} == dict(
                zip('abc', 'abc', strict=True)
            )
            stamps = [item[1] for item in joined.items.values()]
            assert all(abs(stamp - joined.stamp_ns) <= tolerance_ns for stamp in stamps)
        assert max(join.waiting.values()) <= 4
    accounted = 3 * join.joined + sum(join.drops.values()) + sum(join.waiting.values())
    assert accounted == len(traffic)
