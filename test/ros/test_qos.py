"""Which reliability a subscription takes, and that it follows its publishers over DDS."""

import pytest

pytest.importorskip('rclpy')

from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image

from perception_nodes.ros.frame_subscription import FrameSubscription
from perception_nodes.ros.qos import (
    LATCHED_QOS,
    ImageReliability,
    choose_reliability,
    overridable,
    own_copy,
    resolved,
)

RELIABLE, BEST_EFFORT = ReliabilityPolicy.RELIABLE, ReliabilityPolicy.BEST_EFFORT


@pytest.mark.parametrize(
    ('wanted', 'offered', 'chosen'),
    [
        ('auto', [], RELIABLE),
        ('auto', [RELIABLE], RELIABLE),
        ('auto', [BEST_EFFORT], BEST_EFFORT),
        ('auto', [RELIABLE, BEST_EFFORT], BEST_EFFORT),
        ('reliable', [BEST_EFFORT], RELIABLE),
        ('best_effort', [RELIABLE], BEST_EFFORT),
    ],
)
def test_choice(wanted, offered, chosen):
    choice = choose_reliability(ImageReliability(wanted), offered)
    assert resolved(choice.reliability) == chosen
    assert choice.reason


class Camera:
    """A publisher that can be replaced by another one."""

    def __init__(self, graph, reliability: ReliabilityPolicy) -> None:
        self.graph = graph
        qos = QoSProfile(depth=5, reliability=reliability)
        self.publisher = graph.probe.create_publisher(Image, 'image', qos)

    def gone(self) -> None:
        self.graph.probe.destroy_publisher(self.publisher)
        self.graph.wait_until(lambda: not self.graph.probe.count_publishers('image'))

    def delivers(self, got: list) -> None:
        """Publish until a picture arrives."""

        def arrived() -> bool:
            self.publisher.publish(Image(width=1, height=1))
            return bool(got)

        got.clear()
        self.graph.wait_until(arrived, 8.0)


@pytest.fixture
def node(graph):
    import rclpy

    return graph.add(lambda **options: rclpy.create_node('watcher', **options))


@pytest.fixture
def subscription(node):
    made = FrameSubscription(node, 'image')
    yield made
    made.stop()


@pytest.mark.ros
def test_best_effort_camera_that_comes_later_is_heard(graph, subscription):
    got: list = []
    subscription.start(got.append)
    assert subscription.reliability == RELIABLE
    Camera(graph, BEST_EFFORT).delivers(got)
    assert subscription.reliability == BEST_EFFORT
    assert subscription.rematches == 1


@pytest.mark.ros
def test_reliable_camera_in_place_of_a_best_effort_one_is_heard_reliably(graph, subscription):
    got: list = []
    weak = Camera(graph, BEST_EFFORT)
    subscription.start(got.append)
    weak.delivers(got)
    weak.gone()
    strong = Camera(graph, RELIABLE)
    graph.wait_until(lambda: subscription.reliability == RELIABLE, 5.0)
    strong.delivers(got)


@pytest.mark.ros
def test_best_effort_camera_beside_a_reliable_one_is_heard(graph, subscription):
    got: list = []
    strong = Camera(graph, RELIABLE)
    subscription.start(got.append)
    strong.delivers(got)
    weak = Camera(graph, BEST_EFFORT)
    graph.wait_until(lambda: subscription.reliability == BEST_EFFORT, 5.0)
    weak.delivers(got)
    strong.delivers(got)


@pytest.mark.ros
def test_explicit_reliability_is_never_changed(graph, node):
    made = FrameSubscription(node, 'image', reliability=ImageReliability.RELIABLE)
    made.start(lambda arrival: None)
    Camera(graph, BEST_EFFORT)
    graph.turn(1.5)
    assert made.reliability == RELIABLE
    assert made.rematches == 0
    made.stop()


@pytest.mark.ros
def test_parameter_file_overrides_the_subscription(graph):
    import rclpy

    names = {
        'qos_overrides./image.subscription.reliability': 'best_effort',
        'qos_overrides./image.subscription.depth': 2,
    }
    node = graph.add(lambda **options: rclpy.create_node('watcher', **options), **names)
    made = FrameSubscription(node, 'image')
    made.start(lambda arrival: None)
    assert made.reliability == BEST_EFFORT
    graph.wait_until(lambda: graph.probe.get_subscriptions_info_by_topic('image'))
    offered = graph.probe.get_subscriptions_info_by_topic('image')[0].qos_profile
    assert offered.reliability == BEST_EFFORT
    assert node.get_parameter('qos_overrides./image.subscription.depth').value == 2
    made.stop()


@pytest.mark.ros
def test_parameter_file_overrides_a_publisher(graph):
    import rclpy

    name = 'qos_overrides./labels.publisher.durability'
    node = graph.add(
        lambda **options: rclpy.create_node('watcher', **options), **{name: 'volatile'}
    )
    node.create_publisher(
        Image, 'labels', own_copy(LATCHED_QOS), qos_overriding_options=overridable()
    )
    graph.wait_until(lambda: graph.probe.get_publishers_info_by_topic('labels'))
    offered = graph.probe.get_publishers_info_by_topic('labels')[0].qos_profile
    assert offered.durability.name == 'VOLATILE'
    assert LATCHED_QOS.durability.name == 'TRANSIENT_LOCAL', 'other topics keep theirs'


@pytest.mark.ros
def test_remapped_topic_takes_its_compressed_companion_along(graph):
    import rclpy

    node = graph.add(
        lambda **options: rclpy.create_node(
            'watcher', cli_args=['--ros-args', '-r', 'image:=/front/image_raw'], **options
        )
    )
    assert FrameSubscription(node, 'image').topic == '/front/image_raw'
    compressed = FrameSubscription(node, 'image', transport='compressed')
    assert compressed.topic == '/front/image_raw/compressed'


@pytest.mark.ros
def test_stamp_that_jumps_back_is_counted_and_delivered(graph, node, subscription, image_msg):
    got: list = []
    subscription.start(got.append)
    camera = graph.probe.create_publisher(Image, 'image', 5)
    graph.wait_until(camera.get_subscription_count)
    for number, stamp_ns in enumerate((2 * 10**9, 3 * 10**9, 10**9, 2 * 10**9), start=1):
        camera.publish(image_msg(stamp_ns))
        graph.wait_until(lambda count=number: len(got) == count)
    assert subscription.jumps_back == 1
    assert [arrival.stamp_ns for arrival in got] == [2 * 10**9, 3 * 10**9, 10**9, 2 * 10**9]
