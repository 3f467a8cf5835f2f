"""The base of all nodes: hooks, failures, autostart, and logs of the pure code."""

import logging

import pytest

pytest.importorskip('rclpy')

from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.msg import Log
from rclpy.lifecycle import TransitionCallbackReturn

from perception_nodes.ros.lifecycle_node import PerceptionNode

pytestmark = pytest.mark.ros

SUCCESS = TransitionCallbackReturn.SUCCESS
FAILURE = TransitionCallbackReturn.FAILURE
ERROR = TransitionCallbackReturn.ERROR


class Recording(PerceptionNode):
    """A node that notes its hooks and fails where it is told to."""

    failures: dict[str, Exception]

    def __init__(self, **options) -> None:
        self.called: list[str] = []
        self.failures = {}
        super().__init__('recording', **options)

    def note(self, name: str) -> None:
        self.called.append(name)
        if name in self.failures:
            raise self.failures[name]

    def load(self) -> None:
        self.note('load')

    def start(self) -> None:
        self.note('start')

    def stop(self) -> None:
        self.note('stop')

    def free(self) -> None:
        self.note('free')


@pytest.fixture
def node(graph):
    return graph.add(Recording, autostart=False)


def test_hooks_come_in_the_order_of_the_transitions(node):
    assert node.trigger_configure() == SUCCESS
    assert node.trigger_activate() == SUCCESS
    assert node.trigger_deactivate() == SUCCESS
    assert node.trigger_cleanup() == SUCCESS
    assert node.called == ['load', 'start', 'stop', 'free']


def test_autostart_activates_a_bare_node(graph):
    node = graph.add(Recording)
    graph.wait_until(lambda: node.state_label == 'active')
    assert node.called == ['load', 'start']


def test_autostart_does_not_wait_for_simulated_time(graph):
    node = graph.add(Recording, use_sim_time=True)
    graph.wait_until(lambda: node.state_label == 'active')


def test_without_autostart_nothing_happens(graph, node):
    graph.turn(0.3)
    assert node.state_label == 'unconfigured'
    assert node.called == []


def test_refused_configuration_leaves_the_node_unconfigured_and_free(graph, node):
    reports = graph.listen(DiagnosticArray, '/diagnostics')
    node.failures['load'] = ValueError('model: no such file')
    assert node.trigger_configure() == FAILURE
    assert node.state_label == 'unconfigured'
    assert node.called == ['load', 'free']
    graph.wait_until(lambda: reports)
    status = reports[-1].status[0]
    assert status.level == b'\x02'
    assert status.message == 'ValueError: model: no such file'
    node.failures.clear()
    assert node.trigger_configure() == SUCCESS
    assert node.last_error == ''


def test_defect_in_configure_goes_through_error_processing(node):
    node.failures['load'] = KeyError('weights')
    assert node.trigger_configure() == ERROR
    assert node.state_label == 'unconfigured'
    assert node.called == ['load', 'free', 'stop', 'free']


def test_refused_activation_leaves_the_node_inactive_and_stopped(node):
    node.trigger_configure()
    node.failures['start'] = OSError('the device is busy')
    assert node.trigger_activate() == FAILURE
    assert node.state_label == 'inactive'
    assert node.called == ['load', 'start', 'stop']


def test_node_that_cannot_stop_ends_unconfigured(node):
    node.trigger_configure()
    node.trigger_activate()
    node.failures['stop'] = RuntimeError('the worker did not end')
    assert node.trigger_deactivate() == ERROR
    # Error processing cannot stop it either: that node is finished.
    assert node.state_label == 'finalized'
    assert 'the worker did not end' in node.last_error


def test_active_node_that_is_destroyed_is_stopped_and_freed(graph):
    node = graph.add(Recording)
    graph.wait_until(lambda: node.state_label == 'active')
    graph.remove(node)
    assert node.called == ['load', 'start', 'stop', 'free']


@pytest.mark.parametrize(
    ('level', 'severity'),
    [(logging.INFO, 20), (logging.WARNING, 30), (logging.ERROR, 40), (logging.CRITICAL, 50)],
)
def test_logs_of_the_pure_code_reach_rosout(graph, node, level, severity):
    lines = graph.listen(Log, '/rosout')
    graph.wait_until(lambda: graph.probe.count_publishers('/rosout') >= 2)
    graph.turn(0.3)
    logging.getLogger('perception_nodes.inference.somewhere').log(level, 'loaded %d of it', 7)
    line = graph.wait_until(lambda: next((one for one in lines if 'loaded' in one.msg), None))
    assert line.msg == 'loaded 7 of it [perception_nodes.inference.somewhere]'
    assert line.level == severity
    assert line.name == 'recording'


def test_logs_go_nowhere_after_the_node_is_gone(graph, node):
    before = len(logging.getLogger('perception_nodes').handlers)
    graph.remove(node)
    assert len(logging.getLogger('perception_nodes').handlers) == before - 1
