"""Processes that have ports on a domain, against participants that were found there."""

import os
import signal

import pytest

from perception_nodes.ros.domains import domains_of_process

pytestmark = pytest.mark.ros


@pytest.fixture
def roll_call(graph, plant_domain):
    from perception_nodes.ros.doctor.roll_call import RollCall

    def call(*process_ids):
        return RollCall(graph.probe, plant_domain, process_ids)

    return call


@pytest.fixture
def graph(make_graph, plant_domain):
    return make_graph(plant_domain)


def test_nobody_is_missing_from_an_empty_domain(roll_call):
    assert roll_call().missing() == set()


def test_process_elsewhere_is_not_awaited(roll_call):
    assert roll_call(os.getpid(), 2**30).missing() == set()


def test_running_process_is_missing_until_it_is_found(graph, plant, roll_call):
    camera = plant.start('camera')
    call = roll_call(camera.pid)
    assert domains_of_process(camera.pid) == {plant.domain_id}
    graph.wait_until(lambda: not call.missing())
    graph.wait_until(lambda: 'camera' in graph.probe.get_node_names())


def test_stopped_process_stays_missing_until_it_dies(plant, make_graph):
    from perception_nodes.ros.doctor.roll_call import RollCall

    camera = plant.start('camera')
    camera.send_signal(signal.SIGSTOP)
    graph = make_graph(plant.domain_id)
    call = RollCall(graph.probe, plant.domain_id, [camera.pid])
    graph.turn(0.5)
    assert call.missing() == {camera.pid}
    camera.kill()
    camera.wait()
    assert call.missing() == set()
