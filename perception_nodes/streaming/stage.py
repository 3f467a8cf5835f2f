"""
The two halves of a node that know nothing of ROS: what computes, and what delivers.

A node is a :class:`Stage` behind a :class:`FrameFeed`. The feed may be a DDS subscription, or a
:class:`QueueFeed` through which several stages in one process share one decoded picture.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar, runtime_checkable

In_contra = TypeVar('In_contra', contravariant=True)
Out_co = TypeVar('Out_co', covariant=True)
T = TypeVar('T')
T_co = TypeVar('T_co', covariant=True)


@runtime_checkable
class Stage(Protocol[In_contra, Out_co]):
    """
    A computation from one item to one result, called from one thread at a time.

    Loading and checking happen in the constructor, which raises on broken configuration.
    """

    def warm_up(self) -> None:
        """Do once what would make the first ``process`` slow."""

    def process(self, item: In_contra) -> Out_co:
        """Return the result for one item; empty input gives an empty result, never None."""

    def close(self) -> None:
        """Free memory and devices; may be called twice."""


@runtime_checkable
class FrameFeed(Protocol[T_co]):
    """A source that calls back once per item, from a thread of its own choice."""

    def start(self, callback: Callable[[T_co], object]) -> None:
        """Deliver to ``callback`` from now on; it must return quickly and must not raise."""

    def stop(self) -> None:
        """Deliver nothing any more; may be called twice, and ``start`` may follow."""


class QueueFeed(Generic[T]):
    """
    An in-process :class:`FrameFeed`: ``publish`` hands one object to every branch.

    Nothing is queued or copied here; each branch ends in a mailbox of its own, so that a slow
    stage drops its own frames and never those of its neighbours. Items must not be changed by
    the stages that share them.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._callback: Callable[[T], object] | None = None
        self._branches: list[QueueFeed[T]] = []

    def branch(self) -> QueueFeed[T]:
        """Return a further feed that delivers the same items to another stage."""
        child: QueueFeed[T] = QueueFeed()
        with self._lock:
            self._branches.append(child)
        return child

    def publish(self, item: T) -> int:
        """
        Deliver one item to this feed and all its branches.

        :returns: how many callbacks got it; 0 when nobody listens.
        """
        with self._lock:
            callback, branches = self._callback, tuple(self._branches)
        if callback is not None:
            callback(item)
        return int(callback is not None) + sum(child.publish(item) for child in branches)

    def start(self, callback: Callable[[T], object]) -> None:
        """
        Deliver to ``callback`` from the thread that publishes.

        :raises RuntimeError: when the feed already has a callback; ``stop`` it, or ``branch``.
        """
        with self._lock:
            if self._callback is not None:
                raise RuntimeError('QueueFeed already started: call stop() first, or branch()')
            self._callback = callback

    def stop(self) -> None:
        """Deliver nothing to the callback any more; branches are not affected."""
        with self._lock:
            self._callback = None
