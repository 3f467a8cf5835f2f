"""The simulator on DDS: stamps, transforms, commands, truth, and steps in lock."""

import numpy as np
import pytest

pytest.importorskip('rclpy')

from geometry_msgs.msg import Twist, TwistStamped
from nav_msgs.msg import Odometry
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, Image
from tf2_msgs.msg import TFMessage
from vision_msgs.msg import Detection2DArray, LabelInfo

from perception_nodes.ros.image_conversion import stamp_ns_from_msg
from perception_nodes.ros.qos import LATCHED_QOS
from perception_nodes.ros.simulation_node import SimulationNode
from perception_nodes.simulation import SEMANTIC_NAMES, THING_NAMES, CoursePath, load_course

pytestmark = pytest.mark.ros

SMALL = {'size_wh': [160, 120], 'things': 8, 'walkers': 1, 'sensor_strength': 0.0}


@pytest.fixture
def simulate(graph):
    """Return a function that starts a small simulation and waits until it is active."""

    def start(**parameters):
        node = graph.add(SimulationNode, **{**SMALL, 'rate_hz': 20.0, **parameters})
        graph.wait_until(lambda: node.state_label == 'active', 60.0)
        return node

    return start


def stamps(messages: list) -> list[int]:
    return [stamp_ns_from_msg(message.header.stamp) for message in messages]


def test_one_picture_with_truth_carries_one_stamp(graph, simulate):
    topics = {
        'camera/image_raw': Image,
        'camera/camera_info': CameraInfo,
        'camera/depth/image_raw': Image,
        'camera/ground_truth/mask': Image,
        'camera/ground_truth/detections': Detection2DArray,
    }
    found = {topic: graph.listen(kind, topic) for topic, kind in topics.items()}
    simulate(drive='path')
    graph.wait_until(lambda: all(len(messages) > 5 for messages in found.values()), 30.0)
    common = set.intersection(*(set(stamps(messages)) for messages in found.values()))
    assert common
    wanted = min(common)
    one = {topic: messages[stamps(messages).index(wanted)] for topic, messages in found.items()}
    assert {message.header.frame_id for message in one.values()} == {'camera_optical_frame'}
    picture, depth = one['camera/image_raw'], one['camera/depth/image_raw']
    assert (picture.encoding, picture.width, picture.height) == ('rgb8', 160, 120)
    metres = np.frombuffer(depth.data, np.float32).reshape(120, 160)
    assert depth.encoding == '32FC1'
    assert np.nanmin(metres) > 0
    mask = np.frombuffer(one['camera/ground_truth/mask'].data, np.uint8)
    assert set(np.unique(mask)) <= {*range(len(SEMANTIC_NAMES)), 255}
    for item in one['camera/ground_truth/detections'].detections:
        assert item.results[0].hypothesis.class_id in THING_NAMES
        assert item.results[0].hypothesis.score == 1.0


def test_calibration_counts_pixels_from_the_centre_of_the_first(graph, simulate):
    infos = graph.listen(CameraInfo, 'camera/camera_info')
    simulate()
    graph.wait_until(lambda: infos, 30.0)
    info = infos[0]
    assert (info.k[2], info.k[5]) == (79.5, 59.5)
    assert info.k[0] == info.k[4] == pytest.approx(60 / np.tan(np.radians(30)))
    assert info.p[0] == info.k[0]
    assert list(info.d) == [0.0] * 5


def test_transform_chain_reaches_the_optical_frame(graph, simulate):
    static = graph.listen(TFMessage, '/tf_static', LATCHED_QOS)
    moving = graph.listen(TFMessage, '/tf')
    labels = graph.listen(LabelInfo, 'camera/ground_truth/label_info', LATCHED_QOS)
    simulate(camera_pitch_deg=0.0, camera_height_m=0.3)
    graph.wait_until(lambda: static and moving and labels, 30.0)
    base_to_link, link_to_optical = static[0].transforms
    assert (base_to_link.header.frame_id, base_to_link.child_frame_id) == (
        'base_link',
        'camera_link',
    )
    assert base_to_link.transform.translation.z == pytest.approx(0.3)
    assert base_to_link.transform.rotation.w == pytest.approx(1.0)
    turned = link_to_optical.transform.rotation
    assert (turned.x, turned.y, turned.z, turned.w) == pytest.approx((-0.5, 0.5, -0.5, 0.5))
    assert moving[0].transforms[0].header.frame_id == 'odom'
    assert [item.class_name for item in labels[0].class_map] == list(SEMANTIC_NAMES)


def test_robot_obeys_and_stops_when_commands_stop(graph, simulate):
    poses = graph.listen(Odometry, 'odom')
    simulate(odometry_noise=0.0)
    wheel = graph.probe.create_publisher(Twist, 'cmd_vel', 10)
    graph.wait_until(wheel.get_subscription_count)
    command = Twist()
    command.linear.x, command.angular.z = 0.5, 0.0

    def driven() -> bool:
        wheel.publish(command)
        return bool(poses) and poses[-1].pose.pose.position.x > 0.2

    graph.wait_until(driven, 20.0)
    assert poses[-1].twist.twist.linear.x == pytest.approx(0.5, abs=0.005)
    graph.wait_until(lambda: poses[-1].twist.twist.linear.x == 0.0, 10.0)


def test_true_place_is_told_in_the_coordinates_of_the_course(graph, simulate):
    true = graph.listen(Odometry, 'ground_truth/odom')
    simulate(course='s_curve', drive='path')
    path = CoursePath(load_course('s_curve'))
    start = path.pose_at(0.0)

    def way_m() -> float:
        if not true:
            return 0.0
        place = true[-1].pose.pose.position
        return float(np.hypot(place.x - start.x_m, place.y - start.y_m))

    graph.wait_until(lambda: way_m() > 0.5, 30.0)
    assert {message.header.frame_id for message in true} == {'world'}
    places = [message.pose.pose.position for message in true]
    assert max(abs(path.project(place.x, place.y)[1]) for place in places) < 0.05
    assert np.hypot(places[0].x - start.x_m, places[0].y - start.y_m) < 0.1


def test_stamped_command_is_taken_and_nonsense_is_not(graph, simulate):
    poses = graph.listen(Odometry, 'odom')
    node = simulate(cmd_vel_stamped=True, odometry_noise=0.0)
    wheel = graph.probe.create_publisher(TwistStamped, 'cmd_vel', 10)
    graph.wait_until(wheel.get_subscription_count)
    bad = TwistStamped()
    bad.twist.linear.x = float('nan')
    wheel.publish(bad)
    graph.wait_until(lambda: node.health().values['refused_commands'] == 1)
    good = TwistStamped()
    good.twist.angular.z = 0.5

    def turned() -> bool:
        wheel.publish(good)
        return bool(poses) and poses[-1].pose.pose.orientation.z > 0.05

    graph.wait_until(turned, 20.0)
    assert node.health().message != ''


def test_time_stands_still_while_inactive(graph, simulate):
    clocks = graph.listen(Clock, '/clock')
    node = simulate()
    graph.wait_until(lambda: len(clocks) > 3)
    node.trigger_deactivate()
    graph.turn(0.3)
    before = len(clocks)
    graph.turn(0.5)
    assert len(clocks) == before
    node.trigger_activate()
    graph.wait_until(lambda: len(clocks) > before)
    times = [stamp_ns_from_msg(item.clock) for item in clocks]
    assert times == sorted(times)
    assert times[before] - times[before - 1] == 50_000_000


def test_lock_step_waits_for_every_answer(graph, simulate):
    pictures = graph.listen(Image, 'camera/image_raw')
    answers = graph.probe.create_publisher(Detection2DArray, 'detections', 10)
    simulate(lock_step=True, real_time_factor=0.0, lock_step_timeout_s=30.0, drive='path')
    graph.wait_until(answers.get_subscription_count)
    graph.wait_until(lambda: len(pictures) == 1, 30.0)
    for count in range(2, 6):
        graph.turn(0.2)
        assert len(pictures) == count - 1, 'no picture before the answer'
        answers.publish(Detection2DArray(header=pictures[-1].header))
        graph.wait_until(lambda wanted=count: len(pictures) == wanted)
    assert np.diff(stamps(pictures)).tolist() == [50_000_000] * 4


def test_lock_step_of_commands_waits_for_the_one_that_bears_the_stamp(graph, simulate):
    pictures = graph.listen(Image, 'camera/image_raw')
    commands = graph.probe.create_publisher(TwistStamped, 'cmd_vel', 10)
    simulate(
        lock_step_command=True, cmd_vel_stamped=True, drive='cmd_vel', real_time_factor=0.0,
        lock_step_timeout_s=30.0,
    )  # fmt: skip
    graph.wait_until(commands.get_subscription_count)
    graph.wait_until(lambda: len(pictures) == 1, 30.0)
    late = TwistStamped(header=pictures[0].header)
    for count in range(2, 5):
        graph.turn(0.2)
        assert len(pictures) == count - 1, 'no picture before its command'
        if count > 2:
            commands.publish(late)
            graph.turn(0.2)
            assert len(pictures) == count - 1, 'the command of an older picture is not awaited'
        commands.publish(TwistStamped(header=pictures[-1].header))
        graph.wait_until(lambda wanted=count: len(pictures) == wanted)
    assert np.diff(stamps(pictures)).tolist() == [50_000_000] * 3


@pytest.mark.parametrize('values', [{'cmd_vel_stamped': False}, {'drive': 'path'}])
def test_lock_step_of_commands_needs_commands_with_stamps(graph, values):
    settings = {'cmd_vel_stamped': True, 'drive': 'cmd_vel', 'lock_step_command': True, **values}
    with pytest.raises(ValueError, match='lock_step_command: true needs cmd_vel_stamped: true'):
        graph.add(SimulationNode, autostart=False, **settings, **SMALL)


def test_simulated_duration_ends_the_run(graph, simulate):
    pictures = graph.listen(Image, 'camera/image_raw')
    node = simulate(
        duration_s=0.5, real_time_factor=0.0, exit_when_finished=True, wait_for_subscriber=True
    )
    graph.wait_until(lambda: node.exit_requested)
    graph.wait_until(lambda: pictures and stamps(pictures)[-1] == 500_000_000)
    assert node.health().message == 'finished after 0.5 s of simulated time'


def test_unknown_course_refuses_configure_with_the_reason(graph):
    node = graph.add(SimulationNode, course='moebius', autostart=False, **SMALL)
    node.trigger_configure()
    assert node.state_label == 'unconfigured'
    assert 'moebius' in node.last_error
