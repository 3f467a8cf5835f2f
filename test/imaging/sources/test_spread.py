"""Frames spread evenly over recordings of any kind."""

import itertools
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from perception_nodes.imaging.sources import spread
from perception_nodes.imaging.sources.spread import spread_frames


def test_frames_are_spread_over_folders_and_videos(tmp_path):
    folder = tmp_path / 'many'
    folder.mkdir()
    for number in range(10):
        cv2.imwrite(str(folder / f'{number}.png'), np.full((8, 8, 3), number, np.uint8))
    values = [int(frame.pixels[0, 0, 0]) for frame in spread_frames([str(folder)], 5)]
    assert values == [1, 3, 5, 7, 9]
    assert len(list(spread_frames([str(folder)], 64))) == 10
    assert len(list(spread_frames([str(folder), str(folder)], 4))) == 4
    with pytest.raises(ValueError, match='does not exist'):
        next(spread_frames([str(tmp_path / 'nowhere')], 4))


def test_frames_come_out_of_a_bag(tmp_path):
    store = get_typestore(Stores.ROS2_JAZZY)
    types = store.types
    with Writer(tmp_path / 'drive', version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        topics = [
            writer.add_connection(name, 'sensor_msgs/msg/Image', typestore=store)
            for name in ('/front/image_raw', '/rear/image_raw')
        ]
        for number, topic in itertools.product(range(6), topics):
            stamp = types['builtin_interfaces/msg/Time'](sec=number, nanosec=0)
            message = types['sensor_msgs/msg/Image'](
                header=types['std_msgs/msg/Header'](stamp=stamp, frame_id='camera'),
                height=4, width=4, encoding='rgb8', is_bigendian=0, step=12,
                data=np.full(48, 40 * number, np.uint8),
            )  # fmt: skip
            data = store.serialize_cdr(message, message.__msgtype__)
            writer.write(topic, number * 10**9, data)
    frames = spread_frames([str(tmp_path / 'drive')], 3, topic='/rear/image_raw')
    assert [int(frame.pixels[0, 0, 0]) for frame in frames] == [40, 120, 200]
    with pytest.raises(ValueError, match='no topic given'):
        next(spread_frames([str(tmp_path / 'drive')], 3))


def test_a_live_camera_is_refused(monkeypatch):
    camera = SimpleNamespace(live=True, close=lambda: None)
    monkeypatch.setattr(spread, 'open_source', lambda *_: camera)
    with pytest.raises(ValueError, match='live camera'):
        next(spread_frames(['webcam:0'], 4))
