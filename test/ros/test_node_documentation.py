"""The docstring of a node says what the running node does, no more and no less."""

import re
from functools import partial

import pytest

pytest.importorskip('rclpy')

from perception_nodes.ros.cmd_vel_timeout_node import CmdVelTimeoutNode
from perception_nodes.ros.detection_node import DetectionNode
from perception_nodes.ros.follow_path_guard_node import FollowPathGuardNode
from perception_nodes.ros.path_following_node import PathFollowingNode
from perception_nodes.ros.segmentation_node import SegmentationNode
from perception_nodes.ros.semantic_map_node import SemanticMapNode
from perception_nodes.ros.simulation_node import SimulationNode

pytestmark = pytest.mark.ros

ENTRY = re.compile(r'- ``([\w/~]+)`` \(([\w/]+)\)')
SECTION = r'{}[^\n]*:\n(.*?)(?:\n\n|\Z)'
# What every rclpy lifecycle node has.
BUILT_IN = re.compile(
    r'^/(rosout|parameter_events|clock)$|/(get|set|describe|list)_parameter|type_description'
    r'|/set_parameters_atomically|transition_event|/change_state|/get_(state|available_|transition)'
    r'|/get_transition_graph|/(get|set)_logger_levels'
)


CLOCK = ('/clock', 'rosgraph_msgs/Clock')


def documented(kind: str, *classes: type) -> set[tuple[str, str]]:
    """Return (name, type) of the entries under one heading of the docstrings of our classes."""
    found = set()
    for item in classes:
        if not item.__module__.startswith('perception_nodes'):
            continue
        section = re.search(SECTION.format(kind), item.__doc__, re.S)
        found |= set(ENTRY.findall(section.group(1))) if section else set()
    return found


def running(graph, node, kind: str) -> set[tuple[str, str]]:
    """Return (name, type) as the docstring would write them."""
    ask = {
        'Subscribes': graph.probe.get_subscriber_names_and_types_by_node,
        'Publishes': graph.probe.get_publisher_names_and_types_by_node,
        'Services': graph.probe.get_service_names_and_types_by_node,
    }[kind]
    own = f'/{node.get_name()}/'
    # Names that stay absolute in the docstring are shared by all nodes of a robot.
    absolute = ('/diagnostics', '/tf', '/tf_static')
    found = set()
    for name, types in ask(node.get_name(), '/'):
        if not BUILT_IN.search(name):
            short = name.replace(own, '~/', 1) if name.startswith(own) else name[1:]
            written = name if name in absolute else short
            found |= {(written, re.sub('/(msg|srv)/', '/', kind_name)) for kind_name in types}
    return found


def compare(graph, base: type, variants: list) -> None:
    """Compare the docstring with the union over all ways to set the node up."""
    seen: dict[str, set] = {'Subscribes': set(), 'Publishes': set(), 'Services': set()}
    for number, parameters in enumerate(variants):
        # A name of its own each: the graph may remember the last node for a while.
        arguments = ['--ros-args', '-r', f'__node:=variant_{number}']
        node = graph.add(partial(base, cli_args=arguments), **parameters)
        graph.wait_until(lambda made=node: made.state_label == 'active', 60.0)
        wanted = node.get_name()
        graph.wait_until(lambda name=wanted: name in graph.probe.get_node_names())
        graph.turn(0.5)
        for kind, found in seen.items():
            found |= running(graph, node, kind)
        graph.remove(node)
    for kind, found in seen.items():
        assert found == documented(kind, *base.__mro__) - {CLOCK}, kind


def test_detection_node(graph, blob_bundle, paint_bank):
    model = str(blob_bundle.path)
    variants = [
        {'model': model, 'image_transport': 'raw', 'classifier_bank': str(paint_bank)},
        {'model': model, 'image_transport': 'compressed'},
    ]
    compare(graph, DetectionNode, variants)


def test_segmentation_node(graph, colour_bundle):
    model = str(colour_bundle.path)
    transports = ('raw', 'compressed')
    compare(graph, SegmentationNode, [{'model': model, 'image_transport': t} for t in transports])


def test_path_following_node(graph):
    sources = {'obstacle_sources': ['detections', 'occupancy', 'depth']}
    variants = [
        {**sources, 'depth_source': 'depth', 'attitude_source': 'imu'},
        {**sources, 'depth_source': 'points'},
    ]
    compare(graph, PathFollowingNode, variants)


def test_follow_path_guard_node(graph):
    compare(graph, FollowPathGuardNode, [{}])


def test_cmd_vel_timeout_node(graph):
    compare(graph, CmdVelTimeoutNode, [{}])


def test_simulation_node(graph):
    small = {'things': 2, 'walkers': 0, 'size_wh': [64, 48]}
    variants = [{}, {'cmd_vel_stamped': True}, {'lock_step': True, 'drive': 'path'}]
    documented_only_as_twist = ('cmd_vel', 'geometry_msgs/Twist')
    assert documented_only_as_twist in documented('Subscribes', SimulationNode)
    compare(graph, SimulationNode, [{**small, **variant} for variant in variants[::2]])


def test_simulation_node_takes_stamped_commands_when_told(graph):
    node = graph.add(SimulationNode, things=2, walkers=0, size_wh=[64, 48], cmd_vel_stamped=True)
    graph.wait_until(lambda: node.state_label == 'active', 60.0)
    graph.turn(0.5)
    assert ('cmd_vel', 'geometry_msgs/TwistStamped') in running(graph, node, 'Subscribes')


def test_semantic_map_node(graph):
    variants = [
        {'depth_source': 'depth', 'attitude_source': 'imu'},
        {'depth_source': 'points', 'attitude_source': 'odometry'},
    ]
    compare(graph, SemanticMapNode, variants)


@pytest.mark.parametrize('node_class', [DetectionNode, SegmentationNode, SimulationNode])
def test_parameters_are_documented_by_their_descriptions(node_class):
    from perception_nodes.structures import settings_of

    assert f':class:`{node_class.configuration_type.__name__}`' in node_class.__doc__
    for name, (_, rule) in settings_of(node_class.configuration_type).items():
        assert len(rule.description) > 5, name
