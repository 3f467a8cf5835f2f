"""Bags of both storage formats give frames with the stamps of their headers."""

import numpy as np
import pytest
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from perception_nodes.imaging.sources import RecordedFrame, SourceError, SourceOptions
from perception_nodes.imaging.sources.bag import BagSource

RAW = SourceOptions(topic='/camera/image_raw')
COMPRESSED = SourceOptions(topic='/camera/image_raw/compressed')


def test_raw_frames_come_with_stamp_and_frame_and_a_bad_one_is_counted(bag_path, read_index):
    with BagSource(bag_path, RAW) as source:
        frames = list(source)
    assert [read_index(frame) for frame in frames] == [0, 1, 2, 4, 5]
    assert frames[0].stamp_ns == 100 * 10**9 + 5
    assert frames[0].frame_id == 'recorded_frame'
    assert source.skipped == {'bad_step': 1}


def test_compressed_frames_keep_their_bytes(bag_path, read_index):
    frames = list(BagSource(bag_path, COMPRESSED))
    assert [read_index(frame) for frame in frames] == list(range(6))
    assert all(isinstance(frame, RecordedFrame) for frame in frames)
    assert frames[0].compressed.startswith(b'\xff\xd8\xff')
    assert frames[0].compressed_format == 'bgr8; jpeg compressed bgr8'


def test_frame_id_can_be_overridden(bag_path):
    options = SourceOptions(topic=RAW.topic, frame_id='camera')
    assert next(iter(BagSource(bag_path, options))).frame_id == 'camera'


def test_size_rate_and_length_are_known(bag_path):
    for options in (RAW, COMPRESSED):
        source = BagSource(bag_path, options)
        assert (source.size_wh, source.length) == ((64, 48), 6)
        assert source.rate_hz == pytest.approx(1.0, rel=0.01)


def test_bag_plays_twice(bag_path):
    source = BagSource(bag_path, COMPRESSED)
    first = [frame.stamp_ns for frame in source]
    assert [frame.stamp_ns for frame in source] == first
    assert np.all(np.diff(first) == 10**9)


@pytest.mark.parametrize('topic', ['', '/camera/camera_info', '/nowhere'])
def test_wrong_topic_lists_the_image_topics(bag_path, topic):
    with pytest.raises(SourceError) as caught:
        BagSource(bag_path, SourceOptions(topic=topic))
    text = str(caught.value)
    assert '/camera/image_raw [Image]' in text
    assert '/camera/image_raw/compressed [CompressedImage]' in text
    assert 'camera_info [' not in text


def test_single_storage_file_is_a_bag(bag_path, read_index):
    path = next(item for item in bag_path.iterdir() if item.suffix in ('.mcap', '.db3'))
    assert len(list(BagSource(path, COMPRESSED))) == 6


@pytest.mark.parametrize('name', ['x.mcap', 'x.db3'])
@pytest.mark.parametrize('content', [b'', b'rubbish' * 50])
def test_broken_bag_is_refused_with_the_cure(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(SourceError, match=r'reindex|image topics in this bag: none'):
        BagSource(path, RAW)


def test_message_that_cannot_be_read_is_skipped_and_counted(tmp_path):
    store = get_typestore(Stores.ROS2_JAZZY)
    with Writer(tmp_path / 'bag', version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        kind = 'sensor_msgs/msg/Image'
        connection = writer.add_connection('/image', kind, typestore=store)
        for index, data in enumerate((b'', b'\x00\x01\x00\x00', b'\x00\x01' + b'\xff' * 60)):
            writer.write(connection, index, data)
    source = BagSource(tmp_path / 'bag')
    with pytest.raises(SourceError, match='no readable frame'):
        _ = source.size_wh
    assert list(source) == []
    assert source.skipped == {'broken_message': 3}


def test_pixel_limit_skips_frames(bag_path):
    source = BagSource(bag_path, SourceOptions(topic=COMPRESSED.topic, max_pixels=10))
    assert list(source) == []
    assert source.skipped == {'too_large': 6}


def test_closing_twice_is_harmless(bag_path):
    source = BagSource(bag_path, RAW)
    source.close()
    source.close()
