"""A robot that sees a lane, as far as a path follower can tell."""

import array
import time

import numpy as np
import pytest

pytest.importorskip('rclpy')

from builtin_interfaces.msg import Time
from geometry_msgs.msg import Twist
from nav_msgs.msg import Odometry, Path
from perception_suite.msg import PathEstimate, PathFollowingStatus
from rclpy.clock import Clock, ClockType
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Bool, Header
from std_srvs.srv import SetBool
from tf2_msgs.msg import TFMessage
from vision_msgs.msg import LabelInfo

from perception_nodes.geometry import CameraModel, GroundProjection, RigidTransform
from perception_nodes.ros.labels_conversion import label_info_msg
from perception_nodes.ros.path_following_node import PathFollowingNode
from perception_nodes.ros.qos import LATCHED_QOS
from perception_nodes.ros.transforms_conversion import transform_to_msg
from perception_nodes.simulation.camera import camera_pose

W, H, FOCAL = 320, 240, 208.0
PERIOD_S = 0.05
SPEED_M_S = 0.3
OPTICAL = 'camera_optical_frame'
NAMES = ('floor', 'lane', 'tape')
BASE_FROM_CAMERA = camera_pose((0.1, 0.0, 0.3), pitch_rad=0.35)


def straight_lane() -> np.ndarray:
    """Return (240, 320) uint8, a straight lane 0.5 m wide under the robot."""
    camera = CameraModel.pinhole((W, H), FOCAL, FOCAL, 159.5, 119.5)
    ground = GroundProjection(
        camera, RigidTransform.from_matrix(BASE_FROM_CAMERA), pitch_sigma_rad=0.005,
        roll_sigma_rad=0.003, height_sigma_m=0.003, pixel_sigma=0.5,
    )  # fmt: skip
    v, u = np.mgrid[0:H, 0:W]
    points, _ = ground.to_ground(np.stack([u.ravel(), v.ravel()], axis=1).astype(np.float64))
    aside = np.abs(points[:, 1].reshape(H, W))
    with np.errstate(invalid='ignore'):
        return np.where(aside < 0.25, 1, np.where(aside < 0.3, 2, 0)).astype(np.uint8)


class LaneRobot:
    """
    Publishes what a robot in a lane publishes, 20 times a second; attributes switch parts off.

    :ivar sees: whether masks are published.
    :ivar moves: whether odometry moves on.
    :ivar lives: whether the picture changes from one to the next, as living ones do.
    :ivar holds: what the dead man's switch says, None for silence.
    :ivar confidence: (240, 320) uint8 beside each mask, None for none.
    :param repeated: quality of what is published again and again, beside pictures.
    """

    def __init__(self, graph, repeated=10, **parameters):
        self.graph = graph
        settings = {'require_dead_man': False, 'recover_s': 0.2, **parameters}
        self.node = graph.add(PathFollowingNode, **settings)
        graph.wait_until(lambda: self.node.state_label == 'active')
        self.mask = straight_lane()
        self.sees, self.moves, self.lives, self.holds = True, True, True, None
        self.confidence = np.full((H, W), 250, np.uint8)
        probe = graph.probe
        self._mask = probe.create_publisher(Image, 'mask', 5)
        self._confidence = probe.create_publisher(Image, 'confidence', 5)
        self._odometry = probe.create_publisher(Odometry, 'odometry', repeated)
        self._dead_man = probe.create_publisher(Bool, 'dead_man', repeated)
        self.labels = probe.create_publisher(LabelInfo, 'label_info', LATCHED_QOS)
        self.info = probe.create_publisher(CameraInfo, 'camera_info', repeated)
        self.static = probe.create_publisher(TFMessage, '/tf_static', LATCHED_QOS)
        self.commands: list[tuple[float, float, float]] = []
        if not parameters.get('cmd_vel_stamped'):
            probe.create_subscription(Twist, 'cmd_vel', self._note, 10)
        own = 'path_following_node'
        self.status = graph.listen(PathFollowingStatus, f'{own}/status')
        self.estimates = graph.listen(PathEstimate, f'{own}/estimate')
        self.paths = graph.listen(Path, f'{own}/path')
        ears = (self._mask, self._confidence, self._odometry, self.labels, self.info, self.static)
        graph.wait_until(lambda: all(ear.get_subscription_count() for ear in ears))
        graph.wait_until(lambda: graph.probe.count_publishers(f'{own}/status'))
        self._count, self._x_m, self._moved_at = 0, 0.0, time.monotonic()
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        probe.create_timer(PERIOD_S, self._live, clock=steady)

    def settle(self, mounted: bool = True) -> None:
        """Say what does not change: class names, calibration, where the camera is."""
        self.labels.publish(label_info_msg(NAMES, Header()))
        self.info.publish(
            CameraInfo(
                header=Header(stamp=self._now(), frame_id=OPTICAL), width=W, height=H,
                distortion_model='plumb_bob', d=[0.0] * 5,
                k=[FOCAL, 0.0, 159.5, 0.0, FOCAL, 119.5, 0.0, 0.0, 1.0],
            )
        )  # fmt: skip
        if mounted:
            pose = transform_to_msg(BASE_FROM_CAMERA, 'base_link', OPTICAL, Time())
            self.static.publish(TFMessage(transforms=[pose]))

    def enable(self, wanted: bool = True) -> SetBool.Response:
        request = SetBool.Request(data=wanted)
        return self.graph.call(SetBool, 'path_following_node/enable', request)

    def drive(self) -> None:
        """Settle, enable, and wait until the robot drives."""
        self.settle()
        self.enable()
        self.wait_for_state(PathFollowingStatus.STATE_DRIVING)
        self.graph.wait_until(lambda: self.commands and self.commands[-1][1] > 0)

    def wait_for_state(self, state: int) -> PathFollowingStatus:
        self.graph.wait_until(lambda: self.status and self.status[-1].state == state)
        return self.status[-1]

    def seconds_to_zero(self, since: float) -> float:
        """Return how long after a steady time the first command of zero came."""
        self.graph.wait_until(lambda: self.commands[-1][1] == 0.0)
        return next(when for when, speed, _ in self.commands if when > since and not speed) - since

    def _note(self, message: Twist) -> None:
        self.commands.append((time.monotonic(), message.linear.x, message.angular.z))

    def _now(self):
        return self.graph.probe.get_clock().now().to_msg()

    def _live(self) -> None:
        stamp = self._now()
        self._count += 1
        passed_s, self._moved_at = time.monotonic() - self._moved_at, time.monotonic()
        self._x_m += SPEED_M_S * passed_s if self.moves else 0.0
        odometry = Odometry(header=Header(stamp=stamp, frame_id='odom'))
        odometry.child_frame_id = 'base_link'
        odometry.pose.pose.position.x = self._x_m
        odometry.pose.pose.orientation.w = 1.0
        odometry.twist.twist.linear.x = SPEED_M_S if self.moves else 0.0
        self._odometry.publish(odometry)
        if self.holds is not None:
            self._dead_man.publish(Bool(data=self.holds))
        if self.sees:
            mask = self.mask.copy()
            mask[0, 0] = self._count % 2 if self.lives else 0
            self._mask.publish(self._image(mask, stamp))
            if self.confidence is not None:
                self._confidence.publish(self._image(self.confidence, stamp))

    def _image(self, pixels: np.ndarray, stamp) -> Image:
        height, width = pixels.shape
        return Image(
            header=Header(stamp=stamp, frame_id=OPTICAL), width=width, height=height, step=width,
            encoding='mono8', data=array.array('B', pixels.tobytes()),
        )  # fmt: skip


@pytest.fixture
def make_robot(graph):
    """Return a function that starts a path follower and what surrounds it."""
    return lambda **parameters: LaneRobot(graph, **parameters)
