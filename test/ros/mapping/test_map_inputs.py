"""What the map node makes of attitudes, extrinsics, clocks and losses, over DDS."""

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from nav_msgs.msg import Odometry
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import Imu, PointCloud2
from std_msgs.msg import Header
from tf2_msgs.msg import TFMessage

from perception_nodes.geometry import RigidTransform
from perception_nodes.ros.grid_conversion import cloud_msg, organised_points_from_msg
from perception_nodes.ros.image_conversion import stamp_ns_to_msg
from perception_nodes.ros.transforms_conversion import LINK_FROM_OPTICAL, transform_to_msg

pytestmark = pytest.mark.ros

ROLL_RAD, PITCH_RAD = np.radians(2.0), np.radians(3.0)
TILT = RigidTransform.from_rpy(roll_rad=ROLL_RAD, pitch_rad=PITCH_RAD)
LEVEL = RigidTransform()
MOUNT = RigidTransform.from_rpy(pitch_rad=0.14, translation_xyz=(0.1, 0.0, 0.3))
CAMERA = MOUNT @ RigidTransform.from_matrix(LINK_FROM_OPTICAL)
IMU_MOUNT = RigidTransform.from_rpy(yaw_rad=np.pi / 2, translation_xyz=(0.2, 0.1, 0.1))
OBSTACLE_HEIGHT_M = 0.1
FOCAL, CENTRE_UV = 100.0, (79.5, 59.5)
BOX_FOOT_ROW, BOX_COLUMNS = 79, np.arange(30, 45)


def xyz_of(message):
    return np.frombuffer(message.data, np.float32).reshape(-1, 3).astype(float)


def assert_feet_are_where_they_are_seen(cloud, attitude):
    """The cloud stands 0.1 m above the floor of the levelled base, over the feet's pixels."""
    level_from_camera = attitude @ CAMERA
    level = level_from_camera.apply(xyz_of(cloud))
    assert np.abs(level[:, 2] - OBSTACLE_HEIGHT_M).max() < 1e-4
    feet = level_from_camera.inverse().apply(level - (0, 0, OBSTACLE_HEIGHT_M))
    u, v = (FOCAL * feet[:, i] / feet[:, 2] + CENTRE_UV[i] for i in (0, 1))
    assert np.abs(u - BOX_COLUMNS).max() < 0.01
    assert np.abs(v - BOX_FOOT_ROW).max() < 0.01


class Attitude:
    """Says the attitude of the base by one of the ways that the node knows."""

    def __init__(self, source, robot, known):
        self.source, self.robot, self.known = source, robot, known
        kind = {'imu': Imu, 'odometry': Odometry}.get(source)
        self.publisher = kind and robot.graph.probe.create_publisher(kind, source, 10)
        if self.publisher:
            robot.graph.wait_until(self.publisher.get_subscription_count)
        if source == 'imu':
            stamp = known.stamp_of(0)
            mount = transform_to_msg(IMU_MOUNT.matrix, 'base_link', 'imu_link', stamp)
            robot.static.publish(TFMessage(transforms=[mount]))

    def say(self, stamp_ns, attitude, covariance=0.0):
        stamp = self.known.stamp_of(stamp_ns)
        if self.source == 'imu':
            message = Imu(orientation=quaternion(attitude @ IMU_MOUNT))
            message.header.stamp, message.header.frame_id = stamp, 'imu_link'
            message.orientation_covariance[0] = covariance
            self.publisher.publish(message)
        elif self.source == 'odometry':
            message = Odometry(child_frame_id='base_link')
            message.header.stamp, message.header.frame_id = stamp, 'odom'
            message.pose.pose.orientation = quaternion(attitude)
            self.publisher.publish(message)
        moved = attitude if self.source == 'tf' else LEVEL
        self.robot.place(stamp_ns, odom_from_base=moved)


def quaternion(transform):
    return transform_to_msg(transform.matrix, 'a', 'b', stamp_ns_to_msg(0)).transform.rotation


@pytest.mark.parametrize('source', ['imu', 'odometry', 'tf'])
def test_measured_pitch_and_roll_place_what_is_seen(make_robot, known, source):
    robot = make_robot(patience_s=2.0, attitude_source=source)
    robot.settle()
    attitude = Attitude(source, robot, known)
    before, at, after = (robot.stamp_ns(number) for number in (1, 2, 3))
    robot.see(known.scene(box=True), at)
    attitude.say(before, LEVEL)
    attitude.say(after, TILT @ TILT)  # half-way between the two, at the picture's stamp
    robot.graph.wait_until(lambda: robot.map_at(at))
    robot.graph.wait_until(lambda: robot.obstacles)
    half = LEVEL.interpolated(TILT @ TILT, 0.5)
    assert_feet_are_where_they_are_seen(robot.obstacles[-1], half)


def test_without_a_source_the_base_counts_as_level(robot, known):
    robot.drive(known.scene(box=True), [1])
    robot.graph.wait_until(lambda: robot.obstacles)
    assert_feet_are_where_they_are_seen(robot.obstacles[-1], LEVEL)


@pytest.mark.parametrize('covariance', [None, -1.0], ids=['silent', 'without orientation'])
def test_mask_without_attitude_is_named(make_robot, known, covariance):
    robot = make_robot(patience_s=0.3, attitude_source='imu')
    robot.settle()
    attitude = Attitude('imu', robot, known)
    if covariance is not None:
        for number in (0, 2):
            attitude.say(robot.stamp_ns(number), LEVEL, covariance)
    robot.place(robot.stamp_ns(0))
    robot.place(robot.stamp_ns(2))
    robot.see(known.scene(), robot.stamp_ns(1))
    robot.graph.wait_until(lambda: robot.values().get('lost (no_attitude)') == 1)
    assert '/imu' in robot.values()['last_loss']
    assert not robot.occupancy


def test_attitude_from_before_the_clock_was_set_back_is_not_taken(make_robot, known):
    robot = make_robot(patience_s=1.0, attitude_source='imu')
    robot.settle()
    attitude = Attitude('imu', robot, known)
    for number in (0, 40, 80):
        attitude.say(robot.stamp_ns(number), TILT)
    robot.graph.turn(0.2)
    for number in (30, 31, 33):  # five seconds back, inside of what was said before
        attitude.say(robot.stamp_ns(number), LEVEL)
    robot.see(known.scene(box=True), robot.stamp_ns(32))
    robot.graph.wait_until(lambda: robot.obstacles)
    assert_feet_are_where_they_are_seen(robot.obstacles[-1], LEVEL)


def test_extrinsics_from_parameters_need_no_transform_of_the_camera(make_robot, known):
    robot = make_robot(
        patience_s=0.4, extrinsics_source='parameters', camera_xyz_m=[0.1, 0.0, 0.3],
        camera_rpy_deg=[0.0, float(np.degrees(0.14)), 0.0],
    )  # fmt: skip
    robot.settle(mounted=False)
    robot.drive(known.scene(box=True), [1])
    robot.graph.wait_until(lambda: robot.obstacles)
    assert_feet_are_where_they_are_seen(robot.obstacles[-1], LEVEL)


def floor_and_box(known):
    """Return the organised cloud of the scene with the box, in the camera's frame."""
    height, width = known.shape_hw
    v, u = np.mgrid[:height, :width].astype(np.float32)
    ray = np.stack([(u - CENTRE_UV[0]) / FOCAL, (v - CENTRE_UV[1]) / FOCAL, np.ones_like(u)], 2)
    down = ray @ CAMERA.rotation[2]
    depth = np.where(down < 0, -0.3 / np.minimum(down, -1e-9), np.nan)
    depth[30:80, BOX_COLUMNS] = depth[BOX_FOOT_ROW, BOX_COLUMNS]  # an upright front
    return (ray * depth[..., None]).astype(np.float32)


def test_organised_cloud_marks_the_box_where_it_is(graph, make_robot, known):
    robot = make_robot(patience_s=2.0, depth_source='points')
    robot.settle()
    publisher = graph.probe.create_publisher(PointCloud2, 'points_in', 5)
    points = graph.listen(PointCloud2, 'semantic_map_node/points')
    graph.wait_until(publisher.get_subscription_count)
    graph.wait_until(lambda: graph.probe.count_publishers('semantic_map_node/points'))
    graph.turn(0.3)
    cloud = floor_and_box(known)
    for number in (1, 2, 3):
        stamp_ns = robot.stamp_ns(number)
        header = Header(stamp=known.stamp_of(stamp_ns), frame_id=known.optical)
        publisher.publish(cloud_msg(cloud, header))
        robot.drive(known.scene(box=True), [number])
    costs = known.costs(robot.map_at(stamp_ns))
    place = CAMERA.apply(cloud[BOX_FOOT_ROW, BOX_COLUMNS])
    column, row = (np.floor(place[:, i] / 0.05).astype(int) + 100 for i in (0, 1))
    assert (costs[row, column] == 100).all()
    graph.wait_until(lambda: len(points) == 3)
    assert points[-1].header == header
    assert np.array_equal(organised_points_from_msg(points[-1]), cloud, equal_nan=True)


class TestClock:
    def test_map_begins_anew_when_stamps_begin_again(self, robot, known):
        """A bag that starts again: two masks are late, the third is believed."""
        robot.drive(known.scene(box=True), range(500, 504))
        for number in (1, 2):
            robot.drive(known.scene(), [number], fused=False)
            robot.graph.wait_until(
                lambda count=number: robot.values().get('map (frame_late)') == count
            )
        costs = known.costs(robot.drive(known.scene(), [3]))
        assert robot.values()['map event (reset)'] == 1
        assert not (costs == 100).any()
        assert (known.costs(robot.drive(known.scene(), range(4, 8))) == 10).any()

    def test_clock_set_back_with_simulated_time_forgets_transforms(self, make_robot, known):
        robot = make_robot(patience_s=0.3, use_sim_time=True)
        clock = robot.graph.probe.create_publisher(Clock, '/clock', 10)
        robot.graph.wait_until(clock.get_subscription_count)
        robot.settle()

        def tell(number):
            wanted = robot.stamp_ns(number)
            clock.publish(Clock(clock=known.stamp_of(wanted)))
            now = robot.node.get_clock().now
            robot.graph.wait_until(lambda: now().nanoseconds == wanted)

        tell(60)
        robot.drive(known.scene(), [59, 60])
        tell(10)  # five seconds back, which the transforms' cache would still cover
        robot.calibrate(stamp_ns=robot.stamp_ns(9))
        robot.place(robot.stamp_ns(10), x_m=1.0)
        robot.see(known.scene(), robot.stamp_ns(30))
        robot.graph.wait_until(
            lambda: robot.values().get('lost (transform newer than the transforms)') == 1
        )

    def test_leap_forward_is_followed_at_once_and_old_evidence_is_gone(self, robot, known):
        before = known.costs(robot.drive(known.scene(box=True), range(1, 5)))
        assert (before == 100).any()
        an_hour = 36_000
        after = known.costs(robot.drive(known.scene(), [an_hour]))
        assert not (after == 100).any()
        assert 'map (frame_late)' not in robot.values()


class TestDiagnostics:
    @pytest.fixture
    def status(self, graph):
        """Return a function that waits for a status of the map node that satisfies."""
        reports = graph.listen(DiagnosticArray, '/diagnostics')

        def wait(satisfies):
            def found():
                statuses = [s for r in reports for s in r.status if 'semantic_map' in s.name]
                reports.clear()
                for item in statuses:
                    values = {entry.key: entry.value for entry in item.values}
                    if satisfies(item, values):
                        return item, values
                return None

            return graph.wait_until(found)

        return wait

    def test_healthy_map_says_what_it_does(self, robot, known, status):
        robot.drive(known.scene(), [1, 2])
        _, values = status(lambda item, values: values.get('map (fused)') == '2')
        assert values['state'] == 'active'
        assert values['topic'] == '/mask'
        assert values['unknown_labels'] == 'none'
        assert values['last_loss'] == 'none'
        assert (values['waiting'], values['camera_info_changes']) == ('0', '0')

    def test_uncalibrated_is_an_error_until_the_camera_is_calibrated(
        self, make_robot, known, status
    ):
        robot = make_robot(patience_s=0.2)
        robot.settle(focal=0.0)
        robot.graph.turn(0.2)
        robot.place(robot.stamp_ns(1))
        robot.see(known.scene(), robot.stamp_ns(1))
        item, values = status(lambda item, values: item.level == DiagnosticStatus.ERROR)
        assert 'uncalibrated' in item.message
        assert values['lost (uncalibrated)'] == '1'
        robot.calibrate(stamp_ns=robot.stamp_ns(2))
        robot.graph.turn(0.2)
        robot.drive(known.scene(), [2])
        item, values = status(lambda item, values: values.get('map (fused)') == '1')
        assert item.level in (DiagnosticStatus.OK, DiagnosticStatus.WARN)
        item, _ = status(lambda item, values: 'left out' not in item.message)
        assert item.level != DiagnosticStatus.ERROR
        robot.see(known.scene(), robot.stamp_ns(9))
        item, _ = status(lambda item, values: 'left out' in item.message)
        assert item.level == DiagnosticStatus.WARN, 'another loss is not the old error'
        assert 'odom' in item.message

    def test_mask_whose_confidence_never_comes_is_named(self, robot, known, status):
        robot.drive(known.scene(), [1])
        robot.mask.publish(known.image_of(known.scene(), robot.stamp_ns(2)))
        item, values = status(lambda item, values: 'left out' in item.message)
        assert item.level == DiagnosticStatus.WARN
        assert 'no confidence with the stamp of a mask on /confidence' in item.message
        assert values['lost (mask_without_confidence)'] == '1'

    def test_companions_that_come_more_often_than_masks_are_no_loss(self, robot, known, status):
        robot.drive(known.scene(), [1])
        robot.confidence.publish(known.image_of(known.scene(), robot.stamp_ns(2)))
        reason = 'lost (confidence_without_mask)'
        item, values = status(lambda item, values: values.get(reason) == '1')
        assert 'left out' not in item.message
        assert values['last_loss'] == 'none'

    def test_refused_mask_is_named_with_what_the_map_says(self, robot, known, status):
        robot.drive(known.scene(), [1])
        robot.drive(known.scene(), [2], x_m=3.0, fused=False)
        item, values = status(lambda item, values: 'left out' in item.message)
        assert values['map (odometry_jump)'] == '1'
        assert 'max_speed_m_s' in item.message

    def test_classes_that_the_map_does_not_know_are_listed(self, robot, known, status):
        robot.name_classes((*known.names, 'moat'))
        robot.graph.turn(0.2)
        robot.drive(known.scene(), [1])
        status(lambda item, values: values.get('unknown_labels') == 'moat')
