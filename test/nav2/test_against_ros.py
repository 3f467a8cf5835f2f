"""The reader and the wildcards give what ROS itself gives to a node."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from perception_nodes.nav2 import ParameterFileError, check_nav2, read_parameters
from perception_nodes.nav2.nodes import nodes_of

pytest.importorskip('rclpy')
pytestmark = pytest.mark.ros

ADDED_BY_ROS = ('use_sim_time', 'start_type_description_service')


def parameters_of_ros(path: Path, name: str, namespace: str) -> dict[str, Any]:
    """Return what a real node is given; raises when ROS refuses the file."""
    import rclpy
    from rclpy.context import Context
    from rclpy.node import Node

    context = Context()
    rclpy.init(args=['--ros-args', '--params-file', str(path)], context=context)
    try:
        node = Node(
            name,
            namespace=namespace,
            context=context,
            enable_rosout=False,
            start_parameter_services=False,
            automatically_declare_parameters_from_overrides=True,
        )
        found = node.get_parameters_by_prefix('')
        node.destroy_node()
    finally:
        rclpy.shutdown(context=context)
    plain = (bool, int, float, str)
    values: dict[str, Any] = {key: getattr(item, 'value', item) for key, item in found.items()}
    return {
        key: value if isinstance(value, plain) else list(value)
        for key, value in values.items()
        if key not in ADDED_BY_ROS
    }


def flat(values: Mapping[str, Any], prefix: str = '') -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            found |= flat(value, f'{prefix}{key}.')
        else:
            found[prefix + key] = value
    return found


@pytest.mark.parametrize(
    'text',
    [
        'a: 1e-3\n b: 2E5\n c: .5\n d: 1.\n e: -7\n f: +1.5e+2',
        'a: 0x10\n b: 010\n c: 08\n d: 1_000\n e: 0',
        'a: y\n b: NO\n c: Off\n d: oN\n e: tRue\n f: "true"\n g: on',
        'a: null\n b: ~\n c: 2020-01-02\n d: 1:30\n e: "1"\n f: .inf\n g: ""',
        'a: [1.0, 2.0]\n b: [x, y1]\n c: [1, 2]\n d: [true, false]',
        'a.b: 1\n a: {c: 2, d: {e: three}}',
        'a: 1\n a: 2',
    ],
)
def test_values_are_those_of_ros(tmp_path, text):
    path = tmp_path / 'n.yaml'
    path.write_text('n:\n ros__parameters:\n' + ''.join(f'  {x}\n' for x in text.split('\n ')))
    (node,) = nodes_of(read_parameters([path]).values)
    ours, theirs = flat(node.block.values), parameters_of_ros(path, 'n', '/')
    assert ours == theirs
    assert {key: type(value) for key, value in ours.items()} == {
        key: type(value) for key, value in theirs.items()
    }


@pytest.mark.parametrize(
    'key',
    [
        '/**',
        '/*',
        '/*/local_costmap',
        '/**/local_costmap',
        '/local_costmap',
        'local_costmap',
        '/local_costmap/local_costmap',
        '/local_costmap/*',
        '/robot/local_costmap/local_costmap',
        '/robot/**',
        '/*/*',
        '/*/*/local_costmap',
        '/**/global_costmap',
        '/**/local_costmap/local_costmap',
    ],
)
@pytest.mark.parametrize('namespace', ['/', '/local_costmap', '/robot/local_costmap'])
def test_keys_match_the_nodes_that_ros_matches(tmp_path, key, namespace):
    path = tmp_path / 'n.yaml'
    full = f'{namespace.rstrip("/")}/local_costmap'
    path.write_text(
        f'{full}:\n  ros__parameters:\n    own: 1\n'
        + (f'{key}:\n  ros__parameters:\n    other: 2\n' if key != full else '')
    )
    nodes = {node.path: node for node in nodes_of(read_parameters([path]).values)}
    ours = flat(nodes[full[1:]].block.values)
    assert ours == parameters_of_ros(path, 'local_costmap', namespace)


@pytest.mark.parametrize(
    'text',
    [
        'a: [0.5, 0, 1.0]',
        'a: [x, 1]',
        'a:',
        'a: [[1.0, 2], [3.0]]',
        'a: &x {b: 1}\n    c: *x',
    ],
)
def test_what_ros_refuses_is_an_error_here(tmp_path, text):
    path = tmp_path / 'n.yaml'
    path.write_text(f'n:\n  ros__parameters:\n    {text}\n    last: 1\n')
    with pytest.raises(RuntimeError):
        parameters_of_ros(path, 'n', '/')
    try:
        found = [item.severity.value for item in check_nav2(read_parameters([path]).values)]
    except ParameterFileError:
        found = ['error']
    assert found == ['error']


@pytest.mark.parametrize('text', ['stray: 1\nn:\n', 'n:\n  stray: 1\n'])
def test_value_outside_of_parameters_is_refused_by_ros_and_an_error_here(tmp_path, text):
    path = tmp_path / 'n.yaml'
    path.write_text(f'{text}  ros__parameters:\n    a: 1\n')
    with pytest.raises(RuntimeError):
        parameters_of_ros(path, 'n', '/')
    (finding,) = check_nav2(read_parameters([path]).values)
    assert (finding.check, finding.severity.value) == ('structure', 'error')


@pytest.mark.parametrize(
    'path',
    sorted((Path(__file__).parents[2] / 'config').glob('nav2_*.yaml')),
    ids=lambda path: path.stem,
)
def test_shipped_files_are_read_by_ros_with_the_same_values(path):
    for node in nodes_of(read_parameters([path]).values):
        namespace, _, name = ('/' + node.path).rpartition('/')
        assert flat(node.block.values) == parameters_of_ros(path, name, namespace or '/')
