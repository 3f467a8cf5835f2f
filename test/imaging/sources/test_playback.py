"""Playback delivers every frame at its pace, and ends or stops cleanly."""

import itertools
import threading

import numpy as np
import pytest

from perception_nodes.imaging.sources import Playback
from perception_nodes.imaging.sources.folder import FolderSource
from perception_nodes.imaging.sources.source import SourceOptions
from perception_nodes.imaging.sources.webcam import WebcamSource
from perception_nodes.streaming import (
    FixedRatePacing,
    FrameFeed,
    OnDemandPacing,
    RealTimePacing,
)
from perception_nodes.structures import Frame

WAIT_S = 10
FAST = 2000.0


class Listener:
    """Collects frames and the end of playback, and lets a test wait for both."""

    def __init__(self, wanted=None):
        self.frames = []
        self.ends = []
        self.enough = threading.Event()
        self.ended = threading.Event()
        self.wanted = wanted

    def take(self, frame):
        self.frames.append(frame)
        if len(self.frames) == self.wanted:
            self.enough.set()

    def end(self, end):
        self.ends.append(end)
        self.ended.set()


def test_playback_is_a_frame_feed(picture_folder):
    assert isinstance(Playback(FolderSource(picture_folder), RealTimePacing()), FrameFeed)


def test_every_frame_is_delivered_once_and_the_end_is_told(picture_folder, read_index):
    listener = Listener()
    playback = Playback(
        FolderSource(picture_folder), FixedRatePacing(rate_hz=FAST), on_end=listener.end
    )
    playback.start(listener.take)
    assert listener.ended.wait(WAIT_S)
    assert playback.stop()
    assert [read_index(frame) for frame in listener.frames] == list(range(12))
    assert [(end.delivered, end.error) for end in listener.ends] == [(12, '')]
    assert (playback.delivered, playback.passes) == (12, 1)


def test_loop_starts_over_until_it_is_stopped(picture_folder, read_index):
    listener = Listener(wanted=30)
    playback = Playback(
        FolderSource(picture_folder),
        FixedRatePacing(rate_hz=FAST),
        loop=True,
        on_end=listener.end,
    )
    playback.start(listener.take)
    assert listener.enough.wait(WAIT_S)
    assert playback.stop()
    assert [read_index(frame) for frame in listener.frames[:24]] == [*range(12)] * 2
    assert listener.ends == []


def test_on_demand_sends_the_next_frame_only_after_the_answer(picture_folder):
    listener = Listener()
    stamps = itertools.count(500)
    playback = Playback(
        FolderSource(picture_folder),
        OnDemandPacing(answer_timeout_s=60),
        restamp=lambda: next(stamps),
        on_end=listener.end,
    )
    order = []

    def take_and_answer(frame):
        order.append(('sent', frame.stamp_ns))
        listener.take(frame)
        threading.Thread(target=answer, args=(frame.stamp_ns,)).start()

    def answer(stamp_ns):
        playback.answered(stamp_ns - 1)
        order.append(('answered', stamp_ns))
        playback.answered(stamp_ns)

    playback.start(take_and_answer)
    assert listener.ended.wait(WAIT_S)
    playback.stop()
    assert [stamp for what, stamp in order if what == 'sent'] == list(range(500, 512))
    for stamp in range(500, 511):
        assert order.index(('answered', stamp)) < order.index(('sent', stamp + 1))
    assert playback.slips == 0


def test_answer_inside_the_callback_is_not_lost(picture_folder):
    listener = Listener()
    playback = Playback(
        FolderSource(picture_folder), OnDemandPacing(answer_timeout_s=60), on_end=listener.end
    )
    playback.start(lambda frame: playback.answered(frame.stamp_ns))
    assert listener.ended.wait(WAIT_S)
    assert playback.delivered == 12


def test_end_is_told_after_the_answer_to_the_last_frame(picture_folder):
    listener = Listener(wanted=1)
    playback = Playback(
        FolderSource(picture_folder / 'frame_3.png'),
        OnDemandPacing(answer_timeout_s=60),
        on_end=listener.end,
    )
    playback.start(listener.take)
    assert listener.enough.wait(WAIT_S)
    assert not listener.ended.wait(0.05)
    playback.answered(listener.frames[0].stamp_ns)
    assert listener.ended.wait(WAIT_S)


def test_lost_answers_do_not_stall_playback(picture_folder):
    listener = Listener()
    playback = Playback(
        FolderSource(picture_folder), OnDemandPacing(answer_timeout_s=0.005), on_end=listener.end
    )
    playback.start(listener.take)
    assert listener.ended.wait(WAIT_S)
    assert len(listener.frames) == 12
    assert playback.slips == 12


def test_paused_playback_holds_frames_until_it_is_resumed(picture_folder):
    listener = Listener(wanted=1)
    playback = Playback(
        FolderSource(picture_folder), FixedRatePacing(rate_hz=FAST), on_end=listener.end
    )
    playback.pause()
    playback.start(listener.take)
    assert not listener.enough.wait(0.05)
    assert playback.paused
    playback.resume()
    assert listener.ended.wait(WAIT_S)
    assert len(listener.frames) == 12


def test_real_time_takes_as_long_as_the_stamps_say(picture_folder):
    source = FolderSource(picture_folder, SourceOptions(rate_hz=100))
    listener = Listener()
    times = []
    playback = Playback(source, RealTimePacing(max_lag_s=60), on_end=listener.end)
    playback.start(lambda frame: times.append(playback._steady_ns()))
    assert listener.ended.wait(WAIT_S)
    assert times[-1] - times[0] >= 109_000_000


def test_source_that_breaks_ends_playback_with_its_error(video_path):
    listener = Listener()
    playback = Playback(
        WebcamSource(str(video_path)), FixedRatePacing(rate_hz=FAST), on_end=listener.end
    )
    playback.start(listener.take)
    assert listener.ended.wait(WAIT_S)
    assert 1 <= len(listener.frames) <= 10
    assert 'stopped delivering' in listener.ends[0].error


class Camera:
    """A live source whose frames count how often it was asked."""

    live = True

    def __init__(self):
        self.asked = 0

    def __iter__(self):
        while True:
            self.asked += 1
            yield Frame(pixels=np.zeros((2, 2, 3), np.uint8), stamp_ns=self.asked)


def test_live_frame_is_taken_only_when_its_turn_has_come():
    camera, listener = Camera(), Listener(wanted=1)
    playback = Playback(camera, OnDemandPacing(answer_timeout_s=60))
    playback.pause()
    playback.start(listener.take)
    assert not listener.enough.wait(0.05)
    assert camera.asked == 0
    playback.resume()
    assert listener.enough.wait(WAIT_S)
    assert playback.stop()
    assert camera.asked == 1


def test_looping_source_without_readable_frames_ends_instead_of_spinning(tmp_path):
    (tmp_path / 'a.png').write_bytes(b'x')
    listener = Listener()
    playback = Playback(FolderSource(tmp_path), RealTimePacing(), loop=True, on_end=listener.end)
    playback.start(listener.take)
    assert listener.ended.wait(WAIT_S)
    assert listener.ends[0].error == 'the source holds no readable frame'


def test_stop_interrupts_a_long_wait_and_playback_starts_again(picture_folder, read_index):
    source = FolderSource(picture_folder, SourceOptions(rate_hz=0.25))
    listener = Listener(wanted=1)
    playback = Playback(source, RealTimePacing(), on_end=listener.end)
    playback.start(listener.take)
    assert listener.enough.wait(WAIT_S)
    assert playback.stop(timeout_s=2)
    assert playback.stop()
    again = Listener(wanted=1)
    playback.start(again.take)
    assert again.enough.wait(WAIT_S)
    playback.stop()
    assert read_index(again.frames[0]) == 0
    assert listener.ends == []


def test_second_start_is_refused(picture_folder):
    playback = Playback(FolderSource(picture_folder), RealTimePacing())
    playback.start(lambda frame: None)
    with pytest.raises(RuntimeError, match=r'stop\(\)'):
        playback.start(lambda frame: None)
    playback.stop()
