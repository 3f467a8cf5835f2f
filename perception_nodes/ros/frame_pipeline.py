"""From the subscription through mailbox and worker to a stage's results, all of it measured."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

from rclpy.node import Node

from perception_nodes.ros.diagnostics import Health
from perception_nodes.ros.frame_health import FrameMeter, SourceState, frame_health
from perception_nodes.ros.frame_subscription import Arrival
from perception_nodes.streaming import MailboxCounts, NewestMailbox, Worker

_log = logging.getLogger(__name__)

# A large network on a slow CPU may need seconds for the frame in work.
_STOP_TIMEOUT_S = 10.0
# A stream of bad images must not drown the log: the first of a kind, then every hundredth.
_LOG_EVERY = 100


class FrameSource(Protocol):
    """What a pipeline needs of where its frames come from."""

    topic: str

    @property
    def state(self) -> SourceState:
        """What diagnostics say about the source."""

    def start(self, callback: Callable[[Arrival], object]) -> None:
        """Subscribe."""

    def stop(self) -> None:
        """Unsubscribe; may be called twice."""


@dataclass(frozen=True, eq=False, kw_only=True)
class FrameJob:
    """
    One frame in the worker's hands.

    :param arrival: the message and when it came.
    :param frame: its pixels, a view on the message where the encoding allows it.
    :param taken_ns: steady time at which the worker took it out of the mailbox.
    :param converted_ns: steady time at which the pixels were there.
    """

    arrival: Arrival
    frame: Any
    taken_ns: int
    converted_ns: int


class FramePipeline:
    """
    Run a function on the newest frame in a thread of its own.

    Bad messages are counted under their reason and dropped; an error of ``work`` is counted and
    remembered. Neither ends the thread.

    :param node: whose clock gives the age of frames.
    :param subscription: where frames come from.
    :param convert: message to what ``work`` takes, a :class:`.Frame` for instance;
        ``ValueError`` (with a ``reason`` for the counter where it has one) means a bad message.
    :param work: called in the worker's thread with each frame; publishes the result and calls
        :meth:`note_published`.
    :param on_error: told about every error of ``work``.
    :param admit: rate limit: steady time of an arrival to whether it passes.
    """

    def __init__(
        self,
        node: Node,
        subscription: FrameSource,
        *,
        convert: Callable[[Any], Any],
        work: Callable[[FrameJob], object],
        on_error: Callable[[Exception], object],
        admit: Callable[[int], bool] = lambda now_ns: True,
    ) -> None:
        self._clock = node.get_clock()
        self._convert = convert
        self._work = work
        self._on_error = on_error
        self._admit = admit
        self._started_ns = 0
        self._mailbox: NewestMailbox[Arrival] = NewestMailbox()
        self._worker: Worker[Arrival] | None = None
        self.subscription = subscription
        self.meter = FrameMeter()
        self.enabled = True

    def health(self, **verdict: Any) -> Health:
        """Return level, cause and figures; for ``verdict`` see :func:`frame_health`."""
        return frame_health(
            self.meter,
            self.counts,
            self.subscription.state,
            now_ns=time.monotonic_ns(),
            started_ns=self._started_ns,
            paused=not self.enabled,
            **verdict,
        )

    @property
    def counts(self) -> MailboxCounts:
        """What went through the mailbox since the start."""
        return self._mailbox.counts

    def start(self) -> None:
        """Start the worker, then subscribe."""
        self._mailbox = NewestMailbox()
        self.meter = FrameMeter()
        self._started_ns = time.monotonic_ns()
        self._worker = Worker(
            self._mailbox, self._process, on_error=self._failed, name='frame worker'
        )
        self._worker.start()
        self.subscription.start(self._arrive)

    def stop(self) -> None:
        """
        Unsubscribe and wait for the frame in work; may be called twice.

        :raises RuntimeError: when the worker does not come back.
        """
        self.subscription.stop()
        worker, self._worker = self._worker, None
        if worker is not None and not worker.stop(_STOP_TIMEOUT_S):
            raise RuntimeError(f'the worker did not end within {_STOP_TIMEOUT_S} s')

    def note_published(self, job: FrameJob) -> int:
        """Note that the result of a frame is out; return the steady time in nanoseconds."""
        now_ns = time.monotonic_ns()
        self.meter.published(self._clock.now().nanoseconds - job.arrival.stamp_ns, now_ns)
        return now_ns

    def _arrive(self, arrival: Arrival) -> None:
        """Take a message on the executor's thread: nothing slow here."""
        self.meter.arrived(arrival.arrived_ns)
        if not self.enabled:
            self.meter.skip('paused')
        elif not self._admit(arrival.arrived_ns):
            self.meter.skip('rate limit')
        else:
            self._mailbox.put(arrival)

    def _process(self, arrival: Arrival) -> None:
        taken_ns = time.monotonic_ns()
        self.meter.begin(taken_ns)
        try:
            frame = self._convert(arrival.message)
        except ValueError as error:
            self._refuse(error)
            self.meter.end()
            return
        job = FrameJob(
            arrival=arrival, frame=frame, taken_ns=taken_ns, converted_ns=time.monotonic_ns()
        )
        self._work(job)
        self.meter.end()

    def _refuse(self, error: ValueError) -> None:
        reason = getattr(error, 'reason', None)
        reason = reason.value if isinstance(reason, Enum) else type(error).__name__
        count = self.meter.refuse(reason, str(error))
        if count % _LOG_EVERY == 1:
            _log.warning(
                'image on %s refused (%s, %d so far): %s',
                self.subscription.topic,
                reason,
                count,
                error,
            )

    def _failed(self, arrival: Arrival, error: Exception) -> None:
        self.meter.fail()
        self._on_error(error)
        if self.meter.failed % _LOG_EVERY == 1:
            _log.error('frame at %d ns failed: %s', arrival.stamp_ns, error, exc_info=error)
