"""The detection node on real DDS, with a network that is small enough to know its answers."""

import array
import shutil
import time

import cv2
import numpy as np
import pytest

pytest.importorskip('rclpy')

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from perception_suite.msg import FrameTiming
from rclpy.parameter import Parameter
from sensor_msgs.msg import CompressedImage, Image
from std_srvs.srv import SetBool
from vision_msgs.msg import Detection2DArray, LabelInfo, VisionInfo

from perception_nodes.ros.detection_node import DetectionNode
from perception_nodes.ros.qos import LATCHED_QOS

pytestmark = pytest.mark.ros

NOW_NS = time.time_ns()
SIDE = 320


@pytest.fixture
def node(graph, blob_bundle):
    made = graph.add(DetectionNode, model=str(blob_bundle.path), threads=1)
    graph.wait_until(lambda: made.state_label == 'active')
    return made


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


BAD = {
    'bad_step': lambda m: setattr(m, 'step', 5),
    'short_data': lambda m: setattr(m, 'data', m.data[:100]),
    'zero_size': lambda m: setattr(m, 'width', 0),
    'unknown_encoding': lambda m: setattr(m, 'encoding', 'yuv_from_mars'),
    'too_large': lambda m: (setattr(m, 'width', 10_000), setattr(m, 'height', 10_000)),
    'wrong_kind': lambda m: setattr(m, 'encoding', '32FC1'),
}


def diagnostics(graph, found, fits):
    """Wait for a status of the node that fits, and return it with its values as a dictionary."""

    def status():
        for report in found:
            for item in report.status:
                values = {entry.key: entry.value for entry in item.values}
                if fits(item, values):
                    return item, values
        found.clear()
        return None

    return graph.wait_until(status)


@pytest.fixture
def reports(graph, node):
    return graph.listen(DiagnosticArray, '/diagnostics')


@pytest.mark.parametrize('reason', BAD)
def test_bad_image_is_counted_with_its_reason_and_the_next_one_answered(
    graph, node, camera, results, reports, image_msg, reason
):
    message = image_msg(NOW_NS)
    message.width = message.width // 4 if reason == 'wrong_kind' else message.width
    BAD[reason](message)
    camera.publish(message)
    status, values = diagnostics(graph, reports, lambda s, v: v.get(f'refused ({reason})') == '1')
    assert status.level == DiagnosticStatus.WARN
    assert reason in status.message
    assert answer(graph, camera, results, image_msg(NOW_NS, red=((1, 1),))).detections
    assert values['published'] == '0'


def test_picture_full_of_nonsense_depth_is_refused_not_crashed_on(
    graph, camera, results, reports, image_msg
):
    message = image_msg(NOW_NS)
    message.encoding, message.step = '32FC1', SIDE * 4
    nan = np.full((SIDE, SIDE), np.nan, np.float32)
    message.data = array.array('B', nan.tobytes())
    camera.publish(message)
    diagnostics(graph, reports, lambda s, v: v.get('refused (wrong_kind)') == '1')
    answer(graph, camera, results, image_msg(NOW_NS))


def test_stamp_that_jumps_back_is_counted_and_answered(graph, camera, results, reports, image_msg):
    answer(graph, camera, results, image_msg(NOW_NS))
    earlier = image_msg(NOW_NS - 10**10)
    assert answer(graph, camera, results, earlier).header == earlier.header
    diagnostics(graph, reports, lambda s, v: v.get('stamps_jumped_back') == '1')


def test_region_outside_the_picture_is_an_error_with_the_reason(
    graph, node, camera, results, reports, image_msg
):
    node.set_parameters([Parameter('roi', value=[5000, 0, 10, 10])])
    camera.publish(image_msg(NOW_NS))
    status, _ = diagnostics(graph, reports, lambda s, v: v.get('failed') == '1')
    assert status.level == DiagnosticStatus.ERROR
    assert 'lies outside the picture' in status.message
    node.set_parameters([Parameter('roi', Parameter.Type.INTEGER_ARRAY, [])])
    answer(graph, camera, results, image_msg(NOW_NS))


def test_live_threshold_counts_for_the_next_picture(graph, node, camera, results, image_msg):
    picture = image_msg(NOW_NS, red=((1, 1),), green=((3, 3),))
    assert len(answer(graph, camera, results, picture).detections) == 2
    changed = node.set_parameters_atomically(
        [Parameter('classes', value=['red']), Parameter('max_detections', value=5)]
    )
    assert changed.successful
    found = answer(graph, camera, results, picture).detections
    assert [item.results[0].hypothesis.class_id for item in found] == ['red']


def test_class_that_the_model_lacks_is_refused_as_a_whole(graph, node):
    answered = node.set_parameters_atomically(
        [Parameter('max_detections', value=5), Parameter('classes', value=['unicorn'])]
    )
    assert not answered.successful
    assert "no class 'unicorn'" in answered.reason
    assert node.configuration.max_detections == 100


def test_paused_node_counts_and_keeps_silent(graph, node, camera, results, reports, image_msg):
    paused = graph.call(SetBool, 'detection_node/enable', SetBool.Request(data=False))
    assert paused.success
    camera.publish(image_msg(NOW_NS))
    status, _ = diagnostics(graph, reports, lambda s, v: v.get('skipped (paused)') == '1')
    assert status.level == DiagnosticStatus.OK
    assert 'paused' in status.message
    assert not results
    graph.call(SetBool, 'detection_node/enable', SetBool.Request(data=True))
    answer(graph, camera, results, image_msg(NOW_NS))


def test_rate_limit_skips_and_counts(graph, node, camera, results, reports, image_msg):
    node.set_parameters([Parameter('max_rate_hz', value=0.5)])
    for number in range(5):
        camera.publish(image_msg(NOW_NS + number))
    diagnostics(graph, reports, lambda s, v: v.get('skipped (rate limit)') == '4')
    assert len(results) == 1


def test_overlay_and_timing_come_only_when_asked_for(graph, camera, results, image_msg):
    picture = image_msg(NOW_NS, red=((2, 2),))
    answer(graph, camera, results, picture)
    overlays = graph.listen(Image, 'detection_node/overlay')
    compressed = graph.listen(CompressedImage, 'detection_node/overlay/compressed')
    timings = graph.listen(FrameTiming, 'detection_node/timing')
    graph.turn(0.3)
    answer(graph, camera, results, picture)
    graph.wait_until(lambda: overlays and compressed and timings)
    pixels = np.array(overlays[0].data, np.uint8).reshape(SIDE, SIDE, 3)
    drawn = pixels != np.array(picture.data, np.uint8).reshape(SIDE, SIDE, 3)
    assert drawn.any()
    assert overlays[0].header == picture.header
    assert bytes(compressed[0].data[:2]) == b'\xff\xd8'
    timing = timings[0]
    assert timing.header == picture.header
    phases = (
        timing.wait_s
        + timing.convert_s
        + timing.preprocess_s
        + timing.inference_s
        + timing.postprocess_s
        + timing.publish_s
    )
    assert 0 < phases <= timing.total_s
    assert (timing.frames_received, timing.frames_dropped, timing.frames_refused) == (2, 0, 0)


def test_silent_camera_makes_the_status_stale_with_the_topic(graph, node, reports):
    node.set_parameters([Parameter('stale_after_s', value=0.1)])
    status, _ = diagnostics(graph, reports, lambda s, v: s.level == DiagnosticStatus.STALE)
    assert 'no image on /image' in status.message
    assert 'nobody publishes it' in status.message


def test_healthy_node_reports_figures(graph, node, camera, results, reports, image_msg):
    def rolling():
        camera.publish(image_msg(time.time_ns()))
        return diagnostics_now()

    def diagnostics_now():
        for report in reports:
            values = {entry.key: entry.value for entry in report.status[0].values}
            if int(values.get('published', 0)) > 3:
                return report.status[0], values
        return None

    status, values = graph.wait_until(rolling)
    assert status.level == DiagnosticStatus.OK
    assert status.name == 'detection_node: perception'
    assert float(values['rate_hz']) > 0
    assert 0 <= float(values['age_p50_ms']) <= float(values['age_p99_ms'])
    assert float(values['inference_p50_ms']) > 0
    assert values['device'] == 'cpu'
    assert values['state'] == 'active'
    assert values['reliability'] == 'reliable'
    assert values['last_error'] == 'none'


def test_compressed_pictures_are_answered_and_broken_ones_counted(graph, blob_bundle, image_msg):
    node = graph.add(
        DetectionNode, model=str(blob_bundle.path), threads=1, image_transport='compressed'
    )
    graph.wait_until(lambda: node.state_label == 'active')
    found = graph.listen(Detection2DArray, 'detection_node/detections')
    reports = graph.listen(DiagnosticArray, '/diagnostics')
    camera = graph.probe.create_publisher(CompressedImage, 'image/compressed', 5)
    graph.wait_until(camera.get_subscription_count)
    graph.turn(0.2)
    raw = image_msg(NOW_NS, red=((4, 4),))
    pixels = np.array(raw.data, np.uint8).reshape(SIDE, SIDE, 3)
    jpeg = cv2.imencode('.jpg', pixels[:, :, ::-1])[1].tobytes()
    broken = CompressedImage(header=raw.header, format='jpeg', data=jpeg[: len(jpeg) // 2])
    camera.publish(broken)
    diagnostics(graph, reports, lambda s, v: v.get('refused (broken_data)') == '1')
    camera.publish(CompressedImage(header=raw.header, format='jpeg', data=jpeg))
    graph.wait_until(lambda: found)
    assert found[0].header == raw.header
    assert [item.results[0].hypothesis.class_id for item in found[0].detections] == ['red']


def transition(graph, number: int) -> bool:
    request = ChangeState.Request(transition=Transition(id=number))
    return graph.call(ChangeState, 'detection_node/change_state', request).success


def test_every_transition_there_and_back(graph, node, camera, results, image_msg):
    answer(graph, camera, results, image_msg(NOW_NS))
    assert transition(graph, Transition.TRANSITION_DEACTIVATE)
    assert node.state_label == 'inactive'
    graph.wait_until(lambda: not camera.get_subscription_count())
    assert transition(graph, Transition.TRANSITION_ACTIVATE)
    graph.wait_until(camera.get_subscription_count)
    answer(graph, camera, results, image_msg(NOW_NS))
    assert transition(graph, Transition.TRANSITION_DEACTIVATE)
    assert transition(graph, Transition.TRANSITION_CLEANUP)
    assert node.state_label == 'unconfigured'
    graph.wait_until(lambda: not graph.probe.count_publishers('detection_node/detections'))
    assert transition(graph, Transition.TRANSITION_CONFIGURE)
    assert transition(graph, Transition.TRANSITION_ACTIVATE)
    graph.wait_until(lambda: graph.probe.count_publishers('detection_node/detections'))
    graph.wait_until(camera.get_subscription_count)
    graph.turn(0.2)
    answer(graph, camera, results, image_msg(NOW_NS))
    assert transition(graph, Transition.TRANSITION_ACTIVE_SHUTDOWN)
    assert node.state_label == 'finalized'


@pytest.mark.parametrize('damage', ['weights', 'missing'])
def test_damaged_model_refuses_configure_with_the_reason(graph, blob_bundle, tmp_path, damage):
    folder = tmp_path / 'damaged'
    shutil.copytree(blob_bundle.path, folder)
    weights = folder / 'model.onnx'
    if damage == 'missing':
        weights.unlink()
    else:
        weights.write_bytes(weights.read_bytes()[:-1] + b'x')
    reports = graph.listen(DiagnosticArray, '/diagnostics')
    node = graph.add(DetectionNode, model=str(folder), autostart=False)
    assert not transition(graph, Transition.TRANSITION_CONFIGURE)
    assert node.state_label == 'unconfigured'
    status, _ = diagnostics(graph, reports, lambda s, v: s.level == DiagnosticStatus.ERROR)
    assert ('SHA-256' if damage == 'weights' else 'model.onnx') in status.message
    shutil.rmtree(folder)
    shutil.copytree(blob_bundle.path, folder)
    assert transition(graph, Transition.TRANSITION_CONFIGURE), 'a repaired model can be loaded'


def test_defect_goes_to_error_processing_and_frees_everything(graph, node, monkeypatch):
    def broken() -> None:
        raise RuntimeError('the worker is stuck')

    node.trigger_deactivate()
    monkeypatch.setattr(node, 'start', broken)
    assert not transition(graph, Transition.TRANSITION_ACTIVATE)
    assert node.state_label == 'unconfigured'
    assert 'the worker is stuck' in node.last_error
    graph.wait_until(lambda: not graph.probe.count_publishers('detection_node/detections'))
    monkeypatch.undo()
    assert transition(graph, Transition.TRANSITION_CONFIGURE)
    assert transition(graph, Transition.TRANSITION_ACTIVATE)
