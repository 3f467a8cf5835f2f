"""Run one node as a process: spin, and end cleanly on SIGINT and SIGTERM."""

from __future__ import annotations

import logging
import signal
import sys
from collections.abc import Callable, Sequence
from types import FrameType

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

_log = logging.getLogger(__name__)

# How long a signal may wait while nothing else wakes the executor.
_WAKE_PERIOD_S = 0.1
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_BAD_CONFIGURATION = 2


class StopFlag:
    """
    Set by the first SIGINT or SIGTERM; further ones change nothing.

    rclpy's own handlers shut the context down at once, and then the node could no longer say
    goodbye to the lifecycle manager.
    """

    def __init__(self) -> None:
        self.is_set = False

    def install(self) -> None:
        """Take over both signals, also where a shell started the process with SIGINT ignored."""
        for number in _SIGNALS:
            signal.signal(number, self._on_signal)

    def ignore_from_now_on(self) -> None:
        """Let no late signal interrupt the interpreter's own end."""
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.is_set = True


def run_node(create: Callable[[], Node], arguments: Sequence[str] | None = None) -> int:
    """
    Create a node, spin it on this thread, and destroy it when a signal comes.

    :param create: makes the node, usually its class; ``ValueError`` means a bad parameter.
    :param arguments: command line with ``--ros-args``; None takes the process's own.
    :returns: exit code: 0 after a signal, 2 for parameters that break a rule.
    """
    stop = StopFlag()
    stop.install()
    rclpy.init(
        args=None if arguments is None else list(arguments),
        signal_handler_options=SignalHandlerOptions.NO,
    )
    try:
        node = create()
    except ValueError as error:
        sys.stderr.write(f'{error}\n')
        return _BAD_CONFIGURATION
    else:
        _spin(node, stop)
        return 0
    finally:
        stop.ignore_from_now_on()
        rclpy.try_shutdown()


def _spin(node: Node, stop: StopFlag) -> None:
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    try:
        while not (stop.is_set or getattr(node, 'exit_requested', False)) and rclpy.ok():
            executor.spin_once(timeout_sec=_WAKE_PERIOD_S)
    except ExternalShutdownException:
        _log.info('the ROS context was shut down')
    finally:
        executor.remove_node(node)
        node.destroy_node()
        executor.shutdown()
