"""A node that looks at pictures, in a process of its own, and the means to feed and to hear it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator

import rclpy
from perception_suite.msg import FrameTiming
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import QoSProfile
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2DArray

from benchmarks.image_sender import image_message, stamp
from benchmarks.processes import running

_START_TIMEOUT_S = 120.0
_ANSWER_TIMEOUT_S = 20.0
_LAST_ANSWER_S = 1.0


RESULTS: dict[str, tuple[str, type]] = {
    'detection': ('detections', Detection2DArray),
    'segmentation': ('mask', Image),
}
"""The topic and the message of a node's result, by task."""


class NodeUnderTest:
    """
    Context manager around ``detection_node`` or ``segmentation_node``.

    :param model: what its parameter ``model`` is set to.
    :param task: which node, a key of :data:`RESULTS`.
    :param environment: of the node's process; its ROS domain is used here too.
    :param core: the one core the node may use; None leaves it free.
    :param threads: of the network; 0 lets the library choose.
    """

    def __init__(
        self,
        model: str,
        *,
        task: str = 'detection',
        environment: dict[str, str],
        core: int | None = None,
        threads: int = 0,
    ) -> None:
        self.timings: list[FrameTiming] = []
        self._answered: set[tuple[int, int]] = set()
        self._node = f'{task}_node'
        self._result, self._result_type = RESULTS[task]
        self._words = [
            f'perception_nodes.ros.{self._node}', '--ros-args',
            '-p', f'model:={model}', '-p', f'threads:={threads}', '-p', 'device:=cpu',
        ]  # fmt: skip
        self._environment = environment
        self._core = core
        self._threads = threads or None
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> NodeUnderTest:
        """Start the node and wait until it listens and is heard."""
        os.environ.update(self._environment)
        self._stack.enter_context(
            running(
                *self._words, environment=self._environment, core=self._core, threads=self._threads
            )
        )
        context = rclpy.Context()
        context.init()
        self._stack.callback(context.try_shutdown)
        node = rclpy.create_node('benchmark', context=context)
        self._stack.callback(node.destroy_node)
        self._executor = SingleThreadedExecutor(context=context)
        self._executor.add_node(node)
        self._stack.callback(self._executor.shutdown)
        results = QoSProfile(depth=100)
        node.create_subscription(FrameTiming, f'{self._node}/timing', self.timings.append, results)
        node.create_subscription(
            self._result_type, f'{self._node}/{self._result}', self._on_result, results
        )
        self._publisher = node.create_publisher(Image, 'image', QoSProfile(depth=10))
        deadline_s = time.monotonic() + _START_TIMEOUT_S
        while self._publisher.get_subscription_count() == 0:
            self._spin(0.1)
            if time.monotonic() > deadline_s:
                raise TimeoutError(f'{self._node} does not listen after {_START_TIMEOUT_S} s')
        self._spin(2.5)  # discovery of the other topics, and the node's look at the QoS
        return self

    def __exit__(self, *reason: object) -> None:
        """Interrupt the node."""
        self._stack.close()

    def send_one_by_one(self, size_wh: tuple[int, int], frames: int) -> Iterator[FrameTiming]:
        """Send a frame, wait for its result, and yield its timing."""
        message = image_message(size_wh)
        for _ in range(frames):
            stamp(message, time.time_ns())
            heard = len(self.timings)
            self._publisher.publish(message)
            self._wait_for(message, heard)
            yield self.timings[-1]

    def send_at_rate(self, size_wh: tuple[int, int], rate_hz: float, duration_s: float) -> None:
        """Send at a fixed rate whatever the node does."""
        message = image_message(size_wh)
        begin_s = time.monotonic()
        for index in range(int(rate_hz * duration_s)):
            self._executor.spin_once(0)  # hear the node even when sending lags behind
            while time.monotonic() < begin_s + index / rate_hz:
                self._executor.spin_once(max(0.0, begin_s + index / rate_hz - time.monotonic()))
            stamp(message, time.time_ns())
            self._publisher.publish(message)
            if time.monotonic() > begin_s + duration_s:
                break
        self._spin(_LAST_ANSWER_S)

    def listen_while(self, process: subprocess.Popen[str]) -> Iterator[str]:
        """Hear the node until a process ends, then yield what that printed."""
        while process.poll() is None:
            self._executor.spin_once(0.05)
        yield from process.stdout or ()

    def _wait_for(self, message: Image, heard: int) -> None:
        key = (message.header.stamp.sec, message.header.stamp.nanosec)
        deadline_s = time.monotonic() + _ANSWER_TIMEOUT_S
        while key not in self._answered or len(self.timings) == heard:
            self._executor.spin_once(0.5)
            if time.monotonic() > deadline_s:
                raise TimeoutError(f'no {self._result} for a frame within {_ANSWER_TIMEOUT_S} s')

    def _on_result(self, message: Detection2DArray | Image) -> None:
        self._answered.add((message.header.stamp.sec, message.header.stamp.nanosec))

    def _spin(self, duration_s: float) -> None:
        end_s = time.monotonic() + duration_s
        while time.monotonic() < end_s:
            self._executor.spin_once(0.05)
