"""Transforms at a stamp: tf2_ros where it is installed, else a buffer on /tf and /tf_static."""

from __future__ import annotations

import importlib.util
import logging
from typing import Any, Protocol

from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.time import Time
from tf2_msgs.msg import TFMessage

from perception_nodes.geometry import (
    MissingTransform,
    RigidTransform,
    TransformBuffer,
    TransformUnavailableError,
)
from perception_nodes.ros.image_conversion import stamp_ns_from_msg
from perception_nodes.ros.qos import LATCHED_QOS, own_copy

_log = logging.getLogger(__name__)

# tf2 listens on these names whatever the namespace, and queues so many.
TF_TOPIC, STATIC_TF_TOPIC = '/tf', '/tf_static'
_TF_DEPTH = 100


class TransformSource(Protocol):
    """Where transforms come from; all calls on the executor's thread."""

    def lookup(self, target: str, source: str, stamp_ns: int) -> RigidTransform:
        """Return ``target_from_source``, or raise ``TransformUnavailableError`` at once."""

    def close(self) -> None:
        """Unsubscribe."""


def transform_source(node: Node) -> TransformSource:
    """Return what listens to the transforms from now on."""
    if importlib.util.find_spec('tf2_ros') is not None:
        return Tf2Transforms(node)
    return TransformListener(node)


class TransformListener:
    """
    Feeds a :class:`TransformBuffer` from ``/tf`` and ``/tf_static``.

    A clock that goes back empties the buffer of stamped transforms, as tf2_ros does.

    :ivar refused: transforms that were no rigid transforms, or named no frames.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._buffer = TransformBuffer()
        self.refused = 0
        moving = QoSProfile(depth=_TF_DEPTH, reliability=ReliabilityPolicy.RELIABLE)
        static = own_copy(LATCHED_QOS)
        static.depth = _TF_DEPTH
        self._subscriptions = [
            node.create_subscription(TFMessage, TF_TOPIC, self._on_moving, moving),
            node.create_subscription(TFMessage, STATIC_TF_TOPIC, self._on_static, static),
        ]

    def lookup(self, target: str, source: str, stamp_ns: int) -> RigidTransform:
        """Return ``target_from_source``, or raise ``TransformUnavailableError`` at once."""
        return self._buffer.lookup(target, source, stamp_ns)

    def close(self) -> None:
        """Unsubscribe."""
        while self._subscriptions:
            self._node.destroy_subscription(self._subscriptions.pop())

    def _on_moving(self, message: TFMessage) -> None:
        if self._buffer.observe_clock(self._node.get_clock().now().nanoseconds):
            _log.warning('the clock went back: transforms from before are forgotten')
        self._take(message, is_static=False)

    def _on_static(self, message: TFMessage) -> None:
        self._take(message, is_static=True)

    def _take(self, message: TFMessage, *, is_static: bool) -> None:
        for item in message.transforms:
            parent, child = item.header.frame_id, item.child_frame_id
            try:
                transform = rigid_from_msg(item.transform)
                if is_static:
                    self._buffer.add_static(parent, child, transform)
                else:
                    stamp_ns = stamp_ns_from_msg(item.header.stamp)
                    self._buffer.add(parent, child, transform, stamp_ns)
            except ValueError as error:
                self.refused += 1
                if self.refused % 100 == 1:
                    _log.warning('transform %s ← %s refused: %s', parent, child, error)


class Tf2Transforms:
    """tf2_ros's own buffer and listener behind the same two methods."""

    def __init__(self, node: Node) -> None:
        import tf2_ros

        self._tf2: Any = tf2_ros
        self._buffer = tf2_ros.Buffer()
        self._listener = tf2_ros.TransformListener(self._buffer, node)

    def lookup(self, target: str, source: str, stamp_ns: int) -> RigidTransform:
        """Return ``target_from_source``, or raise ``TransformUnavailableError`` at once."""
        tf2 = self._tf2
        try:
            found = self._buffer.lookup_transform_core(target, source, Time(nanoseconds=stamp_ns))
        except tf2.TransformException as error:
            reason = self._reason(error)
            raise TransformUnavailableError(
                reason, target, source, stamp_ns, str(error)
            ) from error
        return rigid_from_msg(found.transform)

    def _reason(self, error: Exception) -> MissingTransform:
        if isinstance(error, self._tf2.ExtrapolationException):
            is_old = 'into the past' in str(error)
            return MissingTransform.TOO_OLD if is_old else MissingTransform.TOO_NEW
        if isinstance(error, self._tf2.ConnectivityException):
            return MissingTransform.NOT_CONNECTED
        return MissingTransform.UNKNOWN_FRAME

    def close(self) -> None:
        """Unsubscribe."""
        self._listener.unregister()


def rigid_from_msg(message: Any) -> RigidTransform:
    """
    Return a ``geometry_msgs/Transform`` as a rigid transform.

    :raises ValueError: for numbers that are not finite or a quaternion that is not one.
    """
    rotation, translation = message.rotation, message.translation
    return RigidTransform(
        (rotation.x, rotation.y, rotation.z, rotation.w),
        (translation.x, translation.y, translation.z),
    )
