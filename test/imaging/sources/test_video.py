"""Videos give frames with presentation times, and say when they are broken."""

import numpy as np
import pytest

from perception_nodes.imaging.sources import SourceError, SourceOptions
from perception_nodes.imaging.sources.video import VideoSource


def test_frames_come_in_order_with_their_presentation_times(video_path, read_index):
    with VideoSource(video_path, SourceOptions(frame_id='camera')) as source:
        frames = list(source)
    assert [read_index(frame) for frame in frames] == list(range(10))
    assert [frame.stamp_ns for frame in frames] == [10**9 + i * 50_000_000 for i in range(10)]
    assert {frame.frame_id for frame in frames} == {'camera'}
    assert not source.skipped


def test_header_is_known_before_the_first_frame(video_path):
    source = VideoSource(video_path)
    assert (source.size_wh, source.rate_hz, source.length) == ((64, 48), 20.0, 10)


def test_second_iteration_starts_at_the_first_frame(video_path, read_index):
    source = VideoSource(video_path)
    assert read_index(next(iter(source))) == 0
    assert read_index(next(iter(source))) == 0
    source.close()
    source.close()


def test_first_stamp_can_be_chosen(video_path):
    source = VideoSource(video_path, SourceOptions(first_stamp_ns=5))
    assert next(iter(source)).stamp_ns == 5


def test_frames_kept_by_the_reader_are_not_overwritten(video_path):
    frames = list(VideoSource(video_path))
    assert not np.shares_memory(frames[0].pixels, frames[1].pixels)


@pytest.mark.parametrize('content', [b'', b'this is no video' * 100])
def test_file_that_is_no_video_is_refused_with_the_cure(tmp_path, content):
    path = tmp_path / 'broken.mp4'
    path.write_bytes(content)
    with pytest.raises(SourceError, match=r'broken\.mp4.*ffmpeg'):
        VideoSource(path)


def test_cut_off_video_ends_early_and_counts_what_is_missing(tmp_path, video_path):
    chunks = video_path.read_bytes().split(b'00dc')
    path = tmp_path / 'cut.avi'
    path.write_bytes(b'00dc'.join(chunks[:7]))
    source = VideoSource(path)
    assert source.length == 10
    count = len(list(source))
    assert 4 <= count <= 6
    assert source.skipped == {'cut_off': 10 - count}


def test_pixel_limit_is_checked_before_decoding(video_path):
    with pytest.raises(SourceError, match='3072 pixels, allowed are 3071'):
        VideoSource(video_path, SourceOptions(max_pixels=3071))


@pytest.mark.data
def test_real_driving_video_plays_completely_with_increasing_stamps(shared_data):
    source = VideoSource(shared_data / 'lane_video' / 'solidWhiteRight.mp4')
    stamps = [frame.stamp_ns for frame in source]
    assert source.size_wh == (960, 540)
    assert len(stamps) in (221, 222)
    assert set(np.diff(stamps)) == {40_000_000}
