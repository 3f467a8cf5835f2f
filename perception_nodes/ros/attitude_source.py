"""Pitch and roll of the base at a stamp, from what measures them."""

from __future__ import annotations

from typing import Any

from nav_msgs.msg import Odometry
from rclpy.node import Node
from sensor_msgs.msg import Imu

from perception_nodes.geometry import RigidTransform
from perception_nodes.geometry.transform_buffer import JUMP_BACK_NS
from perception_nodes.geometry.transform_history import TransformHistory
from perception_nodes.ros.image_conversion import stamp_ns_from_msg
from perception_nodes.ros.mask_input_config import MaskInputConfig
from perception_nodes.ros.qos import SENSOR_QOS, own_copy
from perception_nodes.ros.transform_listener import TransformSource
from perception_nodes.streaming import NotYetError

_CACHE_NS = 10_000_000_000


class AttitudeSource:
    """
    The attitude that ``attitude_source`` names; orientation is interpolated to the stamp.

    :param node: on which to subscribe.
    :param transforms: where an IMU sits on the base, and the attitude itself with ``tf``.
    :param map_frame: of which ``tf`` tells the attitude.
    :raises ValueError: ``tf`` without a ``map_frame``.
    """

    def __init__(
        self,
        node: Node,
        config: MaskInputConfig,
        transforms: TransformSource,
        map_frame: str | None,
    ) -> None:
        self._node = node
        self._config = config
        self._map_frame = map_frame
        self._transforms = transforms
        self._history = TransformHistory('world', _CACHE_NS)
        self._frame = ''
        self._newest_ns = 0
        self._subscription: Any = None
        if config.attitude_source == 'tf' and map_frame is None:
            raise ValueError('attitude_source: tf is not for this node; take imu or odometry')
        if config.attitude_source == 'imu':
            self._subscription = node.create_subscription(
                Imu, 'imu', self._on_imu, own_copy(SENSOR_QOS)
            )
        elif config.attitude_source == 'odometry':
            self._subscription = node.create_subscription(
                Odometry, 'odometry', self._on_odometry, own_copy(SENSOR_QOS)
            )

    def close(self) -> None:
        """Unsubscribe."""
        if self._subscription is not None:
            self._node.destroy_subscription(self._subscription)
            self._subscription = None

    def at(self, stamp_ns: int) -> tuple[float, float] | None:
        """
        Return roll and pitch of the base in rad, None where nothing measures them.

        :raises NotYetError: nothing is known for this stamp yet.
        :raises TransformUnavailableError: the transform that is asked for is missing.
        """
        source, config = self._config.attitude_source, self._config
        if source == 'none':
            return None
        if self._map_frame is not None and source == 'tf':
            pose = self._transforms.lookup(self._map_frame, config.base_frame, stamp_ns)
            return pose.rpy[:2]
        try:
            covers = self._history.covers(stamp_ns)
        except IndexError:
            covers = False
        if not covers:
            topic = 'imu' if source == 'imu' else 'odometry'
            name = self._node.resolve_topic_name(topic)
            raise NotYetError('no_attitude', f'no orientation for this stamp on {name}')
        world_from_body = self._history.at(stamp_ns)
        body_from_base = self._transforms.lookup(self._frame, config.base_frame, stamp_ns)
        return (world_from_body @ body_from_base).rpy[:2]

    def _on_imu(self, message: Imu) -> None:
        # By the definition of the message, -1 says that there is no orientation.
        if message.orientation_covariance[0] != -1:
            self._take(message.header.frame_id, message.header.stamp, message.orientation)

    def _on_odometry(self, message: Odometry) -> None:
        orientation = message.pose.pose.orientation
        self._take(message.child_frame_id, message.header.stamp, orientation)

    def _take(self, frame: str, stamp: Any, orientation: Any) -> None:
        try:
            turn = RigidTransform((orientation.x, orientation.y, orientation.z, orientation.w))
        except ValueError:
            return  # an orientation that is none is none: masks wait for a good one
        stamp_ns = stamp_ns_from_msg(stamp)
        # What is left of a time before the clock was set back would be found for new stamps.
        is_back = stamp_ns < self._newest_ns - JUMP_BACK_NS
        if frame != self._frame or is_back:
            self._history = TransformHistory('world', _CACHE_NS)
            self._frame = frame
        self._newest_ns = stamp_ns if is_back else max(stamp_ns, self._newest_ns)
        self._history.add(stamp_ns, turn)
