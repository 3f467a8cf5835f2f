"""Small real recordings, written once per session."""

import cv2
import numpy as np
import pytest
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

SIZE_WH = (64, 48)


def picture(index):
    """Return a 64×48 BGR picture whose blue level tells its index, 20 levels apart."""
    pixels = np.full((SIZE_WH[1], SIZE_WH[0], 3), 100, np.uint8)
    pixels[:, :, 0] = 20 * index
    return pixels


def index_of(frame):
    """Return the index that a frame's blue level tells."""
    return round(float(frame.in_order('bgr')[:, :, 0].mean()) / 20)


@pytest.fixture(scope='session')
def read_index():
    return index_of


@pytest.fixture(scope='session')
def video_path(tmp_path_factory):
    path = tmp_path_factory.mktemp('video') / 'ten.avi'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'MJPG'), 20.0, SIZE_WH)
    for index in range(10):
        writer.write(picture(index))
    writer.release()
    return path


@pytest.fixture
def picture_folder(tmp_path):
    for index in range(12):
        cv2.imwrite(str(tmp_path / f'frame_{index}.png'), picture(index))
    return tmp_path


def write_bag(path, plugin):
    """Write six frames: raw and compressed topic, the third raw one with a wrong step."""
    store = get_typestore(Stores.ROS2_JAZZY)
    types = store.types
    time_type = types['builtin_interfaces/msg/Time']
    header_type = types['std_msgs/msg/Header']
    with Writer(path, version=9, storage_plugin=plugin) as writer:
        topics = {
            name: writer.add_connection(name, f'sensor_msgs/msg/{kind}', typestore=store)
            for name, kind in (
                ('/camera/image_raw', 'Image'),
                ('/camera/image_raw/compressed', 'CompressedImage'),
                ('/camera/camera_info', 'RegionOfInterest'),
            )
        }
        for index in range(6):
            stamp = time_type(sec=100 + index, nanosec=5)
            header = header_type(stamp=stamp, frame_id='recorded_frame')
            pixels = picture(index)
            raw = types['sensor_msgs/msg/Image'](
                header=header,
                height=48,
                width=64,
                encoding='bgr8',
                is_bigendian=0,
                step=3 if index == 3 else 192,
                data=pixels.reshape(-1),
            )
            jpeg = cv2.imencode('.jpg', pixels)[1].reshape(-1)
            squeezed = types['sensor_msgs/msg/CompressedImage'](
                header=header, format='bgr8; jpeg compressed bgr8', data=jpeg
            )
            for name, message in (
                ('/camera/image_raw', raw),
                ('/camera/image_raw/compressed', squeezed),
            ):
                data = store.serialize_cdr(message, message.__msgtype__)
                writer.write(topics[name], (200 + index) * 10**9, data)
    return path


@pytest.fixture(scope='session', params=['sqlite3', 'mcap'])
def bag_path(request, tmp_path_factory):
    plugin = StoragePlugin[request.param.upper()]
    return write_bag(tmp_path_factory.mktemp('bags') / request.param, plugin)
