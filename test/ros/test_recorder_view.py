"""The live view's feed: one picture with the boxes of the same stamp, or nothing."""

import array
import threading

import pytest

pytest.importorskip('rclpy', reason='source environment/activate.sh for the ROS tests')

from rclpy.serialization import serialize_message
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from vision_msgs.msg import (
    Detection2D,
    Detection2DArray,
    LabelInfo,
    ObjectHypothesisWithPose,
    VisionClass,
)

from perception_nodes.ros.recorder_view import ViewFeed, stamp_of

pytestmark = pytest.mark.ros


class Seen:
    """Remembers what was shown; ``fails`` makes it raise instead."""

    address = ''

    def __init__(self, *, fails=False):
        self.shown = []
        self.fails = fails
        self.called = threading.Event()
        self.closed = False

    def show(self, frame, found, truth, class_names, latency_ms):
        self.called.set()
        if self.fails:
            raise RuntimeError('the window was closed')
        self.shown.append((frame, found, truth, class_names, latency_ms))

    def close(self):
        self.closed = True


def header(stamp_s):
    made = Header(frame_id='camera_optical_frame')
    made.stamp.sec, made.stamp.nanosec = stamp_s, 7
    return made


def image(stamp_s):
    message = Image(header=header(stamp_s), height=4, width=6, encoding='rgb8', step=18)
    message.data = array.array('B', bytes(72))
    return serialize_message(message)


def boxes(stamp_s, *names):
    items = []
    for name in names:
        item = Detection2D(results=[ObjectHypothesisWithPose()])
        item.results[0].hypothesis.class_id, item.results[0].hypothesis.score = name, 0.5
        item.bbox.size_x = item.bbox.size_y = 2.0
        items.append(item)
    return serialize_message(Detection2DArray(header=header(stamp_s), detections=items))


LABELS = serialize_message(LabelInfo(class_map=[VisionClass(class_id=0, class_name='cone')]))


def test_stamp_is_read_without_decoding_the_message():
    assert stamp_of(image(3)) == 3_000_000_007


def test_stamp_of_big_endian_bytes_is_read_too():
    assert stamp_of(bytes((0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 7))) == 3_000_000_007


def test_picture_is_shown_with_boxes_of_its_own_stamp():
    view = Seen()
    feed = ViewFeed(view)
    feed.labels(LABELS)
    feed.image(image(1))
    feed.truth(boxes(1, 'cone', 'ufo'))
    feed.found(boxes(2, 'cone', 'cone', 'cone'))
    feed.found(boxes(1, 'cone'))
    assert view.called.wait(10)
    feed.close()
    (frame, found, truth, names, latency_ms) = view.shown[0]
    assert frame.stamp_ns == 1_000_000_007
    assert (len(found), len(truth), names) == (1, 2, ('cone', 'ufo'))
    assert latency_ms >= 0
    assert (view.closed, feed.errors) == (True, [])


def test_view_that_fails_is_noted_once_and_harms_nothing():
    view = Seen(fails=True)
    feed = ViewFeed(view)
    feed.labels(LABELS)
    for stamp_s in (1, 2):
        view.called.clear()
        feed.image(image(stamp_s))
        feed.truth(boxes(stamp_s))
        feed.found(boxes(stamp_s))
        assert view.called.wait(10)
    feed.close()
    assert feed.errors == ['RuntimeError: the window was closed']
