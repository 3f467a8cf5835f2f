"""The command time-out node: commands pass, and silence becomes zero."""

from __future__ import annotations

import logging
import sys
import time
from dataclasses import dataclass
from typing import Any

from geometry_msgs.msg import Twist, TwistStamped
from rclpy.clock import Clock, ClockType

from perception_nodes.driving.command_timeout import CommandTimeout, CommandTimeoutConfig
from perception_nodes.ros.diagnostics import Health, Level
from perception_nodes.ros.last_message import destroy_once_heard
from perception_nodes.ros.lifecycle_node import LifecycleConfig, PerceptionNode
from perception_nodes.ros.qos import RESULT_QOS, overridable, own_copy
from perception_nodes.ros.running import run_node
from perception_nodes.structures import check_settings, setting

_log = logging.getLogger(__name__)

_WATCH_PERIOD_S = 0.01


@dataclass(frozen=True, kw_only=True)
class CmdVelTimeoutNodeConfig(CommandTimeoutConfig, LifecycleConfig):
    """How long a command counts, and of which kind commands are."""

    cmd_vel_stamped: bool = setting(False, 'Commands are TwistStamped instead of Twist')

    def __post_init__(self) -> None:
        """Check every value."""
        check_settings(self)


class CmdVelTimeoutNode(PerceptionNode[CmdVelTimeoutNodeConfig]):
    """
    Stand before a base that has no time-out of its own: a killed publisher sends no zero.

    Commands pass unchanged as they come. When none has come for ``cmd_vel_timeout_s`` of steady
    time, since the start as well, zero is sent for ``zero_repeat_s``; so it is, once, when the
    node stops. A command with a number that is not finite does not pass. The base must hear this
    node alone.

    Subscribes:
      - ``cmd_vel_in`` (geometry_msgs/Twist): speeds; geometry_msgs/TwistStamped with
        ``cmd_vel_stamped``

    Publishes:
      - ``cmd_vel_out`` (geometry_msgs/Twist): the same, or zero; geometry_msgs/TwistStamped with
        ``cmd_vel_stamped``

    Parameters: the fields of :class:`CmdVelTimeoutNodeConfig`.
    """

    configuration_type = CmdVelTimeoutNodeConfig

    def __init__(self, **node_options: Any) -> None:
        super().__init__('cmd_vel_timeout_node', **node_options)
        self._timeout: CommandTimeout | None = None
        self._ends: tuple[Any, Any, Any] | None = None
        self._frame_id = ''

    def start(self) -> None:
        """Pass commands on, and watch."""
        config = self.configuration
        kind = TwistStamped if config.cmd_vel_stamped else Twist
        self._timeout = CommandTimeout(config, time.monotonic_ns())
        self._ends = (
            self.create_publisher(
                kind, 'cmd_vel_out', own_copy(RESULT_QOS), qos_overriding_options=overridable()
            ),
            self.create_subscription(
                kind, 'cmd_vel_in', self._on_command, own_copy(RESULT_QOS),
                qos_overriding_options=overridable(),
            ),
            self.create_timer(
                _WATCH_PERIOD_S, self._watch, clock=Clock(clock_type=ClockType.STEADY_TIME)
            ),
        )  # fmt: skip

    def stop(self) -> None:
        """Leave the base with a zero."""
        ends, self._ends = self._ends, None
        if ends is None:
            return
        publisher, subscription, timer = ends
        self.destroy_timer(timer)
        self.destroy_subscription(subscription)
        publisher.publish(self._zero())
        if not destroy_once_heard(self, publisher):
            _log.error('the last zero may not have reached the base: it did not answer')

    def health(self) -> Health:
        """Return whether commands come."""
        timeout = self._timeout
        if timeout is None:
            return Health()
        level, message = Level.OK, 'commands pass' if timeout.has_passed else 'no command yet'
        if timeout.is_silent:
            level = Level.WARN
            since = f'for more than {self.configuration.cmd_vel_timeout_s} s'
            when = since if timeout.has_passed else 'yet'
            topic = self.resolve_topic_name('cmd_vel_in')
            message = f'no command on {topic} {when}: zero was sent'
        values = {'timeouts': timeout.timeouts, 'refused_commands': timeout.refused}
        return Health(level=level, message=message, values=values)

    def _on_command(self, message: Twist | TwistStamped) -> None:
        timeout, ends = self._timeout, self._ends
        if timeout is None or ends is None:
            return
        twist = message
        if isinstance(message, TwistStamped):
            twist, self._frame_id = message.twist, message.header.frame_id
        linear, angular = twist.linear, twist.angular
        speeds = (linear.x, linear.y, linear.z, angular.x, angular.y, angular.z)
        if timeout.take(speeds, time.monotonic_ns()):
            ends[0].publish(message)

    def _watch(self) -> None:
        if self._timeout is None or self._ends is None:
            return
        if self._timeout.must_stop(time.monotonic_ns()):
            self._ends[0].publish(self._zero())

    def _zero(self) -> Twist | TwistStamped:
        """Return a command to stand, of the kind that the base hears."""
        if not self.configuration.cmd_vel_stamped:
            return Twist()
        zero = TwistStamped()
        zero.header.stamp = self.get_clock().now().to_msg()
        zero.header.frame_id = self._frame_id
        return zero


def main() -> None:
    """Run the node until SIGINT or SIGTERM."""
    sys.exit(run_node(CmdVelTimeoutNode))


if __name__ == '__main__':
    main()
