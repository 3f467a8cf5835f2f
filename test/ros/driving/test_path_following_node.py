"""The path follower over DDS: it drives when all is healthy, and stops for every reason."""

import threading
import time

import numpy as np
import pytest

pytest.importorskip('rclpy')

from geometry_msgs.msg import TwistStamped
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from nav2_msgs.msg import SpeedLimit
from nav_msgs.msg import OccupancyGrid
from perception_suite.msg import PathFollowingStatus as Status
from rclpy.qos import QoSPresetProfiles
from std_msgs.msg import Header
from vision_msgs.msg import Detection2D, Detection2DArray, LabelInfo, ObjectHypothesisWithPose

from perception_nodes.driving import Pilot
from perception_nodes.ros.path_following_node import PathFollowingNode
from perception_nodes.ros.running import run_node  # noqa: F401 - what the process test runs

pytestmark = pytest.mark.ros


def test_drives_along_the_lane_and_says_where_it_is(make_robot):
    robot = make_robot()
    robot.drive()
    robot.graph.turn(1.0)
    speeds = [speed for _, speed, _ in robot.commands]
    assert speeds[-1] > 0.3
    assert max(np.diff(speeds)) < 0.1, 'speed is gained by and by'
    estimate, path = robot.estimates[-1], robot.paths[-1]
    assert estimate.valid
    assert abs(estimate.lateral_error) < 0.02
    assert 0 < estimate.lateral_error_stddev < 0.1
    assert estimate.width == pytest.approx(0.5, abs=0.05)
    assert path.header.frame_id == estimate.header.frame_id == 'base_link'
    xs = [pose.pose.position.x for pose in path.poses]
    assert len(xs) > 2
    assert xs == sorted(xs)
    assert all(abs(pose.pose.position.y) < 0.05 for pose in path.poses)
    assert robot.status[-1].reason == Status.REASON_NONE


def test_commands_nothing_before_it_is_enabled(make_robot):
    robot = make_robot()
    robot.settle()
    robot.graph.wait_until(lambda: robot.estimates and robot.estimates[-1].valid)
    robot.graph.turn(0.5)
    assert robot.commands == []
    assert robot.status[-1].state == Status.STATE_DISABLED
    answer = robot.enable()
    assert answer.success
    robot.graph.wait_until(lambda: robot.commands)
    assert robot.commands[0][1] == 0.0, 'first it waits until all has been healthy'


def test_silence_of_masks_stops_the_robot(make_robot):
    robot = make_robot()
    robot.drive()
    robot.sees, since = False, time.monotonic()
    assert robot.seconds_to_zero(since) < 0.4
    status = robot.wait_for_state(Status.STATE_STOPPING)
    assert status.reason == Status.REASON_CAMERA_STALE
    robot.moves = False
    robot.wait_for_state(Status.STATE_STOPPED)
    words = robot.node.health().message
    assert 'stands' in words or 'mask' in words or 'image' in words
    robot.sees = robot.moves = True
    robot.wait_for_state(Status.STATE_DRIVING)


def test_frozen_picture_stops_the_robot(make_robot):
    robot = make_robot()
    robot.drive()
    robot.lives = False
    robot.graph.wait_until(
        lambda: any(s.reason == Status.REASON_PICTURE_FROZEN for s in robot.status)
    )
    robot.graph.wait_until(lambda: robot.commands[-1][1] == 0.0)


def test_a_floor_without_a_lane_stops_the_robot(make_robot):
    robot = make_robot()
    robot.drive()
    robot.mask, since = np.zeros_like(robot.mask), time.monotonic()
    assert robot.seconds_to_zero(since) < 0.5
    robot.graph.wait_until(lambda: any(s.reason == Status.REASON_PATH_LOST for s in robot.status))


def test_released_and_silent_dead_man_stop_the_robot(make_robot):
    robot = make_robot(require_dead_man=True)
    robot.settle()
    robot.enable()
    robot.graph.turn(0.6)
    assert robot.status[-1].reason == Status.REASON_DEAD_MAN_SILENT
    robot.holds = True
    robot.wait_for_state(Status.STATE_DRIVING)
    robot.holds = False
    robot.graph.wait_until(lambda: robot.status[-1].reason == Status.REASON_DEAD_MAN_RELEASED)
    robot.graph.wait_until(lambda: robot.commands[-1][1] == 0.0)
    robot.holds = True
    robot.wait_for_state(Status.STATE_DRIVING)
    robot.holds, since = None, time.monotonic()
    robot.graph.wait_until(lambda: robot.status[-1].reason == Status.REASON_DEAD_MAN_SILENT)
    assert robot.seconds_to_zero(since) < 0.5


def test_missing_transform_is_named(make_robot):
    robot = make_robot()
    robot.settle(mounted=False)
    robot.enable()
    robot.graph.wait_until(lambda: robot.status[-1].reason == Status.REASON_TF_MISSING)
    assert 'camera_optical_frame' in robot.status[-1].text
    assert all(speed == 0.0 for _, speed, _ in robot.commands)


def test_disabling_lets_it_stand_while_a_mask_hangs(make_robot, monkeypatch):
    robot = make_robot()
    robot.drive()
    hangs, over = threading.Event(), threading.Event()

    def hang(*_) -> None:
        hangs.set()
        over.wait(30.0)

    monkeypatch.setattr(Pilot, 'take_mask', hang)
    robot.graph.wait_until(hangs.is_set)
    since = time.monotonic()
    answer = robot.enable(False)
    assert answer.success
    assert 'a mask is in work' in answer.message
    assert robot.seconds_to_zero(since) < 0.3
    robot.moves = False
    over.set()
    robot.wait_for_state(Status.STATE_DISABLED)


@pytest.mark.parametrize(
    ('confidence', 'words'),
    [
        (None, 'no confidence with the stamp of a mask on /confidence: publish it, or use_confid'),
        (np.zeros((120, 160), np.uint8), 'confidence is 160x120, the mask 320x240'),
    ],
    ids=['missing', 'of another size'],
)
def test_pictures_that_cannot_be_used_are_told_as_such(make_robot, confidence, words):
    robot = make_robot()
    robot.confidence = confidence
    robot.settle()
    robot.enable()
    robot.graph.wait_until(lambda: words in robot.status[-1].text)
    assert robot.status[-1].reason == Status.REASON_PATH_LOST


def test_names_of_classes_that_cannot_be_heard_are_told_as_such(make_robot):
    robot = make_robot()
    robot.labels = robot.graph.probe.create_publisher(LabelInfo, 'label_info', 10)
    robot.settle()
    robot.enable()
    words = 'no class names have come on /label_info (a publisher offers another durability'
    robot.graph.wait_until(lambda: words in robot.status[-1].text)


def test_an_error_over_a_mask_is_told(make_robot, monkeypatch):
    def fail(*_) -> None:
        raise ArithmeticError('the ground fell away')

    monkeypatch.setattr(Pilot, 'take_mask', fail)
    robot = make_robot()
    robot.settle()
    robot.enable()
    words = 'mask given up: ArithmeticError: the ground fell away'
    robot.graph.wait_until(lambda: words in robot.status[-1].text)


def test_publishers_that_send_best_effort_are_heard(make_robot):
    robot = make_robot(
        repeated=QoSPresetProfiles.SENSOR_DATA.value, require_dead_man=True,
        attitude_source='odometry', patience_s=0.15, max_picture_age_s=0.5, max_path_age_s=0.5,
    )  # fmt: skip
    robot.holds = True
    robot.drive()


def test_speed_limit_holds(make_robot):
    robot = make_robot()
    limit = robot.graph.probe.create_publisher(SpeedLimit, 'speed_limit', 10)
    robot.drive()
    limit.publish(SpeedLimit(speed_limit=0.15))
    robot.graph.wait_until(lambda: robot.status[-1].speed_bound_by == 'speed limit')
    robot.graph.turn(0.6)
    assert robot.commands[-1][1] == pytest.approx(0.15, abs=0.01)


def test_a_box_in_the_way_stops_the_robot(make_robot):
    robot = make_robot(obstacle_sources=['detections'])
    publisher = robot.graph.probe.create_publisher(Detection2DArray, 'detections', 10)
    boxes: list[tuple[float, float, float, float]] = []

    def detect() -> None:
        message = Detection2DArray(
            header=Header(stamp=robot._now(), frame_id='camera_optical_frame')
        )
        for x0, y0, x1, y1 in boxes:
            item = Detection2D()
            item.bbox.center.position.x, item.bbox.center.position.y = (x0 + x1) / 2, (y0 + y1) / 2
            item.bbox.size_x, item.bbox.size_y = x1 - x0, y1 - y0
            result = ObjectHypothesisWithPose()
            result.hypothesis.class_id, result.hypothesis.score = 'person', 0.9
            item.results = [result]
            message.detections.append(item)
        publisher.publish(message)

    robot.graph.probe.create_timer(0.05, detect)
    robot.drive()
    boxes.append((140.0, 20.0, 180.0, 200.0))
    robot.graph.wait_until(lambda: any(s.reason == Status.REASON_OBSTACLE for s in robot.status))
    robot.graph.wait_until(lambda: robot.commands[-1][1] == 0.0)
    assert robot.status[-1].obstacle_distance < 1.0


def test_costly_cells_in_the_way_stop_the_robot(make_robot):
    robot = make_robot(obstacle_sources=['occupancy'])
    publisher = robot.graph.probe.create_publisher(OccupancyGrid, 'occupancy', 10)
    blocked: list[bool] = []

    def map_it() -> None:
        grid = OccupancyGrid(header=Header(stamp=robot._now(), frame_id='odom'))
        grid.info.resolution, grid.info.width, grid.info.height = 0.05, 80, 40
        x_m = robot._x_m
        grid.info.origin.position.x, grid.info.origin.position.y = x_m - 1.0, -1.0
        grid.info.origin.orientation.w = 1.0
        costs = np.zeros((40, 80), np.int8)
        if blocked:
            costs[18:22, 30:32] = 100
        grid.data = costs.ravel().tolist()
        publisher.publish(grid)

    robot.graph.probe.create_timer(0.1, map_it)
    robot.drive()
    blocked.append(True)
    robot.graph.wait_until(lambda: any(s.reason == Status.REASON_OBSTACLE for s in robot.status))
    robot.graph.wait_until(lambda: robot.commands[-1][1] == 0.0)


def test_wanted_obstacles_that_stay_away_keep_it_standing(make_robot):
    robot = make_robot(obstacle_sources=['occupancy'])
    robot.settle()
    robot.enable()
    robot.graph.wait_until(lambda: robot.status[-1].reason == Status.REASON_OBSTACLES_STALE)
    assert 'occupancy' in robot.status[-1].text


def test_zero_is_left_when_it_is_deactivated_or_disabled(make_robot):
    robot = make_robot()
    robot.drive()
    robot.enable(False)
    robot.graph.wait_until(lambda: robot.commands[-1][1] == 0.0)
    robot.moves = False
    robot.wait_for_state(Status.STATE_DISABLED)
    robot.moves = True
    robot.drive()
    request = ChangeState.Request()
    request.transition.id = Transition.TRANSITION_DEACTIVATE
    robot.graph.call(ChangeState, '/path_following_node/change_state', request)
    robot.graph.wait_until(lambda: robot.commands[-1][1] == 0.0)


def test_odometry_of_another_frame_is_refused_with_the_cure(make_robot):
    robot = make_robot(base_frame='base_footprint')
    robot.settle()
    robot.graph.wait_until(lambda: 'base_footprint' in robot.node.health().values.get(
        'last_refusal', ''
    ))  # fmt: skip
    assert 'set one of the two' in robot.node.health().values['last_refusal']


def test_stamped_commands_bear_the_stamp_of_the_picture(make_robot):
    robot = make_robot(cmd_vel_stamped=True, cmd_vel_stamp='picture')
    stamped = robot.graph.listen(TwistStamped, 'cmd_vel')
    robot.settle()
    robot.enable()
    robot.graph.wait_until(lambda: stamped and stamped[-1].twist.linear.x > 0)
    robot.graph.turn(0.3)
    pictures = {(e.header.stamp.sec, e.header.stamp.nanosec) for e in robot.estimates}
    commands = {(c.header.stamp.sec, c.header.stamp.nanosec) for c in stamped}
    assert len(pictures & commands) > 3
    driving = [c.header.stamp for c in stamped if c.twist.linear.x > 0][1:-1]
    assert {(stamp.sec, stamp.nanosec) for stamp in driving} <= pictures
    assert stamped[-1].header.frame_id == 'base_link'


def test_settings_that_do_not_fit_are_refused(graph):
    with pytest.raises(ValueError, match='depth_source: none does not fit'):
        graph.add(PathFollowingNode, obstacle_sources=['depth'])
    with pytest.raises(ValueError, match='one meaning only'):
        graph.add(PathFollowingNode, road_classes=['lane'], marking_classes=['lane'])
