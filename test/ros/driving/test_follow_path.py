"""Nav2 follows our path as long as we would drive, and not a moment longer."""

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

pytest.importorskip('rclpy')

from nav2_msgs.action import FollowPath
from perception_suite.msg import PathFollowingStatus as Status
from rclpy.action import ActionServer, CancelResponse
from rclpy.action.server import ServerGoalHandle
from rclpy.task import Future

from perception_nodes.geometry import PlanarPose
from perception_nodes.ros.diagnostics import Level
from perception_nodes.ros.follow_path_client import FollowPathClient, PathGoal
from perception_nodes.ros.follow_path_guard_node import FollowPathGuardNode
from perception_nodes.ros.path_following_config import PathFollowingNodeConfig

pytestmark = pytest.mark.ros

DRIVING_STATUS = """
import rclpy
from perception_suite.msg import PathFollowingStatus
rclpy.init()
node = rclpy.create_node('follower')
publisher = node.create_publisher(PathFollowingStatus, 'status', 10)
driving = PathFollowingStatus(state=PathFollowingStatus.STATE_DRIVING)
node.create_timer(0.03, lambda: publisher.publish(driving))
rclpy.spin(node)
"""


class ControllerServer:
    """
    Takes goals as Nav2's controller server does: a new one replaces the one before.

    :ivar refuses: how many requests to cancel are still refused.
    """

    def __init__(self, graph):
        self.refuses = 0
        self.graph = graph
        self.goals: list[ServerGoalHandle] = []
        self.ended: list[Future] = []
        self.cancelled: list[float] = []
        self.server = ActionServer(
            graph.probe, FollowPath, 'follow_path', self._execute,
            cancel_callback=self._on_cancel,
        )  # fmt: skip

    def _on_cancel(self, goal: ServerGoalHandle) -> CancelResponse:
        self.refuses -= 1
        return CancelResponse.REJECT if self.refuses >= 0 else CancelResponse.ACCEPT

    async def _execute(self, goal: ServerGoalHandle) -> FollowPath.Result:
        for before in self.ended:
            if not before.done():
                before.set_result('replaced')
        ended = Future()
        self.goals.append(goal)
        self.ended.append(ended)
        poll = self.graph.probe.create_timer(0.01, lambda: self._poll(goal, ended))
        how = await ended
        poll.cancel()
        if how == 'cancelled':
            self.cancelled.append(time.monotonic())
            goal.canceled()
        else:
            goal.abort()
        return FollowPath.Result()

    def _poll(self, goal: ServerGoalHandle, ended: Future) -> None:
        if goal.is_cancel_requested and not ended.done():
            ended.set_result('cancelled')

    @property
    def is_following(self) -> bool:
        return bool(self.ended) and not self.ended[-1].done()


@pytest.fixture
def nav2(graph):
    made = ControllerServer(graph)
    yield made
    made.server.destroy()


def test_nav2_gets_the_path_in_odom_and_loses_it_with_the_lane(make_robot, nav2):
    robot = make_robot(drive='follow_path', goal_period_s=0.2)
    robot.settle()
    robot.graph.wait_until(lambda: robot.estimates and robot.estimates[-1].valid)
    robot.graph.turn(0.3)
    assert nav2.goals == [], 'not enabled'
    robot.enable()
    robot.graph.wait_until(lambda: len(nav2.goals) > 2)
    request = nav2.goals[-1].request
    assert request.path.header.frame_id == 'odom'
    assert request.controller_id == 'FollowPath'
    xy = np.array([(p.pose.position.x, p.pose.position.y) for p in request.path.poses])
    assert np.isfinite(xy).all()
    assert xy[0, 0] > 0.2, 'the robot has driven since the origin of odom'
    assert np.abs(xy[:, 1]).max() < 0.05
    robot.mask, since = np.zeros_like(robot.mask), time.monotonic()
    robot.graph.wait_until(lambda: nav2.cancelled and nav2.cancelled[-1] > since)
    assert nav2.cancelled[-1] - since < 0.6
    assert not nav2.is_following
    assert robot.commands == [], 'cmd_vel is Nav2’s'


def test_no_controller_server_is_said(make_robot):
    robot = make_robot(drive='follow_path')
    robot.settle()
    robot.enable()
    robot.wait_for_state(Status.STATE_DRIVING)
    robot.graph.wait_until(lambda: 'follow_path' in robot.node.health().message)


def test_the_guard_cancels_what_a_killed_follower_left(graph, nav2, guard):
    client_goal(graph, nav2)
    process = subprocess.Popen([sys.executable, '-c', DRIVING_STATUS], env=dict(os.environ))
    try:
        graph.wait_until(lambda: guard.health().message == 'watching', 30.0)
        graph.turn(0.3)
        assert nav2.is_following
        process.send_signal(signal.SIGKILL)
        killed = time.monotonic()
        graph.wait_until(lambda: nav2.cancelled)
    finally:
        process.kill()
        process.wait()
    assert nav2.cancelled[0] - killed < 0.5
    assert not nav2.is_following
    assert guard.health().values['cancelled'] == 1


@pytest.fixture
def guard(graph):
    node = graph.add(FollowPathGuardNode)
    graph.wait_until(lambda: node.state_label == 'active')
    return node


@pytest.fixture
def tell(graph, guard):
    """Return a function that tells the guard a state of the path follower."""
    publisher = graph.probe.create_publisher(Status, 'status', 10)
    graph.wait_until(publisher.get_subscription_count)
    return lambda state: publisher.publish(Status(state=state))


def test_a_status_that_nobody_publishes_is_a_warning(graph, guard):
    health = guard.health()
    assert health.level is Level.WARN
    assert health.message.startswith('nobody publishes /status: remap it to ~/status')


def test_a_state_that_is_not_known_is_no_sign_of_life(graph, guard, tell):
    tell(Status.STATE_DRIVING)
    graph.wait_until(lambda: guard.health().values['cancelled'] == 0 and guard._guard.is_watching)
    tell(250)
    graph.wait_until(lambda: 'unknown state 250' in guard.health().values['last_refusal'])
    graph.wait_until(lambda: guard.health().values['cancelled'] == 1)


def test_a_follower_that_drives_again_keeps_its_new_goal(graph, guard, tell):
    tell(Status.STATE_DRIVING)
    graph.wait_until(lambda: guard._guard.is_watching)
    tell(Status.STATE_STOPPED)
    graph.wait_until(lambda: guard._cancels.is_waiting)
    tell(Status.STATE_DRIVING)
    graph.wait_until(lambda: not guard._cancels.is_waiting)


def test_the_guard_asks_until_it_finds_the_server(graph, nav2, guard, tell, monkeypatch):
    client_goal(graph, nav2)
    monkeypatch.setattr(guard._ends[0], 'service_is_ready', lambda: False)
    tell(Status.STATE_DRIVING)
    graph.wait_until(lambda: guard._guard.is_watching)
    tell(Status.STATE_STOPPED)
    graph.wait_until(lambda: guard.health().values['cancelled'] == 1)
    assert guard.health().level is Level.ERROR
    assert 'cancel_goal is not there' in guard.health().message
    assert nav2.is_following
    monkeypatch.undo()
    graph.wait_until(lambda: nav2.cancelled)
    graph.wait_until(lambda: guard.health().message == 'nobody drives')


def test_a_refused_cancel_is_repeated(make_robot, nav2):
    robot = make_robot(drive='follow_path', goal_period_s=0.2)
    robot.settle()
    robot.enable()
    robot.graph.wait_until(lambda: nav2.is_following)
    nav2.refuses = 2
    robot.enable(False)
    robot.graph.wait_until(lambda: not nav2.is_following)
    assert nav2.refuses < 0
    robot.graph.wait_until(lambda: not robot.node._nav2._cancels.is_waiting)
    assert robot.node._nav2.problem == ''


@pytest.fixture
def distant_nav2(make_graph):
    """Return a controller server that turns in a thread of its own, as in another process."""
    graph = make_graph()
    server = ControllerServer(graph)
    over = threading.Event()

    def turn() -> None:
        while not over.is_set():
            graph.executor.spin_once(timeout_sec=0.02)

    thread = threading.Thread(target=turn)
    thread.start()
    yield server
    over.set()
    thread.join()
    server.server.destroy()


def test_whoever_leaves_sees_the_goal_cancelled_that_nobody_has_accepted_yet(graph, distant_nav2):
    client = FollowPathClient(graph.probe, PathFollowingNodeConfig(drive='follow_path'))
    graph.wait_until(client._client.server_is_ready)
    graph.wait_until(client._canceller.service_is_ready)
    points = np.stack([np.linspace(0.3, 1.0, 8), np.zeros(8)], axis=1)
    goal = PathGoal(points_xy=points, odom_from_base=PlanarPose(), frame_id='odom', stamp_ns=0)
    client.follow(goal, time.monotonic_ns())
    client.close()
    assert not client._cancels.is_waiting
    assert len(distant_nav2.goals) == 1
    deadline = time.monotonic() + 5.0
    while not distant_nav2.cancelled and time.monotonic() < deadline:
        time.sleep(0.01)
    assert distant_nav2.cancelled


def client_goal(graph, nav2) -> None:
    """Give the controller server a goal whose owner will not be heard of again."""
    from rclpy.action import ActionClient

    client = ActionClient(graph.probe, FollowPath, 'follow_path')
    graph.wait_until(client.server_is_ready)
    client.send_goal_async(FollowPath.Goal())
    graph.wait_until(lambda: nav2.is_following)
