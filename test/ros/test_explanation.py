"""What results rest on, asked of a node on real DDS."""

import time

import numpy as np
import pytest

pytest.importorskip('rclpy')

from sensor_msgs.msg import Image
from std_srvs.srv import Trigger

from perception_nodes.ros.detection_node import DetectionNode
from perception_nodes.ros.image_conversion import frame_from_msg

pytestmark = pytest.mark.ros

NOW_NS = time.time_ns()


@pytest.fixture
def node(graph, blob_bundle):
    made = graph.add(DetectionNode, model=str(blob_bundle.path), threads=1, explanation_masks=60)
    graph.wait_until(lambda: made.state_label == 'active')
    return made


def ask(graph):
    client = graph.probe.create_client(Trigger, 'detection_node/explain')
    graph.wait_until(client.service_is_ready)
    call = client.call_async(Trigger.Request())
    graph.wait_until(call.done)
    return call.result()


def test_subscriber_sees_what_the_boxes_rest_on(graph, node, camera, image_msg):
    found = graph.listen(Image, 'detection_node/explanation')
    graph.wait_until(lambda: graph.probe.count_publishers('detection_node/explanation'))
    graph.turn(0.2)
    message = image_msg(NOW_NS, red=((2, 3),))
    camera.publish(message)
    graph.wait_until(lambda: found)
    assert found[0].header == message.header
    seen, shown = frame_from_msg(message), frame_from_msg(found[0])
    assert shown.size_wh == seen.size_wh
    changed = np.abs(shown.in_order(seen.color_order).astype(int) - seen.pixels.astype(int)).sum(
        axis=2
    )
    row, column = np.unravel_index(changed[40:].argmax(), changed[40:].shape)
    # The blob fills the cell of 32 pixels in column 2 and row 3; veils are coarser than that.
    assert abs(column - 80) <= 48
    assert abs(row + 40 - 112) <= 48


def test_nobody_who_asks_costs_nothing_and_one_question_gives_one_answer(
    graph, node, camera, image_msg, monkeypatch
):
    answers = []
    monkeypatch.setattr(
        'perception_nodes.ros.frame_explainer.image_to_msg',
        lambda view, header: answers.append(header) or Image(header=header),
    )
    results = graph.listen(Image, 'detection_node/overlay')
    graph.turn(0.3)

    def look(stamp_ns):
        before = len(results)
        camera.publish(image_msg(stamp_ns, red=((2, 3),)))
        graph.wait_until(lambda: len(results) > before)

    look(NOW_NS)
    graph.turn(0.3)
    assert not node._explainer.has_model, 'no second model is opened for nobody'
    assert ask(graph).success
    look(NOW_NS + 1)
    graph.wait_until(lambda: answers)
    graph.wait_until(lambda: not node._explainer._beside.is_busy)
    look(NOW_NS + 2)
    graph.turn(0.5)
    assert [header.stamp.nanosec for header in answers] == [(NOW_NS + 1) % 10**9]


def test_node_that_is_not_active_says_so(graph, node):
    node.trigger_deactivate()
    answer = ask(graph)
    assert not answer.success
    assert 'activate' in answer.message


def test_node_stops_in_the_middle_of_an_explanation(graph, blob_bundle, image_msg):
    node = graph.add(
        DetectionNode, model=str(blob_bundle.path), threads=1, explanation_masks=100_000
    )
    graph.wait_until(lambda: node.state_label == 'active')
    publisher = graph.probe.create_publisher(Image, 'image', 5)
    graph.wait_until(publisher.get_subscription_count)
    assert ask(graph).success
    publisher.publish(image_msg(NOW_NS, red=((2, 3),)))
    graph.wait_until(lambda: node._explainer.has_model)
    started = time.monotonic()
    node.trigger_deactivate()
    assert time.monotonic() - started < 5
    assert node._explainer is None
