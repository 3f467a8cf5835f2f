"""Nav2 as the one who moves the robot: paths to its FollowPath action."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
from nav2_msgs.action import FollowPath
from rclpy.action import ActionClient
from rclpy.node import Node
from std_msgs.msg import Header

from perception_nodes.geometry import PlanarPose
from perception_nodes.ros.image_conversion import stamp_ns_to_msg
from perception_nodes.ros.path_conversion import path_to_msg
from perception_nodes.ros.path_following_config import PathFollowingNodeConfig

_log = logging.getLogger(__name__)

ACTION = 'follow_path'


class FollowPathClient:
    """
    Keeps one goal in the controller server: a newer path replaces the one before.

    All calls on the executor's thread.

    :param node: whose action client it is.
    :ivar problem: why Nav2 does not follow, empty while it does or is not asked to.
    """

    def __init__(self, node: Node, config: PathFollowingNodeConfig) -> None:
        self._config = config
        self._client = ActionClient(node, FollowPath, ACTION)
        self._goals: list[Any] = []
        self._wanted = False
        self._sent_ns: int | None = None
        self.problem = ''

    @property
    def is_following(self) -> bool:
        """Whether a goal is in the hands of Nav2."""
        return bool(self._goals)

    def follow(
        self,
        points_xy: np.ndarray,
        odom_from_base: PlanarPose,
        frame_id: str,
        stamp_ns: int,
        steady_ns: int,
    ) -> None:
        """
        Give Nav2 a path, at most once in ``goal_period_s``.

        :param points_xy: (N, 2) metres in base_link at the stamp of the picture.
        :param odom_from_base: pose of the robot at that stamp.
        :param frame_id: of that pose.
        """
        period_ns = self._config.goal_period_s * 1e9
        if self._sent_ns is not None and steady_ns - self._sent_ns < period_ns:
            return
        if not self._client.server_is_ready():
            self.problem = 'no action server follow_path: is the controller server active?'
            return
        self._wanted, self._sent_ns = True, steady_ns
        goal = FollowPath.Goal()
        # In odom: a path in base_link would ride along with the robot.
        header = Header(stamp=stamp_ns_to_msg(stamp_ns), frame_id=frame_id)
        goal.path = path_to_msg(odom_from_base.apply(points_xy), header)
        goal.controller_id = self._config.controller_id
        goal.goal_checker_id = self._config.goal_checker_id
        self._client.send_goal_async(goal).add_done_callback(self._on_answer)

    def cancel(self) -> None:
        """Have Nav2 stop following; goals on their way are cancelled when they arrive."""
        self._wanted, self._sent_ns = False, None
        while self._goals:
            self._goals.pop().cancel_goal_async()

    def close(self) -> None:
        """Cancel, and take the client away."""
        self.cancel()
        self._client.destroy()

    def _on_answer(self, future: Any) -> None:
        handle = future.result()
        if handle is None or not handle.accepted:
            self.problem = 'Nav2 refused the path: see the log of the controller server'
            _log.warning(self.problem)
            return
        if not self._wanted:
            handle.cancel_goal_async()
            return
        self.problem = ''
        self._goals.append(handle)
        handle.get_result_async().add_done_callback(lambda result: self._on_end(handle, result))

    def _on_end(self, handle: Any, future: Any) -> None:
        if handle in self._goals:
            self._goals.remove(handle)
        result = future.result()
        code = getattr(result.result, 'error_code', 0) if result is not None else 0
        if code:
            message = getattr(result.result, 'error_msg', '')
            self.problem = f'Nav2 gave the path up: error {code} {message}'.strip()
            _log.warning(self.problem)
