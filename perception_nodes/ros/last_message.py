"""Publishers that leave with a message which must arrive."""

from __future__ import annotations

from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.publisher import Publisher

PATIENCE_S = 0.2
"""So long a subscription that does not answer may hold up who leaves."""


def destroy_once_heard(node: Node, publisher: Publisher) -> bool:
    """
    Remove a publisher once every reliable subscription has what it sent, or patience is over.

    :returns: whether all of them have it.
    """
    heard = publisher.wait_for_all_acked(Duration(seconds=PATIENCE_S))
    node.destroy_publisher(publisher)
    return heard
