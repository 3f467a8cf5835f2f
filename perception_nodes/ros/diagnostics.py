"""What a node says about itself on ``/diagnostics``, once a second."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.qos import QoSProfile

# One topic for the whole robot by convention (REP-107): the only place for a leading slash.
DIAGNOSTICS_TOPIC = '/diagnostics'
PERIOD_S = 1.0
_DEPTH = 10


class Level(IntEnum):
    """How bad it is; values of ``diagnostic_msgs/DiagnosticStatus``."""

    OK = 0
    WARN = 1
    ERROR = 2
    STALE = 3


@dataclass(frozen=True, kw_only=True)
class Health:
    """
    One status of a node.

    :param level: the worst of what ``values`` say.
    :param message: one sentence with the cause, and the cure where there is one.
    :param values: figures and words by name, in the order to show them.
    """

    level: Level = Level.OK
    message: str = 'ok'
    values: Mapping[str, object] = field(default_factory=dict)

    def with_values(self, **values: object) -> Health:
        """Return the same health with further figures."""
        return replace(self, values={**self.values, **values})


class DiagnosticsPublisher:
    """
    Publish the health of a node once a second of steady time.

    Steady, because with simulated time a stopped ``/clock`` would silence the very node that
    could report it.

    :param node: named in the status.
    :param report: returns the present health; called on the executor's thread.
    :param hardware_id: what the status is about, for example the camera topic.
    """

    def __init__(self, node: Node, report: Callable[[], Health], hardware_id: str = '') -> None:
        self._node = node
        self._report = report
        self._hardware_id = hardware_id
        self._publisher = node.create_publisher(
            DiagnosticArray, DIAGNOSTICS_TOPIC, QoSProfile(depth=_DEPTH)
        )
        self._timer = node.create_timer(
            PERIOD_S, self.publish, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )

    def publish(self) -> None:
        """Publish now."""
        message = DiagnosticArray()
        message.header.stamp = self._node.get_clock().now().to_msg()
        message.status = [self._status(self._report())]
        self._publisher.publish(message)

    def _status(self, health: Health) -> DiagnosticStatus:
        return DiagnosticStatus(
            level=bytes([health.level]),
            name=f'{self._node.get_fully_qualified_name().lstrip("/")}: perception',
            message=health.message,
            hardware_id=self._hardware_id,
            values=[
                KeyValue(key=key, value=_words(value)) for key, value in health.values.items()
            ],
        )


def _words(value: object) -> str:
    return f'{value:.3f}' if isinstance(value, float) else str(value)
