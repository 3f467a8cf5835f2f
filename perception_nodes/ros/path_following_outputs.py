"""The topics of a path following node, and the way to who moves the robot."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from geometry_msgs.msg import Twist, TwistStamped
from nav_msgs.msg import Path
from perception_suite.msg import PathEstimate as PathEstimateMsg
from perception_suite.msg import PathFollowingStatus
from rclpy.node import Node
from std_msgs.msg import Header

from perception_nodes.driving import STAND, DriveCommand, DriveState, FollowerStatus
from perception_nodes.path import PathEstimate
from perception_nodes.ros.image_conversion import stamp_ns_to_msg
from perception_nodes.ros.last_message import destroy_once_heard
from perception_nodes.ros.path_conversion import (
    command_to_msg,
    estimate_to_msg,
    path_to_msg,
    status_to_msg,
)
from perception_nodes.ros.path_following_config import (
    CommandStamp,
    Drive,
    PathFollowingNodeConfig,
)
from perception_nodes.ros.qos import RESULT_QOS, overridable, own_copy


class PathFollowingOutputs:
    """
    Publishers of one configured node; ``close`` removes them.

    Commands are sent from when the node is enabled until the robot stands again and is not; then
    one zero more, and ``cmd_vel`` is left to others.

    :param node: whose topics they are.
    """

    def __init__(self, node: Node, config: PathFollowingNodeConfig) -> None:
        self._node = node
        self._config = config
        self._path = self._offer(Path, '~/path')
        self._estimate = self._offer(PathEstimateMsg, '~/estimate')
        self._status = self._offer(PathFollowingStatus, '~/status')
        self._publishers = [self._path, self._estimate, self._status]
        self._cmd_vel: Any = None
        if config.drive == Drive.CMD_VEL.value:
            kind = TwistStamped if config.cmd_vel_stamped else Twist
            self._cmd_vel = self._offer(kind, 'cmd_vel')
        self._commanding = False
        self._stands = False

    def close(self) -> None:
        """Remove the topics, ``cmd_vel`` not before its last zero has arrived."""
        cmd_vel, self._cmd_vel = self._cmd_vel, None
        if cmd_vel is not None:
            destroy_once_heard(self._node, cmd_vel)
        while self._publishers:
            self._node.destroy_publisher(self._publishers.pop())

    def publish_estimate(self, estimate: PathEstimate, stamp_ns: int) -> None:
        """Publish path and errors, in the robot's frame at the time of the picture."""
        header = Header(stamp=stamp_ns_to_msg(stamp_ns), frame_id=self._config.base_frame)
        self._estimate.publish(estimate_to_msg(estimate, header))
        self._path.publish(path_to_msg(estimate.points_xy, header))

    def publish_status(self, status: FollowerStatus, picture_ns: int | None) -> None:
        """
        Publish what was decided, the command first.

        :param picture_ns: stamp of the newest picture that was looked at, None before the first.
        """
        now = self._node.get_clock().now().to_msg()
        is_disabled = status.state is DriveState.DISABLED
        if status.state is DriveState.STOPPING and self._stands:
            status = replace(status, command=STAND)  # a ramp does not begin again after zero
        if not is_disabled or self._commanding:
            self._command(status.command, picture_ns)
        self._commanding = not is_disabled
        header = Header(stamp=now, frame_id=self._config.base_frame)
        self._status.publish(status_to_msg(status, header))

    def stand(self) -> None:
        """Command zero now, if this node has commanded."""
        if self._commanding:
            self._command(STAND, None)

    def _command(self, command: DriveCommand, picture_ns: int | None) -> None:
        self._stands = command == STAND
        if self._cmd_vel is None:
            return
        header = None
        if self._config.cmd_vel_stamped:
            by_picture = self._config.cmd_vel_stamp == CommandStamp.PICTURE.value
            stamp = self._node.get_clock().now().to_msg()
            if by_picture and picture_ns is not None:
                stamp = stamp_ns_to_msg(picture_ns)
            header = Header(stamp=stamp, frame_id=self._config.base_frame)
        self._cmd_vel.publish(command_to_msg(command, header))

    def _offer(self, kind: type[Any], topic: str) -> Any:
        return self._node.create_publisher(
            kind, topic, own_copy(RESULT_QOS), qos_overriding_options=overridable()
        )
