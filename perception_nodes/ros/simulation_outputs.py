"""The topics of the simulator: camera, depth, ground truth, odometry, transforms, clock."""

from __future__ import annotations

from typing import Any

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import TransformStamped
from nav_msgs.msg import Odometry as OdometryMsg
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header
from tf2_msgs.msg import TFMessage
from vision_msgs.msg import Detection2DArray, LabelInfo

from perception_nodes.imaging.depth import depth_from_metres
from perception_nodes.imaging.encodings import ImageView
from perception_nodes.ros.detections_conversion import DetectionMessages
from perception_nodes.ros.image_conversion import image_to_msg, stamp_ns_to_msg
from perception_nodes.ros.labels_conversion import label_info_msg
from perception_nodes.ros.qos import LATCHED_QOS, RESULT_QOS, image_qos, overridable, own_copy
from perception_nodes.ros.simulation_config import SimulationNodeConfig
from perception_nodes.ros.transforms_conversion import (
    LINK_FROM_OPTICAL,
    transform_to_msg,
    yaw_to_msg,
)
from perception_nodes.simulation import (
    SEMANTIC_NAMES,
    THING_NAMES,
    Odometry,
    PinholeCamera,
    RenderedView,
)

ODOM_FRAME = 'odom'
WORLD_FRAME = 'world'
BASE_FRAME = 'base_link'
CAMERA_FRAME = 'camera_link'
OPTICAL_FRAME = 'camera_optical_frame'
# tf2 and every clock listen on these names whatever the namespace: no relative form would do.
_TF_TOPIC, _STATIC_TF_TOPIC, _CLOCK_TOPIC = '/tf', '/tf_static', '/clock'
_TF_QOS = QoSProfile(depth=100)


class SimulationOutputs:
    """
    Publishers of one configured simulator; ``close`` removes them.

    :param node: whose topics they are.
    :param config: says which topics are offered.
    """

    def __init__(self, node: Node, config: SimulationNodeConfig) -> None:
        self._node = node
        self._made: list[Publisher] = []
        image = image_qos(ReliabilityPolicy.RELIABLE)
        self._image = self._publisher(Image, 'camera/image_raw', image)
        self._info = self._publisher(CameraInfo, 'camera/camera_info', image)
        self._odometry = self._publisher(OdometryMsg, 'odom', RESULT_QOS)
        self._transforms = self._publisher(TFMessage, _TF_TOPIC, _TF_QOS)
        self._static = self._publisher(TFMessage, _STATIC_TF_TOPIC, LATCHED_QOS)
        self._clock = self._depth = self._depth_info = None
        self._truth = self._mask = self._labels = self._true_motion = None
        if config.publish_clock:
            self._clock = self._publisher(Clock, _CLOCK_TOPIC, RESULT_QOS)
        if config.publish_depth:
            self._depth = self._publisher(Image, 'camera/depth/image_raw', image)
            self._depth_info = self._publisher(CameraInfo, 'camera/depth/camera_info', image)
        if config.publish_ground_truth:
            folder = 'camera/ground_truth'
            self._truth = self._publisher(Detection2DArray, f'{folder}/detections', RESULT_QOS)
            self._mask = self._publisher(Image, f'{folder}/mask', image)
            self._labels = self._publisher(LabelInfo, f'{folder}/label_info', LATCHED_QOS)
            self._true_motion = self._publisher(OdometryMsg, 'ground_truth/odom', RESULT_QOS)
        self._messages = DetectionMessages(THING_NAMES)

    @property
    def image_subscribers(self) -> int:
        """How many subscribe to the camera's pictures."""
        return self._image.get_subscription_count()

    @property
    def wants_view(self) -> bool:
        """Whether anybody listens to something that has to be rendered."""
        rendered = (self._image, self._depth, self._truth, self._mask)
        return any(_listened(publisher) for publisher in rendered)

    def close(self) -> None:
        """Remove all topics."""
        while self._made:
            self._node.destroy_publisher(self._made.pop())

    def announce(self, base_from_camera: np.ndarray) -> None:
        """
        Publish what never changes: where the camera is mounted, and the names of mask values.

        :param base_from_camera: (4, 4) float64, base_link from camera_optical_frame.
        """
        base_from_link = base_from_camera @ np.linalg.inv(LINK_FROM_OPTICAL)
        chain = [
            transform_to_msg(base_from_link, BASE_FRAME, CAMERA_FRAME, Time()),
            transform_to_msg(LINK_FROM_OPTICAL, CAMERA_FRAME, OPTICAL_FRAME, Time()),
        ]
        self._static.publish(TFMessage(transforms=chain))
        if self._labels is not None:
            self._labels.publish(label_info_msg(SEMANTIC_NAMES, Header(frame_id=OPTICAL_FRAME)))

    def publish_clock(self, time_ns: int) -> None:
        """Publish the simulated time."""
        if self._clock is not None:
            self._clock.publish(Clock(clock=stamp_ns_to_msg(time_ns)))

    def publish_motion(self, reported: Odometry, true: Odometry) -> None:
        """
        Publish odometry, the transform that goes with it, and where the robot really is.

        :param true: pose in the world, in which the course is described.
        """
        message = _odometry_msg(reported, ODOM_FRAME)
        self._odometry.publish(message)
        transform = TransformStamped(header=message.header, child_frame_id=BASE_FRAME)
        transform.transform.translation.x = reported.pose.x_m
        transform.transform.translation.y = reported.pose.y_m
        transform.transform.rotation = message.pose.pose.orientation
        self._transforms.publish(TFMessage(transforms=[transform]))
        if self._true_motion is not None:
            self._true_motion.publish(_odometry_msg(true, WORLD_FRAME))

    def publish_info(self, camera: PinholeCamera, stamp_ns: int) -> None:
        """Publish the calibration with the stamp of a picture."""
        header = Header(stamp=stamp_ns_to_msg(stamp_ns), frame_id=OPTICAL_FRAME)
        info = camera_info_msg(camera, header)
        self._info.publish(info)
        if self._depth_info is not None:
            self._depth_info.publish(info)

    def publish_view(self, view: RenderedView, camera: PinholeCamera, stamp_ns: int) -> None:
        """Publish pictures and truth, all with one stamp, to those who listen."""
        header = Header(stamp=stamp_ns_to_msg(stamp_ns), frame_id=OPTICAL_FRAME)
        # Truth first: whoever compares has it when the result for the picture comes.
        if self._truth is not None and _listened(self._truth):
            self._truth.publish(self._messages.fill(view.detections, header))
        if self._mask is not None and _listened(self._mask):
            self._mask.publish(image_to_msg(ImageView(view.class_ids, 'mono8'), header))
        if self._depth is not None and _listened(self._depth):
            self._depth.publish(image_to_msg(depth_from_metres(view.depth_m), header))
        self.publish_info(camera, stamp_ns)
        if _listened(self._image):
            self._image.publish(image_to_msg(ImageView(view.rgb, 'rgb8'), header))

    def _publisher(self, kind: type[Any], topic: str, qos: QoSProfile) -> Publisher:
        made = self._node.create_publisher(
            kind, topic, own_copy(qos), qos_overriding_options=overridable()
        )
        self._made.append(made)
        return made


def camera_info_msg(camera: PinholeCamera, header: Header) -> CameraInfo:
    """
    Return the calibration of a camera without distortion.

    ROS counts pixels from the centre of the first one, the simulator from its corner: the
    principal point differs by half a pixel.
    """
    width, height = camera.size_wh
    fx, fy, cx, cy = camera.fx, camera.fy, camera.cx - 0.5, camera.cy - 0.5
    return CameraInfo(
        header=header,
        width=width,
        height=height,
        distortion_model='plumb_bob',
        d=[0.0] * 5,
        k=[fx, 0.0, cx, 0.0, fy, cy, 0.0, 0.0, 1.0],
        r=[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
        p=[fx, 0.0, cx, 0.0, 0.0, fy, cy, 0.0, 0.0, 0.0, 1.0, 0.0],
    )


def _odometry_msg(motion: Odometry, frame: str) -> OdometryMsg:
    """Return pose in a frame, and speeds in the robot's."""
    header = Header(stamp=stamp_ns_to_msg(motion.stamp_ns), frame_id=frame)
    message = OdometryMsg(header=header, child_frame_id=BASE_FRAME)
    message.pose.pose.position.x = motion.pose.x_m
    message.pose.pose.position.y = motion.pose.y_m
    message.pose.pose.orientation = yaw_to_msg(motion.pose.yaw_rad)
    message.twist.twist.linear.x = float(motion.linear_m_s)
    message.twist.twist.angular.z = float(motion.angular_rad_s)
    return message


def _listened(publisher: Publisher | None) -> bool:
    return publisher is not None and publisher.get_subscription_count() > 0
