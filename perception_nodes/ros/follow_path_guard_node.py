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
from perception_nodes.ros.follow_path_client import ACTION, CANCEL_SERVICE, LAST_CANCEL_S
from perception_nodes.ros.goal_cancels import EVERY_GOAL, GoalCancels
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
    needs no handle of theirs, until that is confirmed; it acts only after the path follower has
    been driving.

    Subscribes:
      - ``status`` (perception_suite/PathFollowingStatus): of the path follower

    Services used: ``follow_path/_action/cancel_goal`` (action_msgs/CancelGoal).

    Parameters: the fields of :class:`FollowPathGuardNodeConfig`.
    """

    configuration_type = FollowPathGuardNodeConfig

    def __init__(self, **node_options: Any) -> None:
        super().__init__('follow_path_guard_node', **node_options)
        self._guard: GoalGuard | None = None
        self._cancels: GoalCancels | None = None
        self._ends: tuple[Any, Any, Any] | None = None
        self._refusal = ''

    def start(self) -> None:
        """Listen and watch."""
        self._guard, self._refusal = GoalGuard(self.configuration), ''
        client = self.create_client(CancelGoal, CANCEL_SERVICE)
        self._cancels = GoalCancels(client)
        self._ends = (
            client,
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
        cancels, self._cancels = self._cancels, None
        ends, self._ends = self._ends, None
        if guard is None or cancels is None or ends is None:
            return
        if guard.is_watching:
            _cancel_all(cancels, 'the guard stops')
        cancels.finish(LAST_CANCEL_S)
        if cancels.is_waiting:
            _log.error('Nav2 may still follow its path: %s', cancels.problem)
        client, subscription, timer = ends
        self.destroy_timer(timer)
        self.destroy_subscription(subscription)
        self.destroy_client(client)

    def health(self) -> Health:
        """Return whether there is somebody to stop, and how often that was needed."""
        guard, cancels, ends = self._guard, self._cancels, self._ends
        if guard is None or cancels is None or ends is None:
            return Health()
        values = {
            'cancelled': guard.stops,
            'last_reason': guard.reason or 'none',
            'last_refusal': self._refusal or 'none',
        }
        level, message = Level.OK, 'watching' if guard.is_watching else 'nobody drives'
        topic = self.resolve_topic_name('status')
        if cancels.is_waiting:
            level, message = Level.ERROR, cancels.problem or 'Nav2 has been asked to cancel'
        elif guard.is_watching and not ends[0].service_is_ready():
            level = Level.ERROR
            message = f'the action server {ACTION} is not there: nothing could be cancelled'
        elif not self.count_publishers(topic):
            level = Level.WARN
            message = f'nobody publishes {topic}: remap it to ~/status of the path follower'
        elif self._refusal:
            level, message = Level.WARN, self._refusal
        return Health(level=level, message=message, values=values)

    def _on_status(self, message: PathFollowingStatus) -> None:
        guard, cancels = self._guard, self._cancels
        if guard is None or cancels is None:
            return
        try:
            state = DriveState(message.state)
        except ValueError:
            # It does not count as a sign of life, so that silence stops what is being followed.
            self._refusal = (
                f'{self.resolve_topic_name("status")}: unknown state {message.state}: install one '
                'version of this package on all computers'
            )
            return
        if guard.hear(state, time.monotonic_ns()):
            _cancel_all(cancels, guard.reason)
        elif state is DriveState.DRIVING:
            cancels.forget(EVERY_GOAL)  # what it follows now is a new path

    def _watch(self) -> None:
        guard, cancels = self._guard, self._cancels
        if guard is None or cancels is None:
            return
        now_ns = time.monotonic_ns()
        if guard.must_stop(now_ns):
            _cancel_all(cancels, guard.reason)
        cancels.ask(now_ns)


def _cancel_all(cancels: GoalCancels, reason: str) -> None:
    _log.warning('all goals of %s are cancelled: %s', ACTION, reason)
    now_ns = time.monotonic_ns()
    cancels.want(EVERY_GOAL, now_ns)
    cancels.ask(now_ns)


def main() -> None:
    """Run the node until SIGINT or SIGTERM."""
    sys.exit(run_node(FollowPathGuardNode))


if __name__ == '__main__':
    main()
