"""The camera node on real DDS: every source, every pacing, every way to fail."""

import re

import cv2
import numpy as np
import pytest

pytest.importorskip('rclpy')

from diagnostic_msgs.msg import DiagnosticArray
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Bool
from std_srvs.srv import SetBool
from vision_msgs.msg import Detection2DArray

from perception_nodes.ros.camera_node import CameraNode
from perception_nodes.ros.image_conversion import frame_from_compressed_msg, frame_from_msg
from perception_nodes.ros.image_conversion import stamp_ns_from_msg as stamp_ns
from perception_nodes.ros.qos import LATCHED_QOS

pytestmark = pytest.mark.ros

COUNT = 6
CALIBRATION = """
image_width: {width}
image_height: 48
camera_name: test
camera_matrix: {{rows: 3, cols: 3, data: [50.0, 0, 32, 0, 51.0, 24, 0, 0, 1]}}
distortion_model: plumb_bob
distortion_coefficients: {{rows: 1, cols: 5, data: [0.1, -0.2, 0, 0, 0]}}
rectification_matrix: {{rows: 3, cols: 3, data: [1, 0, 0, 0, 1, 0, 0, 0, 1]}}
projection_matrix: {{rows: 3, cols: 4, data: [50.0, 0, 32, 0, 0, 51.0, 24, 0, 0, 0, 1, 0]}}
"""


def picture(index):
    """Return a 64×48 BGR picture whose blue level tells its index."""
    return np.full((48, 64, 3), (20 * index, 100, 200), np.uint8)


def index_of(message):
    """Return the index that an image message tells by its blue level."""
    convert = frame_from_msg if isinstance(message, Image) else frame_from_compressed_msg
    return round(float(convert(message).in_order('bgr')[:, :, 0].mean()) / 20)


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / 'pictures'
    path.mkdir()
    for index in range(COUNT):
        cv2.imwrite(str(path / f'{index}.png'), picture(index))
    return path


@pytest.fixture
def play(graph):
    """Return a function that starts a camera node which waits for one subscriber."""

    def start(source, **parameters):
        parameters.setdefault('wait_for_subscribers', 1)
        return graph.add(CameraNode, source=str(source), **parameters)

    return start


@pytest.fixture
def finished(graph):
    return graph.listen(Bool, 'camera_node/finished', LATCHED_QOS)


def ended(finished):
    """Return a condition: the recording has ended."""
    return lambda: any(message.data for message in finished)


def test_folder_is_played_completely_with_recorded_stamps(graph, play, folder, finished):
    images = graph.listen(Image, 'image_raw')
    infos = graph.listen(CameraInfo, 'camera_info')
    play(folder, stamp='source', rate_hz=50.0)
    graph.wait_until(ended(finished))
    graph.wait_until(lambda: len(images) == COUNT and infos)
    assert [index_of(message) for message in images] == list(range(COUNT))
    assert [stamp_ns(message.header.stamp) for message in images] == [
        10**9 + index * 20_000_000 for index in range(COUNT)
    ]
    headers = [message.header for message in images]
    assert all(message.header in headers for message in infos)
    assert images[0].header.frame_id == 'camera_optical_frame'
    assert (images[0].encoding, images[0].step) == ('bgr8', 192)


def test_stamp_now_is_the_time_of_publication(graph, play, folder, finished):
    images = graph.listen(Image, 'image_raw')
    before_ns = graph.probe.get_clock().now().nanoseconds
    play(folder, rate_hz=50.0)
    graph.wait_until(lambda: len(images) == COUNT)
    stamps = [stamp_ns(message.header.stamp) for message in images]
    after_ns = graph.probe.get_clock().now().nanoseconds
    assert before_ns < stamps[0] < stamps[-1] < after_ns
    assert np.all(np.diff(stamps) > 10_000_000)


def test_uncalibrated_camera_info_has_the_size_and_zeros(graph, play, folder):
    infos = graph.listen(CameraInfo, 'camera_info')
    play(folder, wait_for_subscribers=0)
    graph.wait_until(lambda: infos)
    assert (infos[0].width, infos[0].height) == (64, 48)
    assert not np.any(infos[0].k)


def test_calibration_goes_out_with_every_picture(graph, play, folder, tmp_path):
    path = tmp_path / 'camera.yaml'
    path.write_text(CALIBRATION.format(width=64))
    infos = graph.listen(CameraInfo, 'camera_info')
    play(folder, wait_for_subscribers=0, camera_info_url=f'file://{path}')
    graph.wait_until(lambda: infos)
    assert infos[0].k[0] == 50.0
    assert infos[0].p[5] == 51.0
    assert list(infos[0].d)[:2] == [0.1, -0.2]
    assert infos[0].distortion_model == 'plumb_bob'


def test_on_demand_waits_for_the_detections_of_each_frame(graph, play, folder, finished):
    images = graph.listen(Image, 'image_raw')
    answers = graph.probe.create_publisher(Detection2DArray, 'detections', 10)
    node = play(folder, pacing='on_demand', answer_timeout_s=60.0)
    for count in range(1, COUNT + 1):
        graph.wait_until(lambda count=count: len(images) == count)
        if count == 2:
            graph.turn(0.2)
            assert len(images) == 2, 'a frame came without an answer'
        answers.publish(Detection2DArray(header=images[-1].header))
    graph.wait_until(ended(finished))
    assert [index_of(message) for message in images] == list(range(COUNT))
    assert node.health().values['slips'] == 0


def test_on_demand_goes_on_after_a_lost_answer(graph, play, folder, finished):
    images = graph.listen(Image, 'image_raw')
    graph.probe.create_publisher(Detection2DArray, 'detections', 10)
    node = play(folder, pacing='on_demand', answer_timeout_s=0.05)
    graph.wait_until(ended(finished))
    graph.wait_until(lambda: len(images) == COUNT)
    assert node.health().values['slips'] == COUNT


def test_compressed_topic_is_served_without_raw_subscribers(graph, play, folder, finished):
    images = graph.listen(CompressedImage, 'image_raw/compressed')
    play(folder, rate_hz=50.0)
    graph.wait_until(ended(finished))
    graph.wait_until(lambda: len(images) == COUNT)
    assert [index_of(message) for message in images] == list(range(COUNT))
    assert images[0].format == 'bgr8; jpeg compressed bgr8'


def test_loop_plays_on_after_the_end(graph, play, folder, finished):
    images = graph.listen(Image, 'image_raw')
    node = play(folder, loop=True, pacing='fixed_rate', rate_hz=200.0)
    graph.wait_until(lambda: len(images) > 2 * COUNT)
    assert [index_of(message) for message in images[: COUNT * 2]] == [*range(COUNT)] * 2
    assert not ended(finished)()
    assert node.health().values['passes'] >= 2


def test_broken_picture_is_skipped_and_named_in_the_health(graph, play, folder, finished):
    (folder / '2.png').write_bytes(b'rubbish')
    images = graph.listen(Image, 'image_raw')
    node = play(folder, rate_hz=50.0)
    graph.wait_until(ended(finished))
    graph.wait_until(lambda: len(images) == COUNT - 1)
    assert [index_of(message) for message in images] == [0, 1, 3, 4, 5]
    assert 'broken_data' in node.health().message
    assert node.health().values['skipped (broken_data)'] == 1


def test_paused_node_sends_nothing_until_it_is_told_to_play(graph, play, folder, finished):
    images = graph.listen(Image, 'image_raw')
    node = play(folder, start_paused=True, rate_hz=50.0)
    graph.wait_until(lambda: node.state_label == 'active')
    graph.turn(0.2)
    assert images == []
    assert 'paused' in node.health().message
    assert graph.call(SetBool, 'camera_node/play', SetBool.Request(data=True)).success
    graph.wait_until(ended(finished))
    graph.wait_until(lambda: len(images) == COUNT)


def test_node_waits_for_its_subscribers(graph, play, folder, finished):
    node = play(folder, wait_for_subscribers=1, rate_hz=50.0)
    graph.wait_until(lambda: node.state_label == 'active')
    graph.turn(0.2)
    assert 'waiting' in node.health().message
    images = graph.listen(Image, 'image_raw')
    graph.wait_until(ended(finished))
    graph.wait_until(lambda: len(images) == COUNT)


def test_finished_is_latched_for_those_who_come_late(graph, play, folder):
    node = play(folder, wait_for_subscribers=0, pacing='fixed_rate', rate_hz=1000.0)
    graph.wait_until(lambda: node.health().values.get('finished'))
    late = graph.listen(Bool, 'camera_node/finished', LATCHED_QOS)
    graph.wait_until(ended(late))


def test_deactivated_node_starts_again_at_the_first_frame(graph, play, folder):
    images = graph.listen(Image, 'image_raw')
    node = play(folder, loop=True, rate_hz=50.0)
    graph.wait_until(lambda: len(images) >= 3)
    node.trigger_deactivate()
    graph.turn(0.1)
    images.clear()
    graph.turn(0.1)
    assert images == []
    node.trigger_activate()
    graph.wait_until(lambda: images)
    assert index_of(images[0]) == 0


@pytest.mark.parametrize(
    ('parameters', 'words'),
    [
        ({'source': ''}, 'no source given'),
        ({'source': '/no/such/video.mp4'}, 'does not exist'),
        ({'source': '/dev/video97'}, 'cameras present'),
        ({'source': 'package://perception_suite/no/such/file'}, 'was not found'),
        ({'camera_info_url': '/no/such/file.yaml'}, 'No such file'),
    ],
)
def test_configure_is_refused_with_the_reason_and_may_be_tried_again(
    graph, folder, parameters, words
):
    node = graph.add(CameraNode, **{'source': str(folder), 'autostart': False, **parameters})
    node.trigger_configure()
    assert node.state_label == 'unconfigured'
    assert words in node.last_error


def test_calibration_of_another_size_is_refused(graph, folder, tmp_path):
    path = tmp_path / 'camera.yaml'
    path.write_text(CALIBRATION.format(width=640))
    node = graph.add(CameraNode, source=str(folder), autostart=False, camera_info_url=str(path))
    node.trigger_configure()
    assert 'calibrate at the size that is played' in node.last_error


def test_diagnostics_tell_how_playback_stands(graph, play, folder):
    found = graph.listen(DiagnosticArray, '/diagnostics')
    play(folder, wait_for_subscribers=0, pacing='fixed_rate', rate_hz=1000.0)

    def finished_status():
        return [s for m in found for s in m.status if 'finished after 6' in s.message]

    status = graph.wait_until(finished_status)[0]
    values = {item.key: item.value for item in status.values}
    assert values['published'] == '6'
    assert values['state'] == 'active'


def test_bag_passes_its_compressed_bytes_through(graph, play, tmp_path, finished):
    store = get_typestore(Stores.ROS2_JAZZY)
    types, stored = store.types, []
    with Writer(tmp_path / 'bag', version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        kind = 'sensor_msgs/msg/CompressedImage'
        connection = writer.add_connection('/cam/compressed', kind, typestore=store)
        for index in range(COUNT):
            data = cv2.imencode('.jpg', picture(index))[1].reshape(-1)
            stored.append(data.tobytes())
            stamp = types['builtin_interfaces/msg/Time'](sec=50, nanosec=index * 10_000_000)
            header = types['std_msgs/msg/Header'](stamp=stamp, frame_id='recorded')
            message = types[kind](header=header, format='jpeg', data=data)
            writer.write(connection, 10**9 * index, store.serialize_cdr(message, kind))
    images = graph.listen(CompressedImage, 'image_raw/compressed')
    play(tmp_path / 'bag', stamp='source', frame_id='')
    graph.wait_until(ended(finished))
    graph.wait_until(lambda: len(images) == COUNT)
    assert [bytes(message.data) for message in images] == stored
    assert images[3].header.frame_id == 'recorded'
    assert stamp_ns(images[3].header.stamp) == 50 * 10**9 + 30_000_000
    assert images[0].format == 'jpeg'


def test_source_that_breaks_is_an_error_in_the_health(graph, play, tmp_path, finished):
    path = tmp_path / 'short.avi'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'MJPG'), 100.0, (64, 48))
    for index in range(COUNT):
        writer.write(picture(index))
    writer.release()
    images = graph.listen(Image, 'image_raw')
    node = play(f'webcam:{path}')
    graph.wait_until(ended(finished))
    graph.wait_until(lambda: images and index_of(images[-1]) == COUNT - 1)
    health = node.health()
    assert health.level == 2
    assert 'stopped delivering' in health.message


@pytest.mark.data
def test_real_driving_video_reaches_a_subscriber_frame_by_frame(
    graph, play, shared_data, finished
):
    stamps = []
    graph.probe.create_subscription(
        Image, 'image_raw', lambda message: stamps.append(stamp_ns(message.header.stamp)), 10
    )
    answers = graph.probe.create_publisher(Detection2DArray, 'detections', 10)
    play(
        shared_data / 'lane_video' / 'solidWhiteRight.mp4',
        pacing='on_demand',
        stamp='source',
        answer_timeout_s=60.0,
    )
    answered = 0
    while not ended(finished)():
        graph.wait_until(lambda n=answered: len(stamps) > n or ended(finished)(), 20)
        answered = len(stamps)
        message = Detection2DArray()
        message.header.stamp.sec, message.header.stamp.nanosec = divmod(stamps[-1], 10**9)
        answers.publish(message)
    graph.wait_until(lambda: len(stamps) in (221, 222))
    assert set(np.diff(stamps)) == {40_000_000}


def test_docstring_lists_the_topics_and_services_of_the_running_node(graph, folder):
    node = graph.add(CameraNode, source=str(folder), pacing='on_demand', bond_heartbeat_period=0.0)
    graph.wait_until(lambda: node.state_label == 'active')
    listed = {}
    for kind in ('Subscribes', 'Publishes', 'Services'):
        block = CameraNode.__doc__.split(f'{kind}:')[1].split('\n\n')[0]
        entries = re.findall(r'- ``(\S+)`` \(([\w/]+)\)', block)
        listed[kind] = {
            (node.resolve_topic_name(name.replace('~', '/camera_node')), made.split('/')[-1])
            for name, made in entries
        }
    own = {
        'Subscribes': node.get_subscriber_names_and_types_by_node,
        'Publishes': node.get_publisher_names_and_types_by_node,
        'Services': node.get_service_names_and_types_by_node,
    }
    standard = ('/rosout', '/parameter_events', '/diagnostics', '/clock', '/transition_event')
    for kind, query in own.items():
        running = {
            (name, types[0].split('/')[-1])
            for name, types in query('camera_node', '/')
            if not name.endswith(standard)
            and 'rcl_interfaces' not in types[0]
            and 'lifecycle_msgs' not in types[0]
            and 'type_description' not in types[0]
        }
        assert running == listed[kind], kind
