"""The suite's own image subscription and mailbox with nothing behind them."""

from __future__ import annotations

import sys

from rclpy.node import Node

from perception_nodes.ros.frame_subscription import Arrival, FrameSubscription
from perception_nodes.ros.running import run_node
from perception_nodes.streaming import NewestMailbox


class ImageReceiver(Node):
    """Prints (stamp, age on arrival) in nanoseconds of every frame that reaches the mailbox."""

    def __init__(self) -> None:
        super().__init__('image_receiver')
        self._mailbox: NewestMailbox[Arrival] = NewestMailbox()
        self._feed = FrameSubscription(self, 'image')
        self._feed.start(self._arrive)

    def _arrive(self, arrival: Arrival) -> None:
        self._mailbox.put(arrival)
        print(arrival.stamp_ns, arrival.age_ns)


if __name__ == '__main__':
    sys.exit(run_node(ImageReceiver))
