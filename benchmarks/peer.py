r"""
Another detection node beside ours, on the same model, the same pictures and in the same run.

The peer is any command that subscribes to images and publishes stamped results; nothing of it is
part of this project. Example, for a node that listens on ``image_raw``:

    python -m benchmarks.peer --model BUNDLE --peer-command 'ros2 run … ' \
        --peer-result bounding_boxes:bboxes_ex_msgs/msg/BoundingBoxes --picture PHOTO
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import QoSProfile
from sensor_msgs.msg import Image

from benchmarks.frame_log import FrameLog
from benchmarks.image_sender import image_message, stamp
from benchmarks.processes import ros_environment
from perception_nodes.evaluation.machine import describe_machine

_SIZE_WH = (640, 480)
_DISCOVERY_S = 4.0
_START_TIMEOUT_S = 60.0
_LAST_ANSWER_S = 3.0


class Listener:
    """
    Feeds a node at a fixed rate and notes when the result of each picture arrives.

    :param image_topic: where the node listens.
    :param result: ``topic:package/msg/Type`` of stamped results.
    """

    def __init__(self, image_topic: str, result: str) -> None:
        topic, _, type_name = result.partition(':')
        package, _, name = type_name.partition('/msg/')
        message_type: Any = getattr(importlib.import_module(f'{package}.msg'), name)
        self._context = rclpy.Context()
        self._context.init()
        self._node = rclpy.create_node('peer_benchmark', context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self._arrived: dict[int, int] = {}
        self._node.create_subscription(message_type, topic, self._on_result, QoSProfile(depth=50))
        self._publisher = self._node.create_publisher(Image, image_topic, QoSProfile(depth=5))

    def measure(self, pixels: np.ndarray, rate_hz: float, duration_s: float) -> FrameLog:
        """Send (H, W, 3) RGB pixels for a while; a frame without a result is missed."""
        deadline_s = time.monotonic() + _START_TIMEOUT_S
        while self._publisher.get_subscription_count() == 0:
            self._executor.spin_once(0.1)
            if time.monotonic() > deadline_s:
                raise TimeoutError(f'nobody listens after {_START_TIMEOUT_S} s')
        self._spin_until(time.monotonic() + _DISCOVERY_S)
        message, sent = image_message((pixels.shape[1], pixels.shape[0]), pixels), []
        begin_s = time.monotonic()
        for index in range(int(rate_hz * duration_s)):
            self._spin_until(begin_s + index / rate_hz)
            sent.append(time.time_ns())
            stamp(message, sent[-1])
            self._publisher.publish(message)
        self._spin_until(time.monotonic() + _LAST_ANSWER_S)
        received = [self._arrived.get(key, -1) for key in sent]
        return FrameLog(sent_ns=np.array(sent), received_ns=np.array(received))

    def close(self) -> None:
        """Leave the graph."""
        self._executor.shutdown()
        self._node.destroy_node()
        self._context.try_shutdown()

    def _on_result(self, message: Any) -> None:
        header = message.header.stamp
        self._arrived.setdefault(header.sec * 1_000_000_000 + header.nanosec, time.time_ns())

    def _spin_until(self, end_s: float) -> None:
        while (left_s := end_s - time.monotonic()) > 0:
            self._executor.spin_once(left_s)


@contextlib.contextmanager
def command(words: list[str], environment: dict[str, str]) -> Iterator[None]:
    """Run a command and everything it starts while the block lasts."""
    process = subprocess.Popen(words, env=environment, start_new_session=True)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def main() -> None:
    """Measure ours and the peer in turn, at each rate."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument('--model', required=True, help='bundle of the same network')
    parser.add_argument('--peer-name', default='peer')
    parser.add_argument('--peer-command', required=True)
    parser.add_argument('--peer-image', default='image_raw')
    parser.add_argument('--peer-result', required=True, help='topic:package/msg/Type')
    parser.add_argument('--picture', required=True, help='photo with things to detect')
    parser.add_argument('--rates-hz', type=float, nargs='+', default=[5.0, 30.0])
    parser.add_argument('--duration-s', type=float, default=15.0)
    parser.add_argument('--out', type=Path, default=Path('out/benchmarks/peer.json'))
    options = parser.parse_args()
    pixels = cv2.cvtColor(cv2.resize(cv2.imread(options.picture), _SIZE_WH), cv2.COLOR_BGR2RGB)
    environment = ros_environment()
    os.environ.update(environment)
    ours = [
        sys.executable, '-m', 'perception_nodes.ros.detection_node', '--ros-args',
        '-p', f'model:={options.model}', '-p', 'device:=cpu',
    ]  # fmt: skip
    result = 'detection_node/detections:vision_msgs/msg/Detection2DArray'
    contestants = {
        'perception_suite': (ours, 'image', result),
        options.peer_name: (
            shlex.split(options.peer_command),
            options.peer_image,
            options.peer_result,
        ),
    }
    report: dict[str, dict[str, float]] = {}
    for rate_hz in options.rates_hz:
        for name, (words, image_topic, result_topic) in contestants.items():
            with command(words, environment):
                listener = Listener(image_topic, result_topic)
                log = listener.measure(pixels, rate_hz, options.duration_s)
                listener.close()
            report[f'{name}, 640×480 at {rate_hz:g} Hz'] = log.report()
            print(name, rate_hz, json.dumps(log.report(), indent=2))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    result_text = json.dumps({'machine': describe_machine(), 'report': report}, indent=2)
    options.out.write_text(result_text + '\n')


if __name__ == '__main__':
    main()
