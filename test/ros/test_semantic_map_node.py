"""The map node on real DDS: contracts, and input that is missing, late or wrong."""

import array

import numpy as np
import pytest

pytest.importorskip('rclpy')

from builtin_interfaces.msg import Time
from nav2_msgs.srv import LoadMap, SaveMap
from nav_msgs.msg import OccupancyGrid
from perception_suite.msg import SemanticGrid
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from std_msgs.msg import Header
from std_srvs.srv import Trigger
from tf2_msgs.msg import TFMessage
from vision_msgs.msg import LabelInfo

from perception_nodes.geometry import PlanarPose, RigidTransform
from perception_nodes.mapping import SIMULATOR_CLASSES
from perception_nodes.ros.grid_conversion import organised_points_from_msg
from perception_nodes.ros.labels_conversion import label_info_msg
from perception_nodes.ros.qos import LATCHED_QOS
from perception_nodes.ros.semantic_map_node import SemanticMapNode
from perception_nodes.ros.transforms_conversion import LINK_FROM_OPTICAL, transform_to_msg

pytestmark = pytest.mark.ros

W, H = 160, 120
FLOOR, PERSON, BOX = 0, 3, 5
S = 1_000_000_000
FRAME_NS = 100_000_000
START_NS = 1000 * S
OPTICAL = 'camera_optical_frame'


def stamp_of(stamp_ns):
    sec, nanosec = divmod(stamp_ns, S)
    return Time(sec=sec, nanosec=nanosec)


def image_of(pixels, stamp_ns):
    header = Header(stamp=stamp_of(stamp_ns), frame_id=OPTICAL)
    return Image(
        header=header, width=W, height=H, step=W, encoding='mono8',
        data=array.array('B', np.ascontiguousarray(pixels, np.uint8).tobytes()),
    )  # fmt: skip


def scene(person=False, box=False):
    """Return a mask: floor below the horizon, and things that stand in the middle or left."""
    mask = np.full((H, W), 255, np.uint8)
    mask[45:] = FLOOR
    if person:
        mask[20:80, 75:86] = PERSON
    if box:
        mask[30:80, 30:45] = BOX
    return mask


class Robot:
    """Publishes what a robot with a segmented camera publishes."""

    def __init__(self, graph, **parameters):
        self.graph = graph
        self.node = graph.add(SemanticMapNode, **parameters)
        graph.wait_until(lambda: self.node.state_label == 'active')
        probe = graph.probe
        self.mask = probe.create_publisher(Image, 'mask', 5)
        self.confidence = probe.create_publisher(Image, 'confidence', 5)
        self.labels = probe.create_publisher(LabelInfo, 'label_info', LATCHED_QOS)
        self.info = probe.create_publisher(CameraInfo, 'camera_info', 10)
        self.tf = probe.create_publisher(TFMessage, '/tf', 100)
        self.static = probe.create_publisher(TFMessage, '/tf_static', LATCHED_QOS)
        own = 'semantic_map_node'
        self.occupancy = graph.listen(OccupancyGrid, f'{own}/occupancy', LATCHED_QOS)
        self.grid = graph.listen(SemanticGrid, f'{own}/semantic_grid', LATCHED_QOS)
        self.obstacles = graph.listen(PointCloud2, f'{own}/obstacles')
        self.floor = graph.listen(PointCloud2, f'{own}/floor')
        ears = (self.mask, self.confidence, self.labels, self.info, self.tf, self.static)
        graph.wait_until(lambda: all(ear.get_subscription_count() for ear in ears))
        graph.wait_until(lambda: graph.probe.count_publishers(f'{own}/floor'))
        graph.turn(0.3)

    def settle(self, focal=100.0, stamp_ns=START_NS):
        """Say what does not change: labels, calibration, where the camera is."""
        self.labels.publish(label_info_msg(SIMULATOR_CLASSES.names, Header()))
        self.calibrate(focal, stamp_ns)
        mount = RigidTransform.from_rpy(pitch_rad=0.14, translation_xyz=(0.1, 0.0, 0.3))
        optical = mount.matrix @ LINK_FROM_OPTICAL
        message = transform_to_msg(optical, 'base_link', OPTICAL, Time())
        self.static.publish(TFMessage(transforms=[message]))

    def calibrate(self, focal=100.0, stamp_ns=START_NS):
        self.info.publish(
            CameraInfo(
                header=Header(stamp=stamp_of(stamp_ns), frame_id=OPTICAL), width=W, height=H,
                distortion_model='plumb_bob', d=[0.0] * 5,
                k=[focal, 0.0, 79.5, 0.0, focal, 59.5, 0.0, 0.0, 1.0],
            )
        )  # fmt: skip

    def place(self, stamp_ns, x_m=0.0):
        pose = transform_to_msg(
            PlanarPose(x_m=x_m).matrix, 'odom', 'base_link', stamp_of(stamp_ns)
        )
        self.tf.publish(TFMessage(transforms=[pose]))

    def see(self, mask, stamp_ns):
        self.confidence.publish(image_of(np.full((H, W), 255), stamp_ns))
        self.mask.publish(image_of(mask, stamp_ns))

    def drive(self, mask, numbers, x_m=0.0):
        """Publish frames by number and wait for the map of the last."""
        for number in numbers:
            stamp_ns = START_NS + number * FRAME_NS
            self.place(stamp_ns, x_m)
            self.see(mask, stamp_ns)
            self.graph.wait_until(lambda wanted=stamp_ns: self.map_at(wanted))
        return self.map_at(stamp_ns)

    def map_at(self, stamp_ns):
        wanted = stamp_of(stamp_ns)
        return next((m for m in self.occupancy[::-1] if m.header.stamp == wanted), None)

    def values(self):
        return self.node.health().values


def costs(message):
    return np.array(message.data, np.int8).reshape(message.info.height, message.info.width)


@pytest.fixture
def robot(graph):
    made = Robot(graph, patience_s=0.4)
    made.settle()
    return made


def test_frames_stamps_and_ranges_of_everything_published(graph, robot):
    points = graph.listen(PointCloud2, 'semantic_map_node/points')
    graph.turn(0.3)
    grid = robot.drive(scene(box=True), range(1, 4))
    graph.wait_until(lambda: len(points) >= 3 and len(robot.floor) >= 3 and len(robot.grid) >= 3)
    stamp = stamp_of(START_NS + 3 * FRAME_NS)
    assert grid.header.frame_id == 'odom'
    assert (grid.info.width, grid.info.height) == (200, 200)
    assert grid.info.resolution == pytest.approx(0.05)
    assert set(np.unique(costs(grid))) == {-1, 10, 100}
    semantic = robot.grid[-1]
    assert (semantic.header, semantic.info) == (grid.header, grid.info)
    assert [item.name for item in semantic.classes] == list(SIMULATOR_CLASSES.names)
    ids = np.array(semantic.class_ids, np.uint8)
    assert {*np.unique(ids)} == {FLOOR, BOX, SemanticGrid.UNKNOWN}
    assert ((np.array(semantic.confidence) > 0) == (ids != SemanticGrid.UNKNOWN)).all()
    for cloud in (points[-1], robot.obstacles[-1], robot.floor[-1]):
        assert cloud.header == Header(stamp=stamp, frame_id=OPTICAL)
        assert [field.name for field in cloud.fields] == ['x', 'y', 'z']
    organised = organised_points_from_msg(points[-1])
    assert organised.shape == (H, W, 3)
    assert np.isnan(organised[:45]).all()
    assert np.isnan(organised[45:79, 30:45]).all()
    v, u = np.nonzero(np.isfinite(organised[..., 0]))
    seen = organised[v, u]
    assert np.abs(seen[:, 0] / seen[:, 2] * 100 + 79.5 - u).max() < 0.01
    assert np.abs(seen[:, 1] / seen[:, 2] * 100 + 59.5 - v).max() < 0.01
    assert len(robot.obstacles[-1].data) == 15 * 12


def test_person_who_walks_away_is_gone_within_a_second_of_the_floor_seen_again(robot):
    before = costs(robot.drive(scene(person=True), range(1, 12)))
    assert (before == 100).any()
    after = costs(robot.drive(scene(), range(12, 22)))
    assert not (after == 100).any()


def lost(robot, reason, count=1):
    key = f'lost ({reason})'
    robot.graph.wait_until(lambda: robot.values().get(key, 0) >= count)


def test_late_transform_is_waited_for(graph, robot):
    stamp_ns = START_NS + FRAME_NS
    robot.place(START_NS)
    robot.see(scene(), stamp_ns)
    graph.wait_until(lambda: robot.values()['waiting'] == 1)
    robot.place(stamp_ns + FRAME_NS)
    graph.wait_until(lambda: robot.map_at(stamp_ns))


def test_missing_transform_is_named_and_leaves_the_map_as_it_was(graph, robot):
    before = costs(robot.drive(scene(), range(1, 4)))
    robot.see(scene(box=True), START_NS + 9 * FRAME_NS)
    lost(robot, 'transform newer than the transforms')
    health = robot.node.health()
    assert 'odom ← base_link' in health.values['last_loss']
    assert np.array_equal(costs(robot.occupancy[-1]), before)


def test_odometry_jump_does_not_smear_the_map(graph, robot):
    before = costs(robot.drive(scene(box=True), range(1, 5)))
    after = costs(robot.drive(scene(box=True), [5], x_m=2.5))
    assert np.array_equal(before, after)
    assert robot.values()['map (odometry_jump)'] == 1


def test_wrong_transform_is_refused(graph, robot):
    robot.drive(scene(), range(1, 3))
    stamp_ns = START_NS + 3 * FRAME_NS
    tilted = RigidTransform.from_rpy(roll_rad=1.5).matrix
    message = transform_to_msg(tilted, 'odom', 'base_link', stamp_of(stamp_ns))
    robot.tf.publish(TFMessage(transforms=[message]))
    robot.see(scene(), stamp_ns)
    graph.wait_until(lambda: robot.values().get('map (transform_wrong)') == 1)


def test_uncalibrated_camera_is_an_error_that_says_so(graph):
    robot = Robot(graph, patience_s=0.4)
    robot.settle(focal=0.0)
    graph.turn(0.3)
    robot.place(START_NS + FRAME_NS)
    robot.see(scene(), START_NS + FRAME_NS)
    lost(robot, 'uncalibrated')
    assert 'uncalibrated' in robot.values()['last_loss']
    assert not robot.occupancy


def test_mask_without_names_is_not_guessed_at(graph):
    robot = Robot(graph, patience_s=0.2)
    robot.see(scene(), START_NS + FRAME_NS)
    lost(robot, 'no_labels')
    assert '/label_info' in robot.values()['last_loss']


def test_mask_without_calibration_is_named(graph):
    robot = Robot(graph, patience_s=0.2)
    robot.settle(stamp_ns=START_NS + 100 * S)
    robot.place(START_NS)
    robot.place(START_NS + 2 * FRAME_NS)
    robot.see(scene(), START_NS + FRAME_NS)
    lost(robot, 'no_camera_info')


def test_changed_calibration_holds_from_its_stamp_on(graph, robot):
    robot.drive(scene(), [1])
    robot.calibrate(focal=120.0, stamp_ns=START_NS + 2 * FRAME_NS)
    robot.drive(scene(), [2])
    assert robot.values()['camera_info_changes'] == 1


def test_map_is_saved_cleared_and_loaded(graph, robot, tmp_path):
    before = costs(robot.drive(scene(box=True), range(1, 6)))
    own = 'semantic_map_node'
    request = SaveMap.Request(map_url=f'file://{tmp_path}/yard', map_mode='raw')
    assert graph.call(SaveMap, f'{own}/save_map', request).result
    assert {path.name for path in tmp_path.iterdir()} == {
        'yard.yaml', 'yard.pgm', 'yard_cells.png',
    }  # fmt: skip
    count = len(robot.occupancy)
    assert graph.call(Trigger, f'{own}/clear', Trigger.Request()).success
    graph.wait_until(lambda: len(robot.occupancy) > count)
    assert (costs(robot.occupancy[-1]) == -1).all()
    count = len(robot.occupancy)
    url = LoadMap.Request(map_url=f'{tmp_path}/yard.yaml')
    answer = graph.call(LoadMap, f'{own}/load_map', url)
    assert answer.result == LoadMap.Response.RESULT_SUCCESS
    assert np.array_equal(costs(answer.map), before)
    graph.wait_until(lambda: len(robot.occupancy) > count)
    assert np.array_equal(costs(robot.occupancy[-1]), before)


@pytest.mark.parametrize(
    ('request_', 'kind', 'service'),
    [
        (SaveMap.Request(map_topic='/other', map_url='/tmp/x'), SaveMap, 'save_map'),
        (SaveMap.Request(map_url=''), SaveMap, 'save_map'),
        (SaveMap.Request(map_url='package://no_such_package/x'), SaveMap, 'save_map'),
        (LoadMap.Request(map_url='/no/such.yaml'), LoadMap, 'load_map'),
        (LoadMap.Request(map_url=''), LoadMap, 'load_map'),
    ],
)
def test_useless_request_is_refused(graph, robot, request_, kind, service):
    answer = graph.call(kind, f'semantic_map_node/{service}', request_)
    assert answer.result == (
        LoadMap.Response.RESULT_MAP_DOES_NOT_EXIST if kind is LoadMap else False
    )


def test_mask_of_the_wrong_kind_is_counted_and_the_next_one_taken(graph, robot):
    stamp_ns = START_NS + FRAME_NS
    robot.place(stamp_ns)
    bad = image_of(scene(), stamp_ns)
    bad.encoding, bad.step, bad.width = 'mono16', W, W // 2
    robot.confidence.publish(image_of(scene(), stamp_ns))
    robot.mask.publish(bad)
    graph.wait_until(lambda: robot.values().get('refused (wrong_kind)') == 1)
    robot.drive(scene(), [2])
