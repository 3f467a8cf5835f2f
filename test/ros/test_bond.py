"""The bond against the rules of bondcpp, in pure time and over DDS with a lifecycle manager."""

import uuid

import pytest

pytest.importorskip('rclpy')

from bond.msg import Status

from perception_nodes.ros.bond import Bond, BondEnd, BondState
from perception_nodes.ros.lifecycle_node import PerceptionNode

MS = 1_000_000
PERIOD = 100 * MS
TIMEOUT = 4000 * MS


@pytest.fixture
def end() -> BondEnd:
    return BondEnd(heartbeat_period_ns=PERIOD, heartbeat_timeout_ns=TIMEOUT)


def test_end_without_manager_keeps_calling_for_ever(end: BondEnd):
    beats = [end.due(step * PERIOD) for step in range(1000)]
    assert beats == [True] * 1000
    assert end.state is BondState.WAITING


def test_heartbeats_keep_their_period_when_the_timer_is_faster(end: BondEnd):
    sent = [end.due(step * 50 * MS) for step in range(41)]
    assert sent.count(True) == 21


def test_first_heartbeat_of_the_manager_forms_the_bond(end: BondEnd):
    assert not end.hear('manager', True, 0)
    assert end.state is BondState.ALIVE


def test_silent_manager_sends_the_end_back_to_waiting(end: BondEnd):
    end.hear('manager', True, 0)
    assert end.due(TIMEOUT) is True
    assert end.state is BondState.ALIVE
    assert end.due(TIMEOUT + PERIOD) is True
    assert end.state is BondState.WAITING


def test_restarted_manager_takes_the_bond_over(end: BondEnd):
    end.hear('manager', True, 0)
    end.hear('restarted', True, 1)
    assert not end.hear('manager', False, 2)
    assert end.state is BondState.ALIVE


def test_manager_that_breaks_the_bond_gets_one_answer(end: BondEnd):
    end.hear('manager', True, 0)
    assert end.hear('manager', False, 1)
    assert not end.hear('manager', False, 2)
    assert end.state is BondState.DEAD
    assert end.due(PERIOD) is None


def test_last_words_of_an_earlier_bond_do_not_kill_a_new_one(end: BondEnd):
    assert not end.hear('manager', False, 0)
    assert end.state is BondState.WAITING


def test_breaking_off_is_announced_until_the_manager_agrees(end: BondEnd):
    end.hear('manager', True, 0)
    assert end.break_off(0)
    assert not end.break_off(0)
    assert end.due(50 * MS) is False
    end.hear('manager', True, 60 * MS)
    assert end.state is BondState.AWAITING_DEATH
    end.hear('manager', False, 70 * MS)
    assert end.state is BondState.DEAD


def test_breaking_off_ends_without_an_answer_after_two_seconds(end: BondEnd):
    end.hear('manager', True, 0)
    end.break_off(0)
    assert end.due(2000 * MS) is False
    assert end.due(2001 * MS) is None
    assert end.state is BondState.DEAD


class Manager:
    """
    The lifecycle manager's end: forms on a heartbeat, dies on silence or ``active: false``.

    Written after the state table of bondcpp, independently of the node's end.
    """

    def __init__(self, graph, bond_id: str) -> None:
        self.graph = graph
        self.id = bond_id
        self.instance = str(uuid.uuid4())
        self.state = 'waiting'
        self.heard: list[Status] = []
        self.publisher = graph.probe.create_publisher(Status, 'bond', 5)
        graph.probe.create_subscription(Status, 'bond', self.on_status, 100)
        self.timer = graph.probe.create_timer(0.25, self.beat)

    def on_status(self, message: Status) -> None:
        if message.id != self.id or message.instance_id == self.instance:
            return
        self.heard.append(message)
        if self.state == 'dead':
            return
        self.state = 'alive' if message.active else 'dead'
        if not message.active:
            self.send(False)

    def beat(self) -> None:
        if self.state != 'dead':
            self.send(True)

    def send(self, active: bool) -> None:
        self.publisher.publish(
            Status(
                id=self.id,
                instance_id=self.instance,
                active=active,
                heartbeat_timeout=4.0,
                heartbeat_period=0.25,
            )
        )


@pytest.fixture
def node(graph):
    made = graph.add(lambda **options: PerceptionNode('bonded', **options), autostart=False)
    made.trigger_configure()
    return made


def bond_of(node) -> Bond:
    return node._bond


@pytest.mark.ros
def test_manager_finds_the_bond_within_half_its_timeout(graph, node):
    manager = Manager(graph, 'bonded')
    graph.turn(0.3)
    assert not manager.heard, 'no heartbeat before activation'
    node.trigger_activate()
    graph.wait_until(lambda: manager.state == 'alive', 2.0)
    graph.wait_until(lambda: bond_of(node).state is BondState.ALIVE, 2.0)
    beat = manager.heard[0]
    assert beat.active
    assert beat.heartbeat_period == pytest.approx(0.1)
    assert beat.heartbeat_timeout == pytest.approx(4.0)


@pytest.mark.ros
def test_deactivation_tells_the_manager_at_once(graph, node):
    manager = Manager(graph, 'bonded')
    node.trigger_activate()
    graph.wait_until(lambda: manager.state == 'alive')
    node.trigger_deactivate()
    graph.wait_until(lambda: manager.state == 'dead', 1.0)
    assert not manager.heard[-1].active
    graph.wait_until(lambda: bond_of(node).state is BondState.DEAD, 1.0)


@pytest.mark.ros
def test_next_activation_is_a_new_bond(graph, node):
    first = Manager(graph, 'bonded')
    node.trigger_activate()
    graph.wait_until(lambda: first.state == 'alive')
    node.trigger_deactivate()
    graph.wait_until(lambda: first.state == 'dead')
    second = Manager(graph, 'bonded')
    node.trigger_activate()
    graph.wait_until(lambda: second.state == 'alive')
    assert first.heard[0].instance_id != second.heard[-1].instance_id


@pytest.mark.ros
def test_destroyed_node_says_goodbye(graph, node):
    manager = Manager(graph, 'bonded')
    node.trigger_activate()
    graph.wait_until(lambda: manager.state == 'alive')
    graph.remove(node)
    graph.wait_until(lambda: manager.state == 'dead', 1.0)


@pytest.mark.ros
def test_heartbeat_of_another_node_is_not_taken(graph, node):
    stranger = Manager(graph, 'somebody_else')
    node.trigger_activate()
    graph.turn(0.6)
    assert bond_of(node).state is BondState.WAITING
    assert not stranger.heard


@pytest.mark.ros
def test_heartbeat_period_zero_means_no_bond(graph):
    made = graph.add(
        lambda **options: PerceptionNode('bonded', **options),
        autostart=False,
        bond_heartbeat_period=0.0,
    )
    manager = Manager(graph, 'bonded')
    made.trigger_configure()
    made.trigger_activate()
    graph.turn(0.5)
    assert not manager.heard
