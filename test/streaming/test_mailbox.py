"""The newest item wins, and nothing disappears uncounted."""

import threading

from hypothesis import given
from hypothesis import strategies as st

from perception_nodes.streaming import MailboxCounts, NewestMailbox


def test_empty_mailbox_gives_none_without_waiting():
    assert NewestMailbox().take(0) is None


def test_second_put_replaces_the_first_and_counts_it_dropped():
    mailbox = NewestMailbox()
    mailbox.put('old')
    mailbox.put('new')
    assert mailbox.take(0) == 'new'
    assert mailbox.take(0) is None
    assert mailbox.counts == MailboxCounts(received=2, taken=1, dropped=1, waiting=0)


def test_clear_counts_the_waiting_item_as_dropped():
    mailbox = NewestMailbox()
    mailbox.put(1)
    mailbox.clear()
    assert mailbox.take(0) is None
    assert mailbox.counts == MailboxCounts(received=1, dropped=1)


def test_closed_mailbox_refuses_items_and_drops_the_waiting_one():
    mailbox = NewestMailbox()
    mailbox.put(1)
    mailbox.close()
    assert mailbox.put(2) is False
    assert mailbox.take(None) is None
    assert mailbox.counts == MailboxCounts(received=1, dropped=1)


def test_close_wakes_a_taker_that_waits_for_ever():
    mailbox = NewestMailbox()
    taken = []
    taker = threading.Thread(target=lambda: taken.append(mailbox.take(None)))
    taker.start()
    mailbox.close()
    taker.join(5)
    assert not taker.is_alive()
    assert taken == [None]


def test_put_wakes_a_waiting_taker():
    mailbox = NewestMailbox()
    taken = []
    taker = threading.Thread(target=lambda: taken.append(mailbox.take(5)))
    taker.start()
    mailbox.put('frame')
    taker.join(5)
    assert taken == ['frame']


def test_four_producers_and_a_taker_lose_nothing_uncounted():
    mailbox = NewestMailbox()
    taken = []

    def take_all():
        while (item := mailbox.take(None)) is not None:
            taken.append(item)

    taker = threading.Thread(target=take_all)
    taker.start()
    producers = [
        threading.Thread(target=lambda k=k: [mailbox.put((k, i)) for i in range(500)])
        for k in range(4)
    ]
    for producer in producers:
        producer.start()
    for producer in producers:
        producer.join(10)
    mailbox.close()
    taker.join(10)
    counts = mailbox.counts
    assert counts.received == 2000
    assert counts.taken == len(taken)
    assert counts.taken + counts.dropped == 2000
    for k in range(4):
        own = [i for producer, i in taken if producer == k]
        assert own == sorted(own)


@given(st.lists(st.sampled_from(['put', 'take', 'clear'])))
def test_any_sequence_keeps_the_balance(actions):
    mailbox = NewestMailbox()
    for action in actions:
        {'put': lambda: mailbox.put(1), 'take': lambda: mailbox.take(0), 'clear': mailbox.clear}[
            action
        ]()
        counts = mailbox.counts
        assert counts.received == counts.taken + counts.dropped + counts.waiting
    assert mailbox.counts.received == actions.count('put')
