"""Playing a source at its pace, as a feed of frames."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from perception_nodes.imaging.sources.source import FrameSource
from perception_nodes.streaming import Pacing
from perception_nodes.structures import Frame

_log = logging.getLogger(__name__)

_LONGEST_WAIT_S = 1.0
_NS = 1_000_000_000


@dataclass(frozen=True, kw_only=True)
class PlaybackEnd:
    """
    How playback ended by itself.

    :param delivered: frames delivered in all.
    :param error: empty at a regular end, else what broke.
    """

    delivered: int
    error: str = ''


class Playback:
    """
    A :class:`~perception_nodes.streaming.FrameFeed` that reads and paces in its own thread.

    :param source: read from the start at every ``start``; not closed here.
    :param pacing: when each frame goes out.
    :param loop: begin again at the end; stamps of a recording jump back then.
    :param restamp: gives the stamp at delivery instead of the recorded one.
    :param on_end: called once, in the playback's thread, unless ``stop`` came first.
    :param steady_ns: the clock that pacing sees.
    """

    def __init__(
        self,
        source: FrameSource,
        pacing: Pacing,
        *,
        loop: bool = False,
        restamp: Callable[[], int] | None = None,
        on_end: Callable[[PlaybackEnd], object] = lambda end: None,
        steady_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._source = source
        self._pacing = pacing
        self._loop = loop
        self._restamp = restamp
        self._on_end = on_end
        self._steady_ns = steady_ns
        self._changed = threading.Condition()
        self._stopping = False
        self._paused = False
        self._delivered = 0
        self._passes = 0
        self._sent: tuple[int, int] | None = None
        self._thread: threading.Thread | None = None

    @property
    def delivered(self) -> int:
        """Frames delivered since the first start."""
        return self._delivered

    @property
    def passes(self) -> int:
        """How often the source was played to its end."""
        return self._passes

    @property
    def slips(self) -> int:
        """How often the pacing gave up its schedule or a lost answer."""
        return self._pacing.slips

    @property
    def paused(self) -> bool:
        """Whether frames are held back."""
        return self._paused

    def start(self, callback: Callable[[Frame], object]) -> None:
        """
        Play from the first frame.

        :raises RuntimeError: while it is playing.
        """
        if self._thread is not None:
            raise RuntimeError('Playback already started: call stop() first')
        self._stopping = False
        self._pacing.restart()
        self._thread = threading.Thread(
            target=self._run, args=(callback,), name='playback', daemon=True
        )
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> bool:
        """
        End playback; may be called twice.

        :returns: False when the thread is still reading after ``timeout_s`` seconds.
        """
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout_s)
            if thread.is_alive():
                return False
        self._thread = None
        return True

    def pause(self) -> None:
        """Hold frames back from the next one on."""
        with self._changed:
            self._paused = True

    def resume(self) -> None:
        """Go on with the next frame, on a new schedule."""
        with self._changed:
            if self._paused:
                self._paused = False
                self._pacing.restart()
                self._changed.notify_all()

    def answered(self, stamp_ns: int) -> None:
        """Take note of a result for the frame that went out with this stamp."""
        with self._changed:
            if self._sent is not None and self._sent[0] == stamp_ns:
                self._pacing.answered(self._sent[1])
                self._changed.notify_all()

    def _run(self, callback: Callable[[Frame], object]) -> None:
        error = ''
        try:
            while self._play_once(callback) and self._loop and not self._stopping:
                pass
            self._wait_for_last_answer()
        except Exception as failure:
            _log.exception('playback ended by an error')
            error = f'{type(failure).__name__}: {failure}'
        if not self._stopping:
            if not self._delivered and not error:
                error = 'the source holds no readable frame'
            self._on_end(PlaybackEnd(delivered=self._delivered, error=error))

    def _play_once(self, callback: Callable[[Frame], object]) -> bool:
        """Play the source once; returns whether it delivered anything."""
        before = self._delivered
        for frame in self._live_frames() if self._source.live else self._source:
            sent = self._wait_for_turn(frame)
            if sent is None:
                return False
            callback(sent)
            self._delivered += 1
        self._passes += 1
        return self._delivered > before

    def _live_frames(self) -> Iterator[Frame]:
        """Yield frames that are taken only when their turn has come: they grow old otherwise."""
        frames = iter(self._source)
        while True:
            with self._changed:
                if not self._wait(0):
                    return
            frame = next(frames, None)
            if frame is None:
                return
            yield frame

    def _wait_for_turn(self, frame: Frame) -> Frame | None:
        """Wait until the frame is due; returns it with its final stamp, None to stop."""
        with self._changed:
            if not self._wait(frame.stamp_ns):
                return None
            return self._send(frame, self._steady_ns())

    def _wait_for_last_answer(self) -> None:
        """Let the end be told after the result of the last frame, where one is waited for."""
        with self._changed:
            if self._sent is not None:
                self._wait(self._sent[1])

    def _wait(self, stamp_ns: int) -> bool:
        """Wait, holding the lock, until a stamp is due; returns False to stop."""
        while not self._stopping:
            wait_ns = 0 if self._paused else self._pacing.wait_ns(stamp_ns, self._steady_ns())
            if not self._paused and wait_ns <= 0:
                return True
            wait_s = wait_ns / _NS if wait_ns > 0 else _LONGEST_WAIT_S
            self._changed.wait(min(wait_s, _LONGEST_WAIT_S))
        return False

    def _send(self, frame: Frame, now_ns: int) -> Frame:
        """Note the frame before it leaves: an answer may come before the callback returns."""
        self._pacing.published(frame.stamp_ns, now_ns)
        sent = frame if self._restamp is None else replace(frame, stamp_ns=self._restamp())
        self._sent = (sent.stamp_ns, frame.stamp_ns)
        return sent
