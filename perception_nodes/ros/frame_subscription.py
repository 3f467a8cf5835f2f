"""The :class:`FrameFeed` that listens on a DDS topic and matches what is published there."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from rcl_interfaces.msg import ParameterDescriptor
from rclpy.clock import Clock, ClockType
from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.node import Node
from rclpy.qos import ReliabilityPolicy
from rclpy.subscription import Subscription
from rclpy.timer import Timer
from sensor_msgs.msg import CompressedImage, Image

from perception_nodes.ros.frame_health import SourceState
from perception_nodes.ros.qos import (
    ImageQosChoice,
    ImageReliability,
    choose_reliability,
    image_overridable,
    image_qos,
    resolved,
)

_log = logging.getLogger(__name__)

_POLL_PERIOD_S = 1.0
_NS = 1_000_000_000
# What rclpy itself declares for a subscription that matches its publishers.
_NO_OVERRIDE = 'best_available'


class ImageTransport(str, Enum):
    """Values of the parameter ``image_transport``."""

    RAW = 'raw'
    COMPRESSED = 'compressed'


@dataclass(frozen=True, eq=False, kw_only=True)
class Arrival:
    """
    A message as it came in, not yet looked at.

    :param message: ``Image`` or ``CompressedImage``.
    :param stamp_ns: time of exposure by the header.
    :param arrived_ns: steady time at which the callback ran.
    :param age_ns: node clock at arrival minus ``stamp_ns``; negative when clocks disagree.
    """

    message: Any
    stamp_ns: int
    arrived_ns: int
    age_ns: int


class FrameSubscription:
    """
    Deliver images of a topic; start, stop and every delivery on the executor's thread.

    The subscription is made anew when publishers come that it cannot hear, or when all of them
    offer reliable delivery and it has only best effort; the log says what was chosen and why.

    :param node: on which to subscribe.
    :param topic: base topic; compressed images come on ``<topic>/compressed``.
    :param reliability: anything but ``auto`` wins, as does ``qos_overrides``.
    :param kind: type of the messages without transport, such as ``PointCloud2``.
    """

    def __init__(
        self,
        node: Node,
        topic: str,
        *,
        transport: ImageTransport = ImageTransport.RAW,
        reliability: ImageReliability = ImageReliability.AUTO,
        kind: type[Any] = Image,
    ) -> None:
        self._node = node
        self._type = kind
        self.topic = node.resolve_topic_name(topic)
        if ImageTransport(transport) is ImageTransport.COMPRESSED:
            self._type = CompressedImage
            # Remapping the base topic moves the compressed one along, as image_transport does.
            self.topic = node.resolve_topic_name(self.topic + '/compressed')
        self._wanted = self._overridden(ImageReliability(reliability))
        self._callback: Callable[[Arrival], object] | None = None
        self._subscription: Subscription | None = None
        self._timers: list[Timer] = []
        self._last_stamp_ns: int | None = None
        self.reliability = ReliabilityPolicy.UNKNOWN
        self.rematches = 0
        self.jumps_back = 0

    @property
    def publisher_count(self) -> int:
        """How many publishers the topic has now."""
        return self._node.count_publishers(self.topic)

    @property
    def state(self) -> SourceState:
        """What diagnostics say about the source."""
        return SourceState(
            topic=self.topic,
            publisher_count=self.publisher_count,
            reliability=self.reliability.name.lower(),
            jumps_back=self.jumps_back,
            rematches=self.rematches,
        )

    def start(self, callback: Callable[[Arrival], object]) -> None:
        """Subscribe, and watch for publishers that come and go."""
        self._callback = callback
        self._last_stamp_ns = None
        self._subscribe(self._choose())
        self._timers.append(self._steady_timer(_POLL_PERIOD_S, self._match))

    def stop(self) -> None:
        """Unsubscribe; may be called twice."""
        self._callback = None
        while self._timers:
            self._node.destroy_timer(self._timers.pop())
        self._unsubscribe()

    def _overridden(self, wanted: ImageReliability) -> ImageReliability:
        """Return what ``qos_overrides`` of a parameter file says, else ``wanted``."""
        name = f'qos_overrides.{self.topic}.subscription.reliability'
        if not self._node.has_parameter(name):
            words = 'reliable or best_effort; anything else leaves it to image_reliability'
            descriptor = ParameterDescriptor(description=words, read_only=True)
            self._node.declare_parameter(name, _NO_OVERRIDE, descriptor)
        value = self._node.get_parameter(name).value
        fixed = (ImageReliability.RELIABLE.value, ImageReliability.BEST_EFFORT.value)
        return ImageReliability(value) if value in fixed else wanted

    def _choose(self) -> ImageQosChoice:
        infos = self._node.get_publishers_info_by_topic(self.topic)
        return choose_reliability(self._wanted, [info.qos_profile.reliability for info in infos])

    def _match(self) -> None:
        """Subscribe anew when what is published asks for another reliability."""
        if self._callback is None:
            return
        choice = self._choose()
        if resolved(choice.reliability) != self.reliability and self.publisher_count:
            self.rematches += 1
            self._unsubscribe()
            self._subscribe(choice)

    def _subscribe(self, choice: ImageQosChoice) -> None:
        self.reliability = resolved(choice.reliability)
        self._subscription = self._node.create_subscription(
            self._type,
            self.topic,
            self._on_message,
            image_qos(choice.reliability),
            event_callbacks=SubscriptionEventCallbacks(
                incompatible_qos=self._on_incompatible, use_default_callbacks=False
            ),
            qos_overriding_options=image_overridable(),
        )
        name = self.reliability.name.lower()
        _log.info('subscribed to %s, %s: %s', self.topic, name, choice.reason)

    def _unsubscribe(self) -> None:
        if self._subscription is not None:
            self._node.destroy_subscription(self._subscription)
            self._subscription = None

    def _on_incompatible(self, event: Any) -> None:
        """Match soon, outside the callback of the subscription that would be destroyed."""
        if self._wanted is not ImageReliability.AUTO:
            _log.warning(
                '%s: a publisher cannot serve image_reliability %s; set it to auto',
                self.topic,
                self._wanted.value,
            )
            return
        timer = self._steady_timer(0.0, lambda: self._match_once(timer))
        self._timers.append(timer)

    def _match_once(self, timer: Timer) -> None:
        if timer in self._timers:
            self._timers.remove(timer)
            self._node.destroy_timer(timer)
        self._match()

    def _steady_timer(self, period_s: float, callback: Callable[[], None]) -> Timer:
        clock = Clock(clock_type=ClockType.STEADY_TIME)
        return self._node.create_timer(period_s, callback, clock=clock)

    def _on_message(self, message: Any) -> None:
        arrived_ns = time.monotonic_ns()
        if self._callback is None:
            return
        stamp = message.header.stamp
        stamp_ns = stamp.sec * _NS + stamp.nanosec
        if self._last_stamp_ns is not None and stamp_ns < self._last_stamp_ns:
            self._note_jump(self._last_stamp_ns - stamp_ns)
        self._last_stamp_ns = stamp_ns
        age_ns = self._node.get_clock().now().nanoseconds - stamp_ns
        self._callback(
            Arrival(message=message, stamp_ns=stamp_ns, arrived_ns=arrived_ns, age_ns=age_ns)
        )

    def _note_jump(self, jump_ns: int) -> None:
        self.jumps_back += 1
        _log.warning(
            '%s: stamps jumped back by %.3f s (a bag that starts again?)',
            self.topic,
            jump_ns / _NS,
        )
