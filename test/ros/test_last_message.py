"""A publisher leaves after its last message has arrived."""

import pytest

pytest.importorskip('rclpy')

from perception_nodes.ros.last_message import PATIENCE_S, destroy_once_heard


@pytest.mark.parametrize('heard', [True, False])
def test_the_publisher_waits_for_its_message_but_not_for_ever(heard):
    steps = []

    class Publisher:
        def wait_for_all_acked(self, timeout):
            steps.append(('wait', timeout.nanoseconds * 1e-9))
            return heard

    class Node:
        def destroy_publisher(self, publisher):
            steps.append(('destroy', publisher))

    publisher = Publisher()
    assert destroy_once_heard(Node(), publisher) is heard
    assert steps == [('wait', PATIENCE_S), ('destroy', publisher)]
