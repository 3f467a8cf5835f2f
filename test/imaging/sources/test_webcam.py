"""Cameras are opened by number, path or URL, or say why not."""

import itertools
import threading

import pytest

from perception_nodes.imaging.sources import SourceError, SourceOptions
from perception_nodes.imaging.sources.webcam import WebcamSource


@pytest.mark.parametrize('device', ['97', '/dev/video97'])
def test_absent_camera_is_refused_listing_those_present(device):
    with pytest.raises(SourceError, match=f"'{device}' cannot be opened; cameras present: "):
        WebcamSource(device)


def read_to_the_end(source):
    """Return the frames that come before the source says that it broke."""
    frames = []
    with pytest.raises(SourceError, match='stopped delivering'):
        collect(source, frames)
    return frames


def collect(source, frames):
    for frame in source:
        frames.append(frame)


def test_live_frames_are_stamped_on_arrival_and_the_last_one_is_seen(video_path, read_index):
    clock = itertools.count(0, 7)
    source = WebcamSource(
        str(video_path), SourceOptions(frame_id='camera'), clock_ns=lambda: next(clock)
    )
    frames = read_to_the_end(source)
    indices = [read_index(frame) for frame in frames]
    assert indices == sorted(set(indices))
    assert indices[-1] == 9
    assert [frame.stamp_ns for frame in frames] == [7 * index for index in indices]
    assert (source.size_wh, source.length, source.live) == ((64, 48), None, True)


def test_slow_reader_gets_the_newest_frame(video_path, read_index):
    stamped = threading.Event()

    def clock_ns():
        calls.append(0)
        if len(calls) == 10:
            stamped.set()
        return len(calls)

    calls = []
    source = WebcamSource(str(video_path), clock_ns=clock_ns)
    frames = iter(source)
    first = read_index(next(frames))
    assert stamped.wait(5)
    source._reader.join(5)
    rest = [read_index(frame) for frame in itertools.islice(frames, 1)] if first < 9 else [9]
    assert rest == [9]


def test_closing_ends_the_iteration(video_path):
    source = WebcamSource(str(video_path))
    frames = iter(source)
    next(frames)
    source.close()
    assert next(frames, None) is None
    source.close()


def test_pixel_limit_is_checked_before_the_first_picture(video_path):
    with pytest.raises(SourceError, match='too_large'):
        WebcamSource(str(video_path), SourceOptions(max_pixels=1))
