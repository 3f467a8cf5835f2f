"""Commands pass, and whoever falls silent leaves a robot that stands."""

import signal
import subprocess
import sys
import time

import pytest

pytest.importorskip('rclpy')

from geometry_msgs.msg import Twist, TwistStamped
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState

from perception_nodes.ros.cmd_vel_timeout_node import CmdVelTimeoutNode

pytestmark = pytest.mark.ros

PUBLISHER = """
import rclpy
from geometry_msgs.msg import Twist
rclpy.init()
node = rclpy.create_node('steering')
publisher = node.create_publisher(Twist, 'cmd_vel_in', 10)
command = Twist()
command.linear.x = 0.5
node.create_timer(0.02, lambda: publisher.publish(command))
rclpy.spin(node)
"""


@pytest.fixture
def relay(graph):
    node = graph.add(CmdVelTimeoutNode, zero_repeat_s=0.3)
    graph.wait_until(lambda: node.state_label == 'active')
    return node


def heard_from(graph, kind: type = Twist) -> list[tuple[float, float]]:
    """Collect (steady seconds, speed) of what the base hears."""
    found: list[tuple[float, float]] = []

    def note(message) -> None:
        twist = getattr(message, 'twist', message)
        found.append((time.monotonic(), twist.linear.x))

    graph.probe.create_subscription(kind, 'cmd_vel_out', note, 10)
    return found


def steering(graph, kind: type = Twist):
    publisher = graph.probe.create_publisher(kind, 'cmd_vel_in', 10)
    graph.wait_until(lambda: publisher.get_subscription_count() > 0)
    graph.wait_until(lambda: graph.probe.count_publishers('cmd_vel_out') > 0)
    graph.turn(0.3)
    return publisher


def driven(heard: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return what the base heard from the first command that was not zero."""
    first = next((index for index, (_, speed) in enumerate(heard) if speed), len(heard))
    return heard[first:]


def test_a_relay_that_hears_nobody_lets_a_base_stand_that_may_still_roll(graph):
    heard = heard_from(graph)
    node = graph.add(CmdVelTimeoutNode, zero_repeat_s=0.3)
    graph.wait_until(lambda: node.state_label == 'active')
    assert node.health().message == 'no command yet'
    graph.wait_until(lambda: heard)
    assert node.health().message == 'no command on /cmd_vel_in yet: zero was sent'
    assert node.health().values['timeouts'] == 0
    graph.turn(0.6)
    count = len(heard)
    assert {speed for _, speed in heard} == {0.0}
    graph.turn(0.5)
    assert len(heard) == count, 'the topic is left to others'


def test_a_command_passes_unchanged_and_zero_follows_silence(graph, relay):
    heard = heard_from(graph)
    publisher = steering(graph)
    command = Twist()
    command.linear.x, command.angular.z = 0.4, -0.2
    sent = time.monotonic()
    publisher.publish(command)
    graph.wait_until(lambda: len(driven(heard)) > 1)
    assert relay.health().values['timeouts'] == 1
    passed = driven(heard)
    assert [speed for _, speed in passed[:2]] == [0.4, 0.0]
    assert 0.15 < passed[1][0] - sent < 0.4
    graph.turn(0.8)
    count = len(heard)
    assert {speed for _, speed in driven(heard)[1:]} == {0.0}
    graph.turn(0.5)
    assert len(heard) == count, 'the topic is left to others'


def test_a_number_that_is_none_does_not_pass(graph, relay):
    heard = heard_from(graph)
    publisher = steering(graph)
    command = Twist()
    command.linear.x = float('nan')
    publisher.publish(command)
    graph.turn(0.5)
    assert driven(heard) == []
    assert all(speed == 0.0 for _, speed in heard), 'NaN is not zero'
    assert relay.health().values['refused_commands'] == 1


def test_stamped_commands(graph):
    node = graph.add(CmdVelTimeoutNode, cmd_vel_stamped=True)
    graph.wait_until(lambda: node.state_label == 'active')
    messages = graph.listen(TwistStamped, 'cmd_vel_out')
    publisher = steering(graph, TwistStamped)
    command = TwistStamped()
    command.header.frame_id, command.twist.linear.x = 'base_link', 0.3
    publisher.publish(command)
    graph.wait_until(lambda: command in messages[:-1])
    zero = messages[messages.index(command) + 1]
    assert zero.header.frame_id == 'base_link'
    assert zero.header.stamp.sec > 0
    assert zero.twist == Twist()


def test_zero_is_left_when_the_node_is_deactivated(graph, relay):
    heard = heard_from(graph)
    publisher = steering(graph)
    command = Twist()
    command.linear.x = 0.4
    publisher.publish(command)
    graph.wait_until(lambda: driven(heard))
    request = ChangeState.Request()
    request.transition.id = Transition.TRANSITION_DEACTIVATE
    graph.call(ChangeState, '/cmd_vel_timeout_node/change_state', request)
    graph.wait_until(lambda: heard[-1][1] == 0.0)


def test_a_killed_publisher_leaves_a_robot_that_stands(graph, relay):
    heard = heard_from(graph)
    process = subprocess.Popen([sys.executable, '-c', PUBLISHER])
    try:
        graph.wait_until(lambda: len(driven(heard)) > 10, 30.0)
        process.send_signal(signal.SIGKILL)
        killed = time.monotonic()
        graph.wait_until(lambda: heard[-1][1] == 0.0)
    finally:
        process.kill()
        process.wait()
    first_zero = next(when for when, speed in driven(heard) if speed == 0.0)
    assert first_zero - killed < 0.3
    graph.turn(0.2)
    assert 'for more than 0.2 s' in relay.health().message
