"""The segmentation node on real DDS, with a network of known answers."""

import array
import time

import cv2
import numpy as np
import pytest

pytest.importorskip('rclpy')

from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, ReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header
from vision_msgs.msg import LabelInfo, VisionInfo

from perception_nodes.ros.qos import LATCHED_QOS
from perception_nodes.ros.segmentation_node import SegmentationNode

pytestmark = pytest.mark.ros

NOW_NS = time.time_ns()
WIDTH, HEIGHT = 128, 64
FLOOR, RED, BLUE, UNLABELLED = 0, 1, 2, 255


def picture(stamp_ns=NOW_NS):
    """Return an Image: red on the left, blue on the right of the lower half, else black."""
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    pixels[32:, :48, 0], pixels[32:, 80:, 2] = 255, 255
    sec, nanosec = divmod(stamp_ns, 10**9)
    return Image(
        header=Header(stamp=Time(sec=sec, nanosec=nanosec), frame_id='camera_optical_frame'),
        width=WIDTH,
        height=HEIGHT,
        step=3 * WIDTH,
        encoding='rgb8',
        data=array.array('B', pixels.tobytes()),
    )


def numbers(message):
    return np.array(message.data, np.uint8).reshape(message.height, message.width)


class Running:
    """A node, a camera, and what the node answers."""

    def __init__(self, graph, model, **parameters):
        self.graph = graph
        self.node = graph.add(SegmentationNode, model=str(model.path), threads=1, **parameters)
        graph.wait_until(lambda: self.node.state_label == 'active')
        self.masks = graph.listen(Image, 'segmentation_node/mask')
        self.confidences = graph.listen(Image, 'segmentation_node/confidence')
        self.camera = graph.probe.create_publisher(Image, 'image', 5)
        graph.wait_until(self.camera.get_subscription_count)
        graph.turn(0.2)

    def answer(self, message):
        """Return mask and confidence of a picture."""
        before = len(self.masks), len(self.confidences)
        self.camera.publish(message)
        self.graph.wait_until(
            lambda: len(self.masks) > before[0] and len(self.confidences) > before[1]
        )
        return self.masks[-1], self.confidences[-1]


@pytest.fixture
def running(graph, colour_bundle):
    return Running(graph, colour_bundle)


def test_mask_and_confidence_have_size_and_header_of_the_picture(running):
    message = picture(NOW_NS + 123_456_789)
    for answered in running.answer(message):
        assert answered.header == message.header
        assert (answered.encoding, answered.width, answered.height) == ('mono8', WIDTH, HEIGHT)
        assert answered.step == WIDTH
    mask, confidence = map(numbers, running.answer(message))
    assert (mask[48:, :32] == RED).all()
    assert (mask[48:, 96:] == BLUE).all()
    assert (mask[:24] == FLOOR).all()
    assert confidence[60, 10] == round(255 / (1 + np.exp(-5.0) + np.exp(-10.0)))


def test_names_are_latched_and_results_reliable(graph, running):
    labels = graph.listen(LabelInfo, 'segmentation_node/label_info', LATCHED_QOS)
    infos = graph.listen(VisionInfo, 'segmentation_node/vision_info', LATCHED_QOS)
    graph.wait_until(lambda: labels and infos)
    assert [(c.class_id, c.class_name) for c in labels[0].class_map] == [
        (0, 'floor'),
        (1, 'red'),
        (2, 'blue'),
    ]
    assert 'colours' in infos[0].method
    assert infos[0].database_location == '/segmentation_node/label_info'
    offered = {
        topic: graph.probe.get_publishers_info_by_topic(f'segmentation_node/{topic}')[0]
        for topic in ('mask', 'confidence', 'label_info')
    }
    for item in offered.values():
        assert item.qos_profile.reliability == ReliabilityPolicy.RELIABLE
    assert offered['label_info'].qos_profile.durability == DurabilityPolicy.TRANSIENT_LOCAL


def test_outside_the_region_and_below_the_confidence_is_255_from_the_next_picture_on(running):
    running.answer(picture())
    running.node.set_parameters([Parameter('roi', value=[0, 32, 128, 32])])
    mask, confidence = map(numbers, running.answer(picture()))
    assert (mask[:32] == UNLABELLED).all()
    assert (confidence[:32] == 0).all()
    assert mask[60, 10] == RED
    running.node.set_parameters([Parameter('min_confidence', value=1.0)])
    mask, confidence = map(numbers, running.answer(picture()))
    assert (mask == UNLABELLED).all()
    assert not confidence.any()


def test_classes_are_renamed_in_mask_and_names(graph, colour_bundle):
    running = Running(graph, colour_bundle, class_map=['red=lane', 'blue=unlabelled'])
    labels = graph.listen(LabelInfo, 'segmentation_node/label_info', LATCHED_QOS)
    graph.wait_until(lambda: labels)
    assert [item.class_name for item in labels[0].class_map] == ['floor', 'lane']
    mask, _ = map(numbers, running.answer(picture()))
    assert (mask[60, 10], mask[60, 120]) == (1, UNLABELLED)


def test_unknown_class_refuses_configure_naming_what_exists(graph, colour_bundle):
    node = graph.add(
        SegmentationNode, model=str(colour_bundle.path), class_map=['rad=lane'], autostart=False
    )
    node.trigger_configure()
    assert node.state_label == 'unconfigured'
    assert "no class 'rad'" in node.last_error
    assert 'floor, red, blue' in node.last_error


BAD = {
    'bad_step': lambda m: setattr(m, 'step', 5),
    'short_data': lambda m: setattr(m, 'data', m.data[:100]),
    'unknown_encoding': lambda m: setattr(m, 'encoding', 'yuv_from_mars'),
}


@pytest.mark.parametrize('reason', BAD)
def test_bad_image_is_counted_and_the_next_one_answered(graph, running, reason):
    reports = graph.listen(DiagnosticArray, '/diagnostics')
    message = picture()
    BAD[reason](message)
    running.camera.publish(message)

    def counted():
        values = [e for report in reports for item in report.status for e in item.values]
        return any(e.key == f'refused ({reason})' and e.value == '1' for e in values)

    graph.wait_until(counted)
    assert not running.masks
    running.answer(picture())


def test_compressed_mask_is_lossless_and_overlay_shows_the_classes(graph, running):
    compressed = graph.listen(CompressedImage, 'segmentation_node/mask/compressed')
    overlays = graph.listen(Image, 'segmentation_node/overlay')
    graph.turn(0.3)
    message = picture()
    mask, _ = running.answer(message)
    graph.wait_until(lambda: compressed and overlays)
    assert compressed[0].format == 'mono8; png compressed mono8'
    decoded = cv2.imdecode(np.array(compressed[0].data, np.uint8), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(decoded, numbers(mask))
    drawn = np.array(overlays[0].data, np.uint8)
    assert (drawn != np.array(message.data, np.uint8)).any()
    assert overlays[0].header == message.header
