"""The detection node on real DDS, with a network that is small enough to know its answers."""

import time

import pytest

pytest.importorskip('rclpy')

from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2DArray, LabelInfo, VisionInfo

from perception_nodes.ros.detection_node import DetectionNode
from perception_nodes.ros.qos import LATCHED_QOS

pytestmark = pytest.mark.ros

NOW_NS = time.time_ns()


@pytest.fixture
def node(graph, blob_bundle):
    made = graph.add(DetectionNode, model=str(blob_bundle.path), threads=1)
    graph.wait_until(lambda: made.state_label == 'active')
    return made


@pytest.fixture
def camera(graph, node):
    publisher = graph.probe.create_publisher(Image, 'image', 5)
    graph.wait_until(publisher.get_subscription_count)
    return publisher


@pytest.fixture
def results(graph, node):
    found = graph.listen(Detection2DArray, 'detection_node/detections')
    graph.wait_until(lambda: graph.probe.count_publishers('detection_node/detections'))
    graph.turn(0.2)
    return found


def answer(graph, camera, results, message):
    before = len(results)
    camera.publish(message)
    graph.wait_until(lambda: len(results) > before)
    return results[-1]


def test_picture_with_nothing_in_it_gives_an_empty_result(graph, camera, results, image_msg):
    message = image_msg(NOW_NS)
    answered = answer(graph, camera, results, message)
    assert answered.detections == []
    assert answered.header == message.header


def test_boxes_are_in_source_pixels_sorted_with_the_header(graph, camera, results, image_msg):
    message = image_msg(NOW_NS + 123_456_789, red=((2, 3),), green=((7, 1),))
    answered = answer(graph, camera, results, message)
    assert answered.header == message.header
    assert sorted(d.results[0].hypothesis.class_id for d in answered.detections) == [
        'green',
        'red',
    ]
    red = next(d for d in answered.detections if d.results[0].hypothesis.class_id == 'red')
    assert red.header == message.header
    assert red.id == ''
    centre = red.bbox.center.position
    assert (centre.x, centre.y) == pytest.approx((2.5 * 32, 3.5 * 32), abs=0.5)
    assert (red.bbox.size_x, red.bbox.size_y) == pytest.approx((32, 32), abs=0.5)


def test_labels_and_model_are_latched(graph, node):
    labels = graph.listen(LabelInfo, 'detection_node/label_info', LATCHED_QOS)
    infos = graph.listen(VisionInfo, 'detection_node/vision_info', LATCHED_QOS)
    graph.wait_until(lambda: labels and infos)
    assert [(c.class_id, c.class_name) for c in labels[0].class_map] == [(0, 'red'), (1, 'green')]
    assert labels[0].threshold == pytest.approx(0.5)
    assert 'blobs' in infos[0].method
    assert infos[0].database_location == '/detection_node/label_info'
