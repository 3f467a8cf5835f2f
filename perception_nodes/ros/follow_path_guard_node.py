"""The guard of Nav2's goal: it is cancelled when the path follower stops, or is gone."""

from __future__ import annotations

import logging
import sys
import time
from dataclasses import dataclass
from typing import Any

from action_msgs.srv import CancelGoal
from perception_suite.msg import PathFollowingStatus
from rclpy.clock import Clock, ClockType

from perception_nodes.driving import DriveState
from perception_nodes.driving.goal_guard import GoalGuard, GoalGuardConfig
from perception_nodes.ros.diagnostics import Health, Level
from perception_nodes.ros.follow_path_client import ACTION
from perception_nodes.ros.lifecycle_node import LifecycleConfig, PerceptionNode
from perception_nodes.ros.qos import RESULT_QOS, overridable, own_copy
from perception_nodes.ros.running import run_node

_log = logging.getLogger(__name__)

_WATCH_PERIOD_S = 0.02


@dataclass(frozen=True, kw_only=True)
class FollowPathGuardNodeConfig(GoalGuardConfig, LifecycleConfig):
    """How long the path follower may be silent."""


class FollowPathGuardNode(PerceptionNode[FollowPathGuardNodeConfig]):
    """
    Cancel what Nav2 follows when the path follower says so, or says nothing any more.

    A process that was killed cancels no goal, so this one runs apart from it, best beside the
    controller server. It asks the action server of ``follow_path`` to cancel **all** goals, which
    needs no handle of theirs; it acts only after the path follower has been driving.

    Subscribes:
      - ``status`` (perception_suite/PathFollowingStatus): of the path follower

    Services used: ``follow_path/_action/cancel_goal`` (action_msgs/CancelGoal).

    Parameters: the fields of :class:`FollowPathGuardNodeConfig`.
    """

    configuration_type = FollowPathGuardNodeConfig

    def __init__(self, **node_options: Any) -> None:
        super().__init__('follow_path_guard_node', **node_options)
        self._guard: GoalGuard | None = None
        self._ends: tuple[Any, Any, Any] | None = None

    def start(self) -> None:
        """Listen and watch."""
        self._guard = GoalGuard(self.configuration)
        self._ends = (
            self.create_client(CancelGoal, f'{ACTION}/_action/cancel_goal'),
            self.create_subscription(
                PathFollowingStatus, 'status', self._on_status, own_copy(RESULT_QOS),
                qos_overriding_options=overridable(),
            ),
            self.create_timer(
                _WATCH_PERIOD_S, self._watch, clock=Clock(clock_type=ClockType.STEADY_TIME)
            ),
        )  # fmt: skip

    def stop(self) -> None:
        """Stop watching, and what is being watched."""
        guard, self._guard = self._guard, None
        if guard is not None and guard.is_watching:
            self._cancel('the guard stops')
        ends, self._ends = self._ends, None
        if ends is None:
            return
        client, subscription, timer = ends
        self.destroy_timer(timer)
        self.destroy_subscription(subscription)
        self.destroy_client(client)

    def health(self) -> Health:
        """Return whether there is somebody to stop, and how often that was needed."""
        guard, ends = self._guard, self._ends
        if guard is None or ends is None:
            return Health()
        level, message = Level.OK, 'watching' if guard.is_watching else 'nobody drives'
        if guard.is_watching and not ends[0].service_is_ready():
            level = Level.ERROR
            message = f'the action server {ACTION} is not there: nothing could be cancelled'
        values = {'cancelled': guard.stops, 'last_reason': guard.reason or 'none'}
        return Health(level=level, message=message, values=values)

    def _on_status(self, message: PathFollowingStatus) -> None:
        guard = self._guard
        if guard is not None and guard.hear(DriveState(message.state), time.monotonic_ns()):
            self._cancel(guard.reason)

    def _watch(self) -> None:
        guard = self._guard
        if guard is not None and guard.must_stop(time.monotonic_ns()):
            self._cancel(guard.reason)

    def _cancel(self, reason: str) -> None:
        if self._ends is None:
            return
        _log.warning('all goals of %s are cancelled: %s', ACTION, reason)
        # An empty id with an empty stamp means every goal (action_msgs/CancelGoal).
        self._ends[0].call_async(CancelGoal.Request())


def main() -> None:
    """Run the node until SIGINT or SIGTERM."""
    sys.exit(run_node(FollowPathGuardNode))


if __name__ == '__main__':
    main()
