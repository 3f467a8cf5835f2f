import pytest

from perception_nodes.streaming import NotYetError, WaitingQueue

MS = 1_000_000


@pytest.fixture
def there():
    return set()


@pytest.fixture
def queue(there):
    def complete(item):
        if item not in there:
            raise NotYetError('missing', f'{item} is missing', may_come=item != 'never')
        return item.upper()

    return WaitingQueue(complete, deadline_ns=100 * MS, capacity=2)


def test_empty_queue_gives_nothing(queue):
    assert queue.poll(0) == ([], [])


def test_item_is_delivered_once_as_soon_as_it_is_complete(queue, there):
    queue.add('a', 0)
    assert queue.poll(0) == ([], [])
    there.add('a')
    assert queue.poll(50 * MS) == (['A'], [])
    assert (queue.poll(60 * MS), len(queue)) == (([], []), 0)


def test_item_is_given_up_at_its_deadline_with_what_was_missing(queue):
    queue.add('a', 0)
    assert queue.poll(99 * MS) == ([], [])
    ready, (given_up,) = queue.poll(100 * MS)
    assert (ready, given_up.item, given_up.error.reason) == ([], 'a', 'missing')


def test_what_cannot_come_is_given_up_at_once(queue):
    queue.add('never', 0)
    assert [lost.item for lost in queue.poll(0)[1]] == ['never']


def test_oldest_is_given_up_when_too_many_wait(queue):
    for item in 'abc':
        queue.add(item, 0)
    assert [lost.item for lost in queue.poll(0)[1]] == ['a']
    assert len(queue) == 2


def test_later_item_does_not_wait_for_an_earlier_one(queue, there):
    queue.add('a', 0)
    queue.add('b', 0)
    there.add('b')
    assert queue.poll(0) == (['B'], [])


def test_useless_settings_are_refused():
    with pytest.raises(ValueError, match='capacity ≥ 1'):
        WaitingQueue(str, deadline_ns=1, capacity=0)
