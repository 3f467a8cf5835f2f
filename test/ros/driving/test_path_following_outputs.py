"""Commands of a stop only ever get slower."""

from dataclasses import replace

import pytest

pytest.importorskip('rclpy')

from rclpy.clock import Clock

from perception_nodes.driving import STAND, DriveCommand, DriveState, DrivingConfig, PathFollower
from perception_nodes.ros.path_following_config import PathFollowingNodeConfig
from perception_nodes.ros.path_following_outputs import PathFollowingOutputs


class FakeNode:
    """Keeps what is published, by topic."""

    def __init__(self):
        self.sent = {}

    def create_publisher(self, kind, topic, qos, **options):
        sent = self.sent.setdefault(topic, [])

        class Publisher:
            def publish(self, message):
                sent.append(message)

        return Publisher()

    def get_clock(self):
        return Clock()


@pytest.fixture
def node():
    return FakeNode()


@pytest.fixture
def tell(node):
    """Return a function that publishes a state and a speed."""
    outputs = PathFollowingOutputs(node, PathFollowingNodeConfig())
    status = PathFollower(DrivingConfig()).step(0, 0)

    def publish(state: DriveState, speed_m_s: float) -> None:
        command = DriveCommand(speed_m_s=speed_m_s) if speed_m_s else STAND
        outputs.publish_status(replace(status, state=state, command=command), None)

    return publish


def speeds(node) -> list[float]:
    return [message.linear.x for message in node.sent['cmd_vel']]


def test_disabled_it_commands_nothing(node, tell):
    tell(DriveState.DISABLED, 0.0)
    assert speeds(node) == []


def test_a_ramp_goes_down(node, tell):
    for state, speed in ((DriveState.DRIVING, 0.4), (DriveState.STOPPING, 0.2)):
        tell(state, speed)
    assert speeds(node) == [0.4, 0.2]


def test_a_ramp_does_not_begin_again_after_a_zero(node, tell):
    tell(DriveState.DRIVING, 0.4)
    tell(DriveState.STOPPING, 0.0)
    tell(DriveState.STOPPING, 0.3)
    assert speeds(node) == [0.4, 0.0, 0.0]
    assert node.sent['~/status'][-1].commanded_speed == 0.0
    tell(DriveState.DRIVING, 0.1)
    assert speeds(node)[-1] == pytest.approx(0.1)
