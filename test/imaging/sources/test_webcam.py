"""Cameras are opened by number, path or URL, or say why not."""

import itertools

import pytest

from perception_nodes.imaging.sources import SourceError, SourceOptions
from perception_nodes.imaging.sources.webcam import WebcamSource


@pytest.mark.parametrize('device', ['97', '/dev/video97'])
def test_absent_camera_is_refused_listing_those_present(device):
    with pytest.raises(SourceError, match=f"'{device}' cannot be opened; cameras present: "):
        WebcamSource(device)


def test_live_frames_are_stamped_on_arrival(video_path, read_index):
    clock = itertools.count(100, 7)
    source = WebcamSource(
        str(video_path), SourceOptions(frame_id='camera'), clock_ns=lambda: next(clock)
    )
    frames = list(itertools.islice(source, 3))
    assert [frame.stamp_ns for frame in frames] == [100, 107, 114]
    assert [read_index(frame) for frame in frames] == [0, 1, 2]
    assert (source.size_wh, source.length) == ((64, 48), None)


def test_camera_that_stops_delivering_is_an_error(video_path):
    with pytest.raises(SourceError, match='stopped delivering'):
        list(WebcamSource(str(video_path)))


def test_closing_ends_the_iteration(video_path):
    source = WebcamSource(str(video_path))
    frames = iter(source)
    next(frames)
    source.close()
    assert next(frames, None) is None


def test_pixel_limit_is_checked_before_the_first_picture(video_path):
    with pytest.raises(SourceError, match='too_large'):
        WebcamSource(str(video_path), SourceOptions(max_pixels=1))
