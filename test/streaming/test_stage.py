"""Stages share one item through branches of a feed."""

import pytest

from perception_nodes.streaming import FrameFeed, NewestMailbox, QueueFeed, Stage


class Doubling:
    def warm_up(self):
        pass

    def process(self, item):
        return 2 * item

    def close(self):
        pass


def test_plain_class_with_three_methods_is_a_stage():
    assert isinstance(Doubling(), Stage)
    assert isinstance(QueueFeed(), FrameFeed)


def test_publish_without_listener_reaches_nobody():
    assert QueueFeed().publish(1) == 0


def test_two_branches_get_the_same_object():
    feed, seen = QueueFeed(), []
    for _ in range(2):
        feed.branch().start(seen.append)
    item = object()
    assert feed.publish(item) == 2
    assert seen == [item, item]
    assert seen[0] is seen[1]


def test_stopped_branch_gets_nothing_and_the_other_goes_on():
    feed, left, right = QueueFeed(), [], []
    one, two = feed.branch(), feed.branch()
    one.start(left.append)
    two.start(right.append)
    one.stop()
    one.stop()
    feed.publish(1)
    assert (left, right) == ([], [1])
    one.start(left.append)
    feed.publish(2)
    assert (left, right) == ([2], [1, 2])


def test_second_start_is_refused_with_the_cure():
    feed = QueueFeed()
    feed.start(print)
    with pytest.raises(RuntimeError, match=r'branch\(\)'):
        feed.start(print)


def test_slow_branch_drops_its_own_frames_only():
    feed = QueueFeed()
    slow, fast = NewestMailbox(), NewestMailbox()
    feed.branch().start(slow.put)
    feed.branch().start(fast.put)
    results = []
    for item in range(3):
        feed.publish(item)
        results.append(Doubling().process(fast.take(0)))
    assert results == [0, 2, 4]
    assert slow.take(0) == 2
    assert (slow.counts.dropped, fast.counts.dropped) == (2, 0)
