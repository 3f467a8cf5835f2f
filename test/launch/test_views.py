"""The shipped views of RViz and Foxglove show what the nodes publish, of the right types."""

import importlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

pytest.importorskip('rclpy')

from perception_nodes.ros.launch_plan import PERCEPTION
from perception_nodes.ros.launch_types import LaunchPlan

ENTRY = re.compile(r'- ``([\w/~]+)`` \(([\w/]+)\)')
OF_OTHERS = {
    'robot_description': 'std_msgs/String',  # robot_state_publisher
    'diagnostics': 'diagnostic_msgs/DiagnosticArray',  # every node, absolute in any namespace
}
RVIZ_TYPES = {
    'Map': 'nav_msgs/OccupancyGrid',
    'Path': 'nav_msgs/Path',
    'PointCloud2': 'sensor_msgs/PointCloud2',
    'Image': 'sensor_msgs/Image',
    'RobotModel': 'std_msgs/String',
}
SCENE_TYPES = {*RVIZ_TYPES.values(), 'sensor_msgs/CompressedImage', 'sensor_msgs/CameraInfo'}


def topics_of(plan: LaunchPlan) -> Iterator[tuple[str, str]]:
    """Yield name and type of what a node publishes, as its docstrings say it."""
    module = importlib.import_module(f'perception_nodes.ros.{plan.executable}')
    words = plan.executable.removesuffix('_node').split('_')
    node = getattr(module, ''.join(word.capitalize() for word in words) + 'Node')
    renamed = PERCEPTION.topics.get(plan.executable, {})
    for item in node.__mro__:
        if not item.__module__.startswith('perception_nodes'):
            continue
        section = (item.__doc__ or '').partition('Publishes')[2].partition('\n\n')[0]
        for name, kind in ENTRY.findall(section):
            own = name.replace('~', plan.executable)
            yield renamed.get(own, own).lstrip('/'), kind


@pytest.fixture(scope='module')
def published() -> dict[str, str]:
    """Return the types of all topics of the suite by name, relative to the namespace."""
    found = dict(OF_OTHERS)
    for plan in PERCEPTION.members:
        found |= dict(topics_of(plan))
    assert found['detection_node/overlay'] == 'sensor_msgs/Image'
    assert found['camera/image_raw'] == 'sensor_msgs/Image'
    assert len(found) > 25
    return found


@pytest.fixture(scope='module')
def rviz(project_root: Path) -> dict[str, Any]:
    return yaml.safe_load((project_root / 'config/perception.rviz').read_text())


@pytest.fixture(scope='module')
def foxglove(project_root: Path) -> dict[str, Any]:
    return json.loads((project_root / 'config/foxglove_layout.json').read_text())


def test_rviz_shows_what_the_nodes_publish(rviz, published):
    shown = {}
    for display in rviz['Visualization Manager']['Displays']:
        kind = display['Class'].removeprefix('rviz_default_plugins/')
        topic = display.get('Topic') or display.get('Description Topic')
        assert (topic is None) == (kind in ('Grid', 'TF'))
        if topic is not None:
            assert published[topic['Value']] == RVIZ_TYPES[kind], display['Name']
            shown[display['Name']] = kind
    assert set(shown.values()) == set(RVIZ_TYPES)
    assert len(shown) == 7


def test_topics_of_rviz_follow_its_namespace(rviz):
    text = json.dumps(rviz)
    assert not re.findall(r'"Value": "/', text)


def test_rviz_keeps_latched_topics_and_follows_the_robot(rviz):
    displays = {item['Name']: item for item in rviz['Visualization Manager']['Displays']}
    for name, key in (('Occupancy', 'Topic'), ('Robot', 'Description Topic')):
        assert displays[name][key]['Durability Policy'] == 'Transient Local'
    assert rviz['Visualization Manager']['Global Options']['Fixed Frame'] == 'odom'
    assert rviz['Visualization Manager']['Views']['Current']['Target Frame'] == 'base_link'


def panels_in(layout: Any) -> Iterator[str]:
    """Yield the panels of a layout: a tree of splits, or one panel."""
    if isinstance(layout, str):
        yield layout
        return
    assert layout['direction'] in ('row', 'column')
    assert 0 < layout['splitPercentage'] < 100
    for half in ('first', 'second'):
        yield from panels_in(layout[half])


def test_foxglove_places_every_panel_once(foxglove):
    placed = list(panels_in(foxglove['layout']))
    assert sorted(placed) == sorted(foxglove['configById'])
    kinds = {name.partition('!')[0] for name in placed}
    assert kinds == {
        '3D', 'Image', 'Plot', 'StateTransitions', 'RawMessages', 'DiagnosticSummary',
    }  # fmt: skip


def scene_topics(config: dict[str, Any]) -> Iterator[str]:
    """Yield the topics that a picture or a scene shows."""
    yield from config.get('topics', {})
    mode = config.get('imageMode', {})
    yield from (mode[key] for key in ('imageTopic', 'calibrationTopic') if key in mode)
    if 'topicToRender' in config:
        yield config['topicToRender']


def test_foxglove_shows_what_the_nodes_publish(foxglove, published):
    shown = set()
    for name, config in foxglove['configById'].items():
        for topic in scene_topics(config):
            kind = published[topic.removeprefix('/')]
            allowed = {'diagnostic_msgs/DiagnosticArray'} if '/diag' in topic else SCENE_TYPES
            assert kind in allowed, (name, topic)
            shown.add(topic)
        if 'imageMode' in config:
            kind = published[config['imageMode']['imageTopic'].removeprefix('/')]
            assert kind in ('sensor_msgs/Image', 'sensor_msgs/CompressedImage')
        assert all(item['visible'] for item in config.get('topics', {}).values())
    assert len(shown) >= 8


def message_paths(foxglove: dict[str, Any]) -> Iterator[str]:
    """Yield what is plotted, or shown as it is."""
    for config in foxglove['configById'].values():
        for path in config.get('paths', ()):
            assert path['enabled']
            assert path['timestampMethod'] == 'headerStamp'
            yield path['value']
        if 'topicPath' in config:
            yield config['topicPath']


def test_foxglove_plots_fields_that_the_messages_have(foxglove, published):
    paths = list(message_paths(foxglove))
    assert len(paths) >= 8
    for path in paths:
        topic, _, field = path.removeprefix('/').partition('.')
        package, name = published[topic].split('/')
        fields = getattr(
            importlib.import_module(f'{package}.msg'), name
        ).get_fields_and_field_types()
        assert 'header' in fields
        assert not field or field in fields, path
    assert '/path_following_node/estimate.lateral_error' in paths
    assert '/path_following_node/estimate.heading_error' in paths


def test_views_are_installed(project_root: Path):
    installed = re.search(
        r'install\(DIRECTORY ([\w ]+) DESTINATION', (project_root / 'CMakeLists.txt').read_text()
    )
    assert 'config' in installed.group(1).split()
