"""
The bond: a heartbeat by which a lifecycle manager notices that a node died.

The rules are those of bondcpp, so that Nav2's lifecycle manager sees no difference, with two
additions for a node that may outlive its manager: it waits for the other side without a limit,
and silence of the other side sends it back to waiting instead of ending the bond.
"""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass
from enum import Enum

from bond.msg import Status
from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleNode
from rclpy.qos import QoSProfile

_log = logging.getLogger(__name__)

# Relative, as in nav2_util: manager and node of one namespace share one topic.
BOND_TOPIC = 'bond'
# Values of bondcpp: how fast and how long the end of a bond is announced.
_DEAD_PUBLISH_PERIOD_NS = 50_000_000
_DISCONNECT_TIMEOUT_NS = 2_000_000_000
_PUBLISHER_DEPTH = 5
_SUBSCRIPTION_DEPTH = 100


class BondState(str, Enum):
    """Where one end of a bond stands."""

    WAITING = 'waiting for the lifecycle manager'
    ALIVE = 'alive'
    AWAITING_DEATH = 'waiting for the lifecycle manager to let go'
    DEAD = 'dead'


@dataclass(kw_only=True)
class BondEnd:
    """
    One end of a bond, with steady time as an argument.

    :param heartbeat_period_ns: time between heartbeats.
    :param heartbeat_timeout_ns: silence of the other side after which it counts as gone.
    """

    heartbeat_period_ns: int
    heartbeat_timeout_ns: int
    state: BondState = BondState.WAITING
    _sister: str = ''
    _heard_ns: int = 0
    _sent_ns: int | None = None
    _dying_since_ns: int = 0

    def due(self, now_ns: int) -> bool | None:
        """Return the ``active`` flag to publish now, or None while nothing is due."""
        self._let_time_pass(now_ns)
        if self.state is BondState.DEAD:
            return None
        dying = self.state is BondState.AWAITING_DEATH
        period_ns = _DEAD_PUBLISH_PERIOD_NS if dying else self.heartbeat_period_ns
        # The timer may call a little early; waiting for its next call would stretch the period.
        tolerance_ns = min(period_ns, _DEAD_PUBLISH_PERIOD_NS) // 4
        if self._sent_ns is not None and now_ns - self._sent_ns < period_ns - tolerance_ns:
            return None
        self._sent_ns = now_ns
        return not dying

    def hear(self, sister: str, active: bool, now_ns: int) -> bool:
        """
        Take in a heartbeat of the other side.

        :param sister: its instance id.
        :returns: whether to acknowledge at once with ``active: false``.
        """
        if self.state is BondState.DEAD:
            return False
        if active:
            return self._hear_alive(sister, now_ns)
        if self.state is BondState.WAITING or sister != self._sister:
            return False  # the last words of an earlier bond
        acknowledge = self.state is BondState.ALIVE
        self.state = BondState.DEAD
        return acknowledge

    def break_off(self, now_ns: int) -> bool:
        """
        End the bond from this side.

        :returns: whether to publish ``active: false`` now.
        """
        if self.state in (BondState.DEAD, BondState.AWAITING_DEATH):
            return False
        known = self.state is BondState.ALIVE
        self.state = BondState.AWAITING_DEATH if known else BondState.DEAD
        self._dying_since_ns = self._sent_ns = now_ns
        return True

    def _hear_alive(self, sister: str, now_ns: int) -> bool:
        if self.state is BondState.WAITING:
            self.state = BondState.ALIVE
        self._sister = sister  # a manager that was restarted takes over
        self._heard_ns = now_ns
        return False

    def _let_time_pass(self, now_ns: int) -> None:
        silence_ns = now_ns - self._heard_ns
        if self.state is BondState.ALIVE and silence_ns > self.heartbeat_timeout_ns:
            self.state = BondState.WAITING
        dying_ns = now_ns - self._dying_since_ns
        if self.state is BondState.AWAITING_DEATH and dying_ns > _DISCONNECT_TIMEOUT_NS:
            self.state = BondState.DEAD


class Bond:
    """
    The bond of a node while it is active; all calls on the executor's thread.

    :param node: its bare name is the bond's id, as in nav2_util.
    :param heartbeat_period_s: time between heartbeats in seconds.
    :param heartbeat_timeout_s: announced to the other side, and applied to it.
    """

    def __init__(
        self, node: LifecycleNode, heartbeat_period_s: float, heartbeat_timeout_s: float
    ) -> None:
        self._node = node
        self._clock = Clock(clock_type=ClockType.STEADY_TIME)
        self._period_s = heartbeat_period_s
        self._timeout_s = heartbeat_timeout_s
        self._instance_id = str(uuid.uuid4())
        self._end = BondEnd(
            heartbeat_period_ns=round(heartbeat_period_s * 1e9),
            heartbeat_timeout_ns=round(heartbeat_timeout_s * 1e9),
        )
        self._publisher = node.create_publisher(
            Status, BOND_TOPIC, QoSProfile(depth=_PUBLISHER_DEPTH)
        )
        self._subscription = node.create_subscription(
            Status, BOND_TOPIC, self._on_status, QoSProfile(depth=_SUBSCRIPTION_DEPTH)
        )
        timer_s = min(heartbeat_period_s, _DEAD_PUBLISH_PERIOD_NS / 1e9)
        self._timer = node.create_timer(timer_s, self._on_timer, clock=self._clock)

    @property
    def state(self) -> BondState:
        """Where this end stands."""
        return self._end.state

    def break_off(self) -> None:
        """Tell the other side that this end goes, and listen for its answer for a while."""
        if self._end.break_off(self._now_ns()):
            self._publish(False)

    def close(self) -> None:
        """Remove timer and topic; ``break_off`` comes first where the other side should know."""
        self._node.destroy_timer(self._timer)
        self._node.destroy_subscription(self._subscription)
        self._node.destroy_publisher(self._publisher)

    def _now_ns(self) -> int:
        return self._clock.now().nanoseconds

    def _on_timer(self) -> None:
        before = self._end.state
        active = self._end.due(self._now_ns())
        if before is BondState.ALIVE and self._end.state is BondState.WAITING:
            _log.warning('no heartbeat of the lifecycle manager for %.1f s', self._timeout_s)
        if active is not None:
            self._publish(active)

    def _on_status(self, message: Status) -> None:
        if message.id != self._node.get_name() or message.instance_id == self._instance_id:
            return
        before = self._end.state
        if self._end.hear(message.instance_id, message.active, self._now_ns()):
            self._publish(False)
        if before is BondState.WAITING and self._end.state is BondState.ALIVE:
            _log.info('bond with the lifecycle manager formed')
        if before is BondState.ALIVE and self._end.state is BondState.DEAD:
            _log.warning('the lifecycle manager broke the bond; a new one forms on activation')

    def _publish(self, active: bool) -> None:
        message = Status()
        message.header.stamp = self._clock.now().to_msg()
        message.id = self._node.get_name()
        message.instance_id = self._instance_id
        message.active = active
        message.heartbeat_timeout = self._timeout_s
        message.heartbeat_period = self._period_s
        self._publisher.publish(message)
