"""Recording: what was on the wire is in the bag, and what is not is counted."""

import array
import threading
import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

rclpy = pytest.importorskip('rclpy', reason='source environment/activate.sh for the ROS tests')

from rclpy.executors import SingleThreadedExecutor  # noqa: E402
from rclpy.qos import DurabilityPolicy, QoSProfile  # noqa: E402
from rclpy.serialization import deserialize_message, serialize_message  # noqa: E402
from rosbags.highlevel import AnyReader  # noqa: E402
from sensor_msgs.msg import CompressedImage, Image  # noqa: E402
from std_msgs.msg import Header, String  # noqa: E402
from vision_msgs.msg import (  # noqa: E402
    Detection2D,
    Detection2DArray,
    LabelInfo,
    ObjectHypothesisWithPose,
    VisionClass,
)

from perception_nodes.ros.recorder import (  # noqa: E402
    RecordedTopic,
    TopicRecorder,
    _listener,
    compressed_of_image,
)
from perception_nodes.ros.recorder_bag import BagThread, BagTopic  # noqa: E402
from perception_nodes.ros.recorder_types import bag_typestore  # noqa: E402

pytestmark = pytest.mark.ros
STRING = BagTopic(name='/text', type_name='std_msgs/msg/String')
TEXT = serialize_message(String(data='hello'))


def read(path):
    with AnyReader([path]) as reader:
        return [
            (connection.topic, time_ns, reader.deserialize(data, connection.msgtype))
            for connection, time_ns, data in reader.messages()
        ]


def image_message(stamp_s=1, encoding='rgb8'):
    pixels = np.zeros((48, 64, 3), np.uint8)
    pixels[:, :, 0] = 200
    image = Image(height=48, width=64, encoding=encoding, step=192)
    image.header.stamp.sec = stamp_s
    image.header.frame_id = 'camera_optical_frame'
    image.data = array.array('B', pixels.tobytes())
    return image


def detections_message(stamp_s=1):
    header = Header(frame_id='camera_optical_frame')
    header.stamp.sec = stamp_s
    item = Detection2D(header=header, results=[ObjectHypothesisWithPose()])
    item.bbox.center.position.x, item.bbox.size_x = 20.5, 11.0
    item.results[0].hypothesis.class_id, item.results[0].hypothesis.score = 'cone', 0.75
    return Detection2DArray(header=header, detections=[item])


def test_empty_bag_can_be_read(tmp_path):
    assert BagThread(tmp_path / 'bag', (STRING,)).close().received == {}
    assert read(tmp_path / 'bag') == []


def test_messages_come_back_with_their_times(tmp_path):
    bag = BagThread(tmp_path / 'bag', (STRING,))
    for time_ns in (10, 20, 30):
        assert bag.put('/text', time_ns, TEXT)
    counts = bag.close()
    assert counts.written == {'/text': 3}
    assert [(topic, at, m.data) for topic, at, m in read(tmp_path / 'bag')] == [
        ('/text', at, 'hello') for at in (10, 20, 30)
    ]


def test_full_queue_drops_and_counts(tmp_path):
    hold = threading.Event()

    def slow(data):
        hold.wait(10)
        return data

    topic = BagTopic(name='/text', type_name='std_msgs/msg/String', convert=slow)
    bag = BagThread(tmp_path / 'bag', (topic,), capacity=2)
    taken = [bag.put('/text', at, TEXT) for at in range(20)]
    hold.set()
    counts = bag.close()
    assert counts.received == {'/text': 20}
    assert counts.dropped['/text'] == taken.count(False) >= 17
    assert counts.written['/text'] + counts.dropped['/text'] == 20
    assert len(read(tmp_path / 'bag')) == counts.written['/text']


def test_message_that_cannot_be_converted_is_dropped_and_counted(tmp_path):
    topic = BagTopic(
        name='/image',
        type_name='sensor_msgs/msg/CompressedImage',
        convert=partial(compressed_of_image, codec='jpeg'),
    )
    bag = BagThread(tmp_path / 'bag', (topic,))
    broken = image_message()
    broken.step = 3
    bag.put('/image', 1, serialize_message(broken))
    bag.put('/image', 2, serialize_message(image_message()))
    assert bag.close().dropped == {'/image': 1}
    assert len(read(tmp_path / 'bag')) == 1


def test_closed_bag_counts_what_comes_late(tmp_path):
    bag = BagThread(tmp_path / 'bag', (STRING,))
    bag.close()
    assert not bag.put('/text', 1, TEXT)
    assert bag.close().dropped == {'/text': 1}


def test_existing_folder_is_not_overwritten(tmp_path):
    with pytest.raises(ValueError, match='exists already'):
        BagThread(tmp_path, (STRING,))


def test_unknown_type_names_the_cure():
    with pytest.raises(ValueError, match='make setup'):
        bag_typestore(('no_such_msgs/msg/Thing',))


@pytest.mark.parametrize(('encoding', 'red'), [('rgb8', 200), ('bgr8', 0)], ids=['rgb', 'bgr'])
def test_jpeg_keeps_header_and_colors(encoding, red):
    import cv2

    data = compressed_of_image(serialize_message(image_message(7, encoding)), 'jpeg')
    message = deserialize_message(data, CompressedImage)
    assert (message.header.stamp.sec, message.header.frame_id) == (7, 'camera_optical_frame')
    assert message.format == f'{encoding}; jpeg compressed bgr8'
    pixels = cv2.imdecode(np.frombuffer(message.data, np.uint8), cv2.IMREAD_COLOR)
    assert abs(int(pixels[20, 20, 2]) - red) < 8


@pytest.mark.parametrize(('every_s', 'kept'), [(0.0, [30, 10, 20]), (60.0, [30])])
def test_messages_are_thinned_by_arrival_and_never_by_their_stamps(every_s, kept):
    """Several publishers of one topic, as on /tf, stamp in any order."""
    stored = []
    topic = RecordedTopic(name='tf', type_name='std_msgs/msg/String', every_s=every_s)
    bag = SimpleNamespace(put=lambda name, time_ns, data: stored.append(time_ns))
    listen = _listener(bag, '/tf', topic)
    for stamp_ns in (30, 10, 20):
        listen(b'', {'source_timestamp': stamp_ns})
    assert stored == kept


def test_png_keeps_every_value_of_a_mask():
    import cv2

    ids = np.arange(48 * 64, dtype=np.uint32).reshape(48, 64).astype(np.uint8)
    mask = Image(
        height=48, width=64, encoding='mono8', step=64, data=array.array('B', ids.tobytes())
    )
    message = deserialize_message(
        compressed_of_image(serialize_message(mask), 'png'), CompressedImage
    )
    pixels = cv2.imdecode(np.frombuffer(message.data, np.uint8), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(pixels, ids)


def test_topics_of_a_graph_are_recorded_with_their_definitions(tmp_path: Path):
    context = rclpy.Context()
    rclpy.init(context=context)
    node = rclpy.create_node('recorded', context=context, namespace='robot')
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    before_ns = time.time_ns()
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    labels = node.create_publisher(LabelInfo, 'labels', latched)
    labels.publish(LabelInfo(class_map=[VisionClass(class_id=3, class_name='cone')]))
    images = node.create_publisher(Image, 'image', 10)
    found = node.create_publisher(Detection2DArray, 'found', 10)
    rare = node.create_publisher(String, 'rare', 10)
    seen: list[bytes] = []
    topics = (
        RecordedTopic(name='labels', type_name='vision_msgs/msg/LabelInfo', latched=True),
        RecordedTopic(name='image', type_name='sensor_msgs/msg/Image', codec='jpeg'),
        RecordedTopic(
            name='found', type_name='vision_msgs/msg/Detection2DArray', watch=seen.append
        ),
        RecordedTopic(name='rare', type_name='std_msgs/msg/String', every_s=60.0),
    )
    try:
        with TopicRecorder(node, tmp_path / 'bag', topics) as recorder:
            deadline = time.monotonic() + 20
            heard = (found, rare)
            while not all(p.get_subscription_count() for p in heard):
                assert time.monotonic() < deadline
                executor.spin_once(timeout_sec=0.05)
            for stamp_s in (1, 2, 3):
                images.publish(image_message(stamp_s))
                found.publish(detections_message(stamp_s))
                rare.publish(String(data=str(stamp_s)))
            while sum(recorder.counts.received.values()) < 8 and time.monotonic() < deadline:
                executor.spin_once(timeout_sec=0.05)
            counts = recorder.close()
    finally:
        node.destroy_node()
        rclpy.shutdown(context=context)
    assert counts.written == {
        '/robot/labels': 1,
        '/robot/image/compressed': 3,
        '/robot/found': 3,
        '/robot/rare': 1,
    }
    assert len(seen) == 3
    messages = read(tmp_path / 'bag')
    by_topic = {topic: message for topic, _, message in messages}
    assert by_topic['/robot/labels'].class_map[0].class_name == 'cone'
    best = by_topic['/robot/found'].detections[0]
    assert best.bbox.center.position.x == 20.5
    assert best.results[0].hypothesis.class_id == 'cone'
    assert by_topic['/robot/image/compressed'].header.stamp.sec == 3
    assert all(before_ns <= at <= time.time_ns() for _, at, _ in messages)
