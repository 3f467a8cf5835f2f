"""Classes taught from a few pictures, live on real DDS."""

import time

import pytest

pytest.importorskip('rclpy')

from vision_msgs.msg import Detection2DArray

from perception_nodes.ros.detection_node import DetectionNode

pytestmark = pytest.mark.ros

NOW_NS = time.time_ns()


@pytest.fixture
def node(graph, blob_bundle, paint_bank):
    made = graph.add(
        DetectionNode, model=str(blob_bundle.path), threads=1, classifier_bank=str(paint_bank)
    )
    graph.wait_until(lambda: made.state_label == 'active')
    return made


def test_taught_classes_appear_on_the_boxes(graph, node, camera, image_msg):
    found = graph.listen(Detection2DArray, 'detection_node/classified')
    graph.wait_until(lambda: graph.probe.count_publishers('detection_node/classified'))
    graph.turn(0.2)
    message = image_msg(NOW_NS, red=((2, 3),), green=((7, 1),))
    camera.publish(message)
    graph.wait_until(lambda: found)
    assert found[0].header == message.header
    named = {
        item.results[0].hypothesis.class_id: item.bbox.center.position.x
        for item in found[0].detections
    }
    assert named == {'fire': pytest.approx(80, abs=1), 'leaf': pytest.approx(240, abs=1)}
    assert all(item.header == message.header for item in found[0].detections)


def test_picture_without_boxes_gives_an_empty_answer(graph, node, camera, image_msg):
    found = graph.listen(Detection2DArray, 'detection_node/classified')
    graph.wait_until(lambda: graph.probe.count_publishers('detection_node/classified'))
    graph.turn(0.2)
    message = image_msg(NOW_NS + 1)
    camera.publish(message)
    graph.wait_until(lambda: found)
    assert found[0].detections == []
    assert found[0].header == message.header


def test_nobody_who_asks_costs_nothing(graph, node, camera, image_msg, monkeypatch):
    seen = []
    monkeypatch.setattr(
        'perception_nodes.second_stage.BoxClassifier.__call__',
        lambda *_: seen.append(1),
    )
    results = graph.listen(Detection2DArray, 'detection_node/detections')
    graph.turn(0.3)
    camera.publish(image_msg(NOW_NS, red=((2, 3),)))
    graph.wait_until(lambda: results)
    graph.turn(0.2)
    assert not seen


def test_bank_that_is_not_there_refuses_to_configure(graph, blob_bundle, tmp_path):
    node = graph.add(
        DetectionNode, model=str(blob_bundle.path), threads=1,
        classifier_bank=str(tmp_path / 'gone.npz'),
    )  # fmt: skip
    graph.turn(0.5)
    assert node.state_label == 'unconfigured'
    assert 'perception enroll' in str(node.last_error)


def test_without_a_bank_there_is_no_such_topic(graph, blob_bundle):
    made = graph.add(DetectionNode, model=str(blob_bundle.path), threads=1)
    graph.wait_until(lambda: made.state_label == 'active')
    graph.turn(0.3)
    topics = dict(graph.probe.get_topic_names_and_types())
    assert '/detection_node/detections' in topics
    assert '/detection_node/classified' not in topics
