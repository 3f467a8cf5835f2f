"""Publishes one picture at a fixed rate; the stamp of every message is the time of sending."""

from __future__ import annotations

import argparse
import array
import time

import numpy as np
import rclpy
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image

from benchmarks.pictures import picture


def image_message(size_wh: tuple[int, int], pixels: np.ndarray | None = None) -> Image:
    """Return an rgb8 message with the benchmark's picture, or with given (H, W, 3) pixels."""
    pixels = picture(size_wh) if pixels is None else pixels
    return Image(
        height=size_wh[1],
        width=size_wh[0],
        encoding='rgb8',
        step=size_wh[0] * 3,
        data=array.array('B', pixels.tobytes()),
    )


def stamp(message: Image, time_ns: int) -> None:
    """Write a time in nanoseconds into the header."""
    message.header.stamp.sec, message.header.stamp.nanosec = divmod(time_ns, 1_000_000_000)


def main() -> None:
    """Wait for a subscriber, send, and print the stamps in nanoseconds, one a line."""
    parser = argparse.ArgumentParser()
    parser.add_argument('--width', type=int, default=1920)
    parser.add_argument('--height', type=int, default=1080)
    parser.add_argument('--rate-hz', type=float, default=30.0)
    parser.add_argument('--frames', type=int, default=240)
    parser.add_argument('--best-effort', action='store_true')
    options = parser.parse_args()
    rclpy.init()
    node = rclpy.create_node('image_sender')
    reliable = not options.best_effort
    qos = QoSProfile(
        depth=10 if reliable else 1,
        reliability=ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT,
    )
    publisher = node.create_publisher(Image, 'image', qos)
    message = image_message((options.width, options.height))
    while publisher.get_subscription_count() == 0:
        time.sleep(0.05)
    time.sleep(2.5)  # the subscriber looks once a second whether its QoS still fits
    begin_s = time.monotonic()
    for index in range(options.frames):
        time.sleep(max(0.0, begin_s + index / options.rate_hz - time.monotonic()))
        sent_ns = time.time_ns()
        stamp(message, sent_ns)
        publisher.publish(message)
        print(sent_ns)
    time.sleep(1.0)
    node.destroy_node()
    rclpy.shutdown()


if __name__ == '__main__':
    main()
