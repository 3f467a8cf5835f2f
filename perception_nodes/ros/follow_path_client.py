"""Nav2 as the one who moves the robot: paths to its FollowPath action."""

from __future__ import annotations

import logging
import time
import uuid
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from action_msgs.srv import CancelGoal
from nav2_msgs.action import FollowPath
from rclpy.action import ActionClient
from rclpy.node import Node
from std_msgs.msg import Header
from unique_identifier_msgs.msg import UUID

from perception_nodes.geometry import PlanarPose
from perception_nodes.ros.goal_cancels import GoalCancels
from perception_nodes.ros.image_conversion import stamp_ns_to_msg
from perception_nodes.ros.path_conversion import path_to_msg
from perception_nodes.ros.path_following_config import PathFollowingNodeConfig

_log = logging.getLogger(__name__)

ACTION = 'follow_path'
CANCEL_SERVICE = f'{ACTION}/_action/cancel_goal'
LAST_CANCEL_S = 0.5
"""So long whoever ends waits for Nav2 to confirm that it follows no more."""


@dataclass(frozen=True, eq=False, kw_only=True)
class PathGoal:
    """
    A path for Nav2.

    :param points_xy: (N, 2) metres in base_link at the stamp of the picture.
    :param odom_from_base: pose of the robot at that stamp.
    :param frame_id: of that pose.
    """

    points_xy: np.ndarray
    odom_from_base: PlanarPose
    frame_id: str
    stamp_ns: int


class FollowPathClient:
    """
    Keeps one goal in the controller server: a newer path replaces the one before.

    All calls on the executor's thread.

    :param node: whose action client it is.
    """

    def __init__(self, node: Node, config: PathFollowingNodeConfig) -> None:
        self._node = node
        self._config = config
        self._client = ActionClient(node, FollowPath, ACTION)
        self._canceller = node.create_client(CancelGoal, CANCEL_SERVICE)
        self._cancels = GoalCancels(self._canceller)
        # When each was sent, by id: what may be followed, answered or not.
        self._goals: dict[bytes, int] = {}
        self._sent_ns: int | None = None
        self._problem = ''

    @property
    def problem(self) -> str:
        """Why Nav2 does not follow, or follows too long; empty while all is well."""
        return self._cancels.problem or self._problem

    def follow(self, goal: PathGoal, steady_ns: int) -> None:
        """Give Nav2 a path, at most once in ``goal_period_s``."""
        self._cancels.ask(steady_ns)
        period_ns = self._config.goal_period_s * 1e9
        if self._sent_ns is not None and steady_ns - self._sent_ns < period_ns:
            return
        if not self._client.server_is_ready():
            self._problem = 'no action server follow_path: is the controller server active?'
            return
        self._sent_ns = steady_ns
        wanted = FollowPath.Goal()
        # In odom: a path in base_link would ride along with the robot.
        header = Header(stamp=stamp_ns_to_msg(goal.stamp_ns), frame_id=goal.frame_id)
        wanted.path = path_to_msg(goal.odom_from_base.apply(goal.points_xy), header)
        wanted.controller_id = self._config.controller_id
        wanted.goal_checker_id = self._config.goal_checker_id
        goal_id = uuid.uuid4().bytes
        self._goals[goal_id] = steady_ns
        sent = self._client.send_goal_async(wanted, goal_uuid=UUID(uuid=list(goal_id)))
        sent.add_done_callback(partial(self._on_answer, goal_id))

    def cancel(self, steady_ns: int) -> None:
        """Have Nav2 stop following, goals on their way included; call it again and again."""
        self._sent_ns = None
        while self._goals:
            self._cancels.want(*self._goals.popitem())
        self._cancels.ask(steady_ns)

    def close(self) -> None:
        """Cancel, wait a little for Nav2 to confirm that, and take the client away."""
        self.cancel(time.monotonic_ns())
        self._cancels.finish(LAST_CANCEL_S)
        if self._cancels.is_waiting:
            _log.error('Nav2 may still follow the last path: %s', self._cancels.problem)
        self._client.destroy()
        self._node.destroy_client(self._canceller)

    def _on_answer(self, goal_id: bytes, future: Any) -> None:
        handle = future.result()
        if handle is None or not handle.accepted:
            self._forget(goal_id)
            self._problem = 'Nav2 refused the path: see the log of the controller server'
            _log.warning(self._problem)
            return
        if goal_id in self._goals:
            self._problem = ''
        else:
            self._cancels.want(goal_id, time.monotonic_ns())
        handle.get_result_async().add_done_callback(partial(self._on_end, goal_id))

    def _on_end(self, goal_id: bytes, future: Any) -> None:
        self._forget(goal_id)
        result = future.result()
        code = getattr(result.result, 'error_code', 0) if result is not None else 0
        if code:
            message = getattr(result.result, 'error_msg', '')
            self._problem = f'Nav2 gave the path up: error {code} {message}'.strip()
            _log.warning(self._problem)

    def _forget(self, goal_id: bytes) -> None:
        self._goals.pop(goal_id, None)
        self._cancels.forget(goal_id)
