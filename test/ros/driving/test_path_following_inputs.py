"""What a path follower hears: whom it can hear, and what it refuses."""

import pytest

pytest.importorskip('rclpy')

from nav_msgs.msg import OccupancyGrid, Odometry
from rclpy.qos import QoSPolicyKind, ReliabilityPolicy

from perception_nodes.driving import DrivingConfig, Pilot
from perception_nodes.driving.shared_pilot import SharedPilot
from perception_nodes.ros.path_following_config import PathFollowingNodeConfig
from perception_nodes.ros.path_following_inputs import PathFollowingInputs


class FakeNode:
    """Keeps the subscriptions: callback, quality and events by topic."""

    def __init__(self):
        self.callbacks, self.reliability, self.events = {}, {}, {}

    def create_subscription(self, kind, topic, callback, qos, *, event_callbacks, **options):
        self.callbacks[topic] = callback
        self.reliability[topic] = qos.reliability
        self.events[topic] = event_callbacks

    def resolve_topic_name(self, topic):
        return f'/{topic}'


class Heard:
    """Inputs on a fake node, with all sources of obstacles."""

    def __init__(self):
        self.node = FakeNode()
        config = PathFollowingNodeConfig(obstacle_sources=('detections', 'occupancy'))
        self.pilot = Pilot(None, DrivingConfig(obstacle_sources=('occupancy',)))
        self.shared = SharedPilot(self.pilot)
        self.inputs = PathFollowingInputs(self.node, config, self.shared)

    def hear(self, topic, message) -> None:
        self.node.callbacks[topic](message)
        self.shared.step(0, 0)


@pytest.fixture
def heard():
    made = Heard()
    odometry = Odometry(child_frame_id='base_link')
    odometry.header.frame_id = 'odom'
    odometry.pose.pose.orientation.w = 1.0
    made.hear('odometry', odometry)
    return made


def grid(resolution: float, frame_id: str = 'odom') -> OccupancyGrid:
    message = OccupancyGrid()
    message.header.frame_id = frame_id
    message.info.resolution, message.info.width, message.info.height = resolution, 2, 1
    message.info.origin.orientation.w = 1.0
    message.data = [0, 100]
    return message


def test_a_grid_is_taken_with_its_costly_cells(heard):
    heard.hear('occupancy', grid(0.05))
    assert heard.inputs.refused == {}
    (_, points), = heard.pilot.follower._way._obstacles.values()  # fmt: skip
    assert points.tolist() == [[pytest.approx(0.075), pytest.approx(0.025)]]


@pytest.mark.parametrize('resolution', [0.0, -0.05, float('nan'), float('inf')])
def test_a_grid_without_a_size_of_its_cells_is_refused(heard, resolution):
    heard.hear('occupancy', grid(resolution))
    assert heard.inputs.refused == {'occupancy': 1}
    assert 'the resolution of the grid is' in heard.inputs.last_refusal
    assert 'must be above 0 m' in heard.inputs.last_refusal


def test_a_grid_from_before_odometry_is_refused_once_it_is_looked_at(heard):
    early = grid(0.05)
    early.header.stamp.sec = 100
    heard.hear('occupancy', early)
    assert heard.inputs.refused == {'occupancy': 1}
    assert 'odometry ended' in heard.inputs.last_refusal


@pytest.mark.parametrize('topic', ['odometry', 'dead_man', 'detections'])
def test_what_comes_again_and_again_is_heard_from_every_publisher(heard, topic):
    assert heard.node.reliability[topic] == ReliabilityPolicy.BEST_EFFORT


def test_what_is_said_once_is_asked_for_reliably_and_a_deaf_ear_is_told(heard):
    assert heard.node.reliability['speed_limit'] == ReliabilityPolicy.RELIABLE

    class Event:
        last_policy_kind = QoSPolicyKind.RELIABILITY

    heard.node.events['speed_limit'].incompatible_qos(Event())
    assert heard.inputs.refused == {'speed_limit': 1}
    assert '/speed_limit: a publisher offers another reliab' in heard.inputs.last_refusal
    assert 'is not heard: change it there' in heard.inputs.last_refusal
