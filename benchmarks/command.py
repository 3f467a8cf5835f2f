"""
From a picture on its topic to the command that answers it: segmentation and path following.

Both nodes run in processes of their own and share all cores; pictures were recorded on a course
and are sent one by one. The time runs from publishing a picture to hearing the ``TwistStamped``
that bears its stamp: the way through the middleware is in it.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import rclpy
from geometry_msgs.msg import TransformStamped, TwistStamped
from nav_msgs.msg import Odometry
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CameraInfo, Image
from std_srvs.srv import SetBool
from tf2_msgs.msg import TFMessage

from benchmarks.image_sender import image_message, stamp
from benchmarks.path_drives import course_config, drive
from benchmarks.processes import ros_environment, running
from perception_nodes.ros.qos import LATCHED_QOS
from perception_nodes.ros.transforms_conversion import transform_to_msg
from perception_nodes.simulation import SimulatedWorld

OPTICAL = 'camera_optical_frame'
_SETTLING_FRAMES = 15
_START_TIMEOUT_S = 120.0
_ANSWER_TIMEOUT_S = 20.0


@dataclass(frozen=True, kw_only=True)
class CommandCase:
    """
    A segmentation model before the path follower.

    :param model: bundle folder or URI.
    :param frames: pictures of one drive, sent in its order; where it begins anew the odometry
        jumps, and the robot rightly stands still for a while.
    :param threads: of the network.
    """

    model: str
    course: str = 's_curve'
    frames: int = 200
    threads: int = 2


def measure_command(case: CommandCase) -> dict[str, float]:
    """Return percentiles in ms, and the share of pictures in which a path was found."""
    with Chain(case) as chain:
        times_s = list(chain.answers())[_SETTLING_FRAMES:]
    return {
        **{
            f'picture to command p{percentile} (ms)': float(np.percentile(times_s, percentile))
            * 1e3
            for percentile in (50, 95)
        },
        'driving (share of commands)': chain.driving_share,
    }


class Chain:
    """
    Context manager around the two nodes and everything that they need to drive.

    :param case: what is measured.
    """

    def __init__(self, case: CommandCase) -> None:
        self._case = case
        self._stack = contextlib.ExitStack()
        self._heard: dict[tuple[int, int], tuple[float, float]] = {}

    def __enter__(self) -> Chain:
        """Record the pictures, start the nodes, and enable driving."""
        world = SimulatedWorld.create(course_config(self._case.course))
        self._stack.callback(world.close)
        count = self._case.frames + _SETTLING_FRAMES
        looks = [look for look, _ in zip(drive(world), range(count), strict=False)]
        self._pictures = [image_message(world.camera.size_wh, look.view.rgb) for look in looks]
        self._poses = [look.odom_from_base for look in looks]
        environment = ros_environment()
        os.environ.update(environment)
        for words in self._commands():
            self._stack.enter_context(running(*words, environment=environment))
        self._connect()
        self._say_what_stays(world)
        self._enable()
        return self

    def __exit__(self, *reason: object) -> None:
        """Interrupt the nodes."""
        self._stack.close()

    @property
    def driving_share(self) -> float:
        """Part of the answers that told the robot to move."""
        return float(np.mean([speed > 0 for _, speed in self._heard.values()]))

    def answers(self) -> Iterator[float]:
        """Send pictures one by one, and yield the seconds from each to its command."""
        for index in range(self._case.frames + _SETTLING_FRAMES):
            message = self._pictures[index % len(self._pictures)]
            now_ns = time.time_ns()
            self._send_odometry(index, now_ns)
            stamp(message, now_ns)
            message.header.frame_id = OPTICAL
            started = time.monotonic()
            self._picture.publish(message)
            key = (message.header.stamp.sec, message.header.stamp.nanosec)
            while key not in self._heard:
                self._executor.spin_once(0.2)
                if time.monotonic() > started + _ANSWER_TIMEOUT_S:
                    raise TimeoutError(f'no command for a picture within {_ANSWER_TIMEOUT_S} s')
            yield self._heard[key][0] - started

    def _commands(self) -> Iterator[list[str]]:
        segmentation = ['model:=' + self._case.model, f'threads:={self._case.threads}']
        following = [
            'require_dead_man:=false', 'cmd_vel_stamped:=true', 'cmd_vel_stamp:=picture',
            'max_picture_age_s:=2.0', 'max_path_age_s:=2.0', 'max_silence_s:=20.0',
            'max_odometry_age_s:=2.0', 'freeze_distance_m:=0.0',
        ]  # fmt: skip
        for node, settings in (('segmentation', segmentation), ('path_following', following)):
            words = [f'perception_nodes.ros.{node}_node', '--ros-args']
            words += [word for item in settings for word in ('-p', item)]
            topics = ('mask', 'confidence', 'label_info') if node == 'path_following' else ()
            yield words + [w for t in topics for w in ('-r', f'{t}:=segmentation_node/{t}')]

    def _connect(self) -> None:
        context = rclpy.Context()
        context.init()
        self._stack.callback(context.try_shutdown)
        node = self._node = rclpy.create_node('benchmark', context=context)
        self._stack.callback(node.destroy_node)
        self._executor = SingleThreadedExecutor(context=context)
        self._executor.add_node(node)
        self._stack.callback(self._executor.shutdown)
        self._picture = node.create_publisher(Image, 'image', QoSProfile(depth=10))
        self._odometry = node.create_publisher(Odometry, 'odometry', 10)
        self._info = node.create_publisher(CameraInfo, 'camera_info', 10)
        self._static = node.create_publisher(TFMessage, '/tf_static', LATCHED_QOS)
        node.create_subscription(TwistStamped, 'cmd_vel', self._on_command, 100)
        ears = (self._picture, self._odometry, self._info, self._static)
        deadline_s = time.monotonic() + _START_TIMEOUT_S
        while not all(ear.get_subscription_count() for ear in ears):
            self._executor.spin_once(0.1)
            if time.monotonic() > deadline_s:
                raise TimeoutError(f'the nodes do not listen after {_START_TIMEOUT_S} s')
        self._spin(2.5)

    def _say_what_stays(self, world: SimulatedWorld) -> None:
        camera = world.camera
        info = CameraInfo(width=camera.size_wh[0], height=camera.size_wh[1])
        info.distortion_model, info.d = 'plumb_bob', [0.0] * 5
        info.k = [camera.fx, 0.0, camera.cx - 0.5, 0.0, camera.fy, camera.cy - 0.5, 0.0, 0.0, 1.0]
        info.header.frame_id = OPTICAL
        self._info.publish(info)
        mount: TransformStamped = transform_to_msg(
            world.base_from_camera, 'base_link', OPTICAL, info.header.stamp
        )
        self._static.publish(TFMessage(transforms=[mount]))

    def _enable(self) -> None:
        client = self._node.create_client(SetBool, 'path_following_node/enable')
        while not client.service_is_ready():
            self._executor.spin_once(0.1)
        client.call_async(SetBool.Request(data=True))
        self._spin(0.5)

    def _send_odometry(self, index: int, now_ns: int) -> None:
        pose = self._poses[index % len(self._poses)]
        message = Odometry(child_frame_id='base_link')
        message.header.frame_id = 'odom'
        stamp(message, now_ns)
        message.pose.pose.position.x, message.pose.pose.position.y = pose.x_m, pose.y_m
        message.pose.pose.orientation.z = float(np.sin(pose.yaw_rad / 2))
        message.pose.pose.orientation.w = float(np.cos(pose.yaw_rad / 2))
        message.twist.twist.linear.x = 0.5
        self._odometry.publish(message)

    def _on_command(self, message: TwistStamped) -> None:
        key = (message.header.stamp.sec, message.header.stamp.nanosec)
        self._heard.setdefault(key, (time.monotonic(), message.twist.linear.x))

    def _spin(self, duration_s: float) -> None:
        end_s = time.monotonic() + duration_s
        while time.monotonic() < end_s:
            self._executor.spin_once(0.05)
