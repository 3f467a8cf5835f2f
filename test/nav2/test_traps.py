"""Each trap planted alone into a sound file is named once; the sound file yields nothing."""

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from perception_nodes.nav2 import CHECKS, Release, Severity, check_nav2

SOUND = {
    'local': """
local_costmap:
  local_costmap:
    ros__parameters:
      global_frame: odom
      robot_base_frame: base_link
      rolling_window: true
      robot_radius: 0.2
      update_frequency: 5.0
      publish_frequency: 2.0
      transform_tolerance: 0.3
      plugins: [voxels, inflation]
      voxels:
        plugin: nav2_costmap_2d::VoxelLayer
        observation_sources: camera
        combination_method: 1
        z_voxels: 16
        z_resolution: 0.125
        camera:
          topic: /camera/points
          data_type: PointCloud2
          max_obstacle_height: 1.8
          clearing: true
          marking: true
          obstacle_max_range: 3.0
          raytrace_max_range: 3.5
      inflation:
        plugin: nav2_costmap_2d::InflationLayer
        inflation_radius: 0.5
""",
    'map': """
local_costmap:
  local_costmap:
    ros__parameters:
      global_frame: odom
      rolling_window: true
      robot_radius: 0.2
      trinary_costmap: false
      track_unknown_space: true
      plugins: [semantics, inflation]
      semantics:
        plugin: nav2_costmap_2d::StaticLayer
        map_topic: /semantic_map_node/occupancy
        map_subscribe_transient_local: true
      inflation: {plugin: 'nav2_costmap_2d::InflationLayer', inflation_radius: 0.5}
""",
    'semantic': """
local_costmap:
  local_costmap:
    ros__parameters:
      global_frame: odom
      rolling_window: true
      robot_radius: 0.2
      plugins: [semantics, inflation]
      semantics:
        plugin: semantic_segmentation_layer::SemanticSegmentationLayer
        observation_sources: camera
        camera:
          segmentation_topic: /segmentation_node/mask
          confidence_topic: /segmentation_node/confidence
          labels_topic: /segmentation_node/label_info
          pointcloud_topic: /semantic_map_node/points
          max_obstacle_distance: 4.0
          tile_map_decay_time: 3.0
          class_types: [free, danger]
          free: {classes: [floor], base_cost: 0, max_cost: 0}
          danger: {classes: [person, box], base_cost: 100, max_cost: 254, mark_confidence: 120}
      inflation: {plugin: 'nav2_costmap_2d::InflationLayer', inflation_radius: 0.5}
""",
    'monitor': """
collision_monitor:
  ros__parameters:
    cmd_vel_in_topic: cmd_vel_smoothed
    cmd_vel_out_topic: cmd_vel
    source_timeout: 1.0
    polygons: [stop]
    stop:
      type: polygon
      action_type: stop
      points: '[[0.4, 0.3], [0.4, -0.3], [-0.2, 0.0]]'
      min_points: 4
      sources_names: [cloud]
    observation_sources: [cloud]
    cloud:
      type: pointcloud
      topic: /semantic_map_node/obstacles
      min_height: -0.1
      max_height: 1.5
velocity_smoother:
  ros__parameters:
    max_velocity: [0.5, 0.0, 1.0]
    min_velocity: [-0.5, 0.0, -1.0]
    max_accel: [1.0, 0.0, 2.0]
    max_decel: [-1.0, 0.0, -2.0]
    deadband_velocity: [0.0, 0.0, 0.0]
    smoothing_frequency: 20.0
    velocity_timeout: 1.0
    feedback: OPEN_LOOP
""",
    'lifecycle': """
lifecycle_manager:
  ros__parameters:
    use_sim_time: true
    autostart: true
    bond_timeout: 4.0
    node_names: [segmentation_node, controller_server]
segmentation_node:
  ros__parameters:
    use_sim_time: true
    autostart: false
    bond_heartbeat_period: 0.1
controller_server:
  ros__parameters:
    use_sim_time: true
    controller_plugins: [FollowPath]
    FollowPath:
      plugin: nav2_mppi_controller::MPPIController
""",
    'global': """
global_costmap:
  global_costmap:
    ros__parameters:
      global_frame: map
      robot_base_frame: base_link
      robot_radius: 0.2
      plugins: [fixed, lidar, inflation]
      fixed: {plugin: 'nav2_costmap_2d::StaticLayer', map_topic: /map}
      lidar:
        plugin: nav2_costmap_2d::ObstacleLayer
        observation_sources: scan
        scan: {topic: /scan, max_obstacle_height: 2.0, clearing: true}
      inflation: {plugin: 'nav2_costmap_2d::InflationLayer', inflation_radius: 0.5}
local_costmap:
  local_costmap:
    ros__parameters:
      global_frame: odom
      robot_base_frame: base_link
bt_navigator:
  ros__parameters:
    global_frame: map
behavior_server:
  ros__parameters:
    local_frame: odom
""",
}

MISSING = object()
LOCAL = 'local_costmap.local_costmap.ros__parameters.'
GLOBAL = 'global_costmap.global_costmap.ros__parameters.'
VOXELS = LOCAL + 'voxels.'
CAMERA = VOXELS + 'camera.'
SEMANTICS = LOCAL + 'semantics.'
SOURCE = SEMANTICS + 'camera.'
MONITOR = 'collision_monitor.ros__parameters.'
SMOOTHER = 'velocity_smoother.ros__parameters.'
MANAGER = 'lifecycle_manager.ros__parameters.'
NODE = 'segmentation_node.ros__parameters.'
LAYER_BLOCK = {'plugin': 'nav2_costmap_2d::DenoiseLayer'}
HUGE = [[0.1, 0.2], [0.3, 0.4]]

SEG, CONTROL = 'segmentation_node', 'controller_server'


def qos(topic: str, policy: str) -> dict[str, Any]:
    weak = {'durability': 'volatile', 'reliability': 'best_effort'}[policy]
    return {f'/segmentation_node/{topic}': {'publisher': {policy: weak}}}


# sound file, place, planted value, the check that must speak, its severity
TRAPS = [
    # sources
    ('local', CAMERA + 'max_obstacle_height', MISSING, 'heights', 'error'),
    ('local', CAMERA + 'max_obstacle_height', 0.0, 'heights', 'error'),
    ('local', CAMERA + 'min_obstacle_height', 1.9, 'heights', 'error'),
    ('local', VOXELS + 'min_obstacle_height', 1.9, 'heights', 'error'),
    ('local', VOXELS + 'max_obstacle_height', -1.0, 'heights', 'error'),
    ('local', CAMERA + 'clearing', MISSING, 'clearing', 'error'),
    ('local', CAMERA + 'clearing', False, 'clearing', 'error'),
    ('local', CAMERA + 'marking', False, 'sources', 'warning'),
    ('local', CAMERA + 'raytrace_max_range', 2.0, 'ranges', 'warning'),
    ('local', CAMERA + 'raytrace_max_range', MISSING, None, None),
    ('local', CAMERA + 'obstacle_min_range', 3.2, 'ranges', 'error'),
    ('local', CAMERA + 'raytrace_min_range', 9.0, 'ranges', 'error'),
    ('local', CAMERA + 'data_type', MISSING, 'data_type', 'error'),
    ('local', CAMERA + 'data_type', 'LaserScan', 'data_type', 'error'),
    ('local', CAMERA + 'data_type', 'PointCloud', 'data_type', 'error'),
    ('local', CAMERA + 'topic', '/scan', 'data_type', 'error'),
    ('local', CAMERA + 'topic', 'camera/points', 'topics', 'error'),
    ('local', CAMERA + 'topic', '/semantic_map_node/obstacles', 'clearing', 'warning'),
    ('local', CAMERA + 'inf_is_valid', True, 'data_type', 'warning'),
    ('local', CAMERA + 'expected_update_rate', 10.0, 'update_rate', 'warning'),
    ('local', CAMERA + 'sensor_frame', 'base_link', 'sensor_frame', 'warning'),
    ('local', CAMERA + 'sensor_frame', '/camera_optical_frame', 'sensor_frame', 'error'),
    ('local', VOXELS + 'z_voxels', 24, 'voxels', 'error'),
    ('local', VOXELS + 'z_resolution', 0.05, 'voxels', 'warning'),
    ('local', VOXELS + 'observation_sources', '', 'sources', 'error'),
    ('local', VOXELS + 'observation_sources', 'camera rear', 'sources', 'error'),
    ('local', VOXELS + 'rear', {'topic': '/rear/points'}, 'sources', 'warning'),
    # names, types, placement
    ('local', CAMERA + 'max_obstacle_hight', 2.0, 'names', 'error'),
    ('local', CAMERA + 'obstacle_range', 2.0, 'names', 'error'),
    ('local', CAMERA + 'track_unknown_space', True, 'names', 'warning'),
    ('local', VOXELS + 'zzz', 1, 'names', 'warning'),
    ('local', VOXELS + 'observation_sources', ['camera'], 'types', 'error'),
    ('local', LOCAL + 'update_frequency', 5, 'types', 'error'),
    ('local', LOCAL + 'width', 5.0, 'types', 'error'),
    ('local', LOCAL + 'rolling_window', 'true', 'types', 'error'),
    ('local', LOCAL + 'transform_tolerance', {}, 'types', 'error'),
    ('local', CAMERA + 'sensor_frame', None, 'empty', 'error'),
    ('local', VOXELS + 'track_unknown_space', True, 'placement', 'error'),
    # plugins
    ('local', LOCAL + 'plugins', ['voxels', 'ghost', 'inflation'], 'plugins', 'error'),
    ('local', LOCAL + 'noise', LAYER_BLOCK, 'plugins', 'warning'),
    ('local', LOCAL + 'inflation.plugin', MISSING, 'plugins', 'error'),
    ('local', LOCAL + 'voxels.plugin', 'nav2_costmap_2d/VoxelLayer', 'plugins', 'error'),
    ('local', LOCAL + 'plugins', ['inflation', 'voxels'], 'layer_order', 'error'),
    ('local', LOCAL + 'filters', ['keepout'], 'plugins', 'error'),
    ('global', GLOBAL + 'lidar.combination_method', 0, 'combination', 'warning'),
    ('semantic', SEMANTICS + 'combination_method', 2, 'combination', 'error'),
    # costmaps
    ('local', LOCAL + 'global_frame', '/odom', 'frames', 'error'),
    ('local', LOCAL + 'global_frame', 'base_link', 'frames', 'error'),
    ('local', LOCAL + 'global_frame', MISSING, 'frames', 'warning'),
    ('global', LOCAL + 'robot_base_frame', 'base_footprint', 'frames', 'warning'),
    ('global', 'bt_navigator.ros__parameters.global_frame', 'odom', 'frames', 'warning'),
    ('global', 'behavior_server.ros__parameters.local_frame', 'map', 'frames', 'warning'),
    ('local', LOCAL + 'update_frequency', 0.0, 'frequencies', 'error'),
    ('local', LOCAL + 'update_frequency', 0.5, 'frequencies', 'warning'),
    ('local', LOCAL + 'publish_frequency', 0.0, 'frequencies', 'warning'),
    ('local', LOCAL + 'transform_tolerance', 0.0, 'tolerance', 'error'),
    ('local', LOCAL + 'initial_transform_timeout', 0.0, 'tolerance', 'error'),
    ('local', LOCAL + 'transform_tolerance', 10.0, 'tolerance', 'warning'),
    ('local', LOCAL + 'robot_radius', MISSING, 'footprint', 'warning'),
    ('local', LOCAL + 'robot_radius', 0.6, 'footprint', 'warning'),
    ('local', LOCAL + 'resolution', 0.0, 'size', 'error'),
    ('local', LOCAL + 'rolling_window', False, 'size', 'warning'),
    # static layers
    ('map', SEMANTICS + 'map_subscribe_transient_local', False, 'static_map', 'error'),
    ('map', SEMANTICS + 'map_topic', 'semantic_map_node/occupancy', 'static_map', 'error'),
    ('map', SEMANTICS + 'map_topic', '/semantic_map_node/points', 'static_map', 'error'),
    ('map', LOCAL + 'rolling_window', False, 'static_geometry', 'error'),
    ('map', LOCAL + 'trinary_costmap', MISSING, 'graded_costs', 'error'),
    ('map', LOCAL + 'track_unknown_space', False, 'graded_costs', 'warning'),
    ('map', LOCAL + 'lethal_cost_threshold', 65, 'graded_costs', 'warning'),
    ('map', LOCAL + 'unknown_cost_value', 100, 'graded_costs', 'error'),
    # semantic layer
    ('semantic', SOURCE + 'segmentation_topic', MISSING, 'semantic_topics', 'error'),
    ('semantic', SOURCE + 'labels_topic', '', 'semantic_topics', 'error'),
    ('semantic', SOURCE + 'pointcloud_topic', '/scan', 'semantic_topics', 'error'),
    ('semantic', SOURCE + 'pointcloud_topic', 'points', 'semantic_topics', 'error'),
    ('semantic', SOURCE + 'confidence_topic', MISSING, 'semantic_topics', 'warning'),
    (
        'semantic',
        SOURCE + 'confidence_topic',
        '/segmentation_node/mask',
        'semantic_topics',
        'error',
    ),
    ('semantic', SOURCE + 'class_types', ['free', 'danger', 'x'], 'semantic_classes', 'error'),
    ('semantic', SOURCE + 'class_types', ['danger'], 'semantic_classes', 'error'),
    ('semantic', SOURCE + 'class_types', [], 'semantic_classes', 'error'),
    ('semantic', SOURCE + 'free.classes', [], 'semantic_classes', 'error'),
    ('semantic', SOURCE + 'free.classes', ['floor', 'box'], 'semantic_classes', 'error'),
    ('semantic', SOURCE + 'danger.max_cost', 255, 'semantic_costs', 'error'),
    ('semantic', SOURCE + 'danger.max_cost', MISSING, 'semantic_costs', 'error'),
    ('semantic', SOURCE + 'danger.base_cost', -1, 'semantic_costs', 'error'),
    ('semantic', SOURCE + 'danger.mark_confidence', 255, 'semantic_costs', 'error'),
    ('semantic', SOURCE + 'max_obstacle_distance', 0.2, 'semantic_ranges', 'error'),
    ('semantic', SOURCE + 'tile_map_decay_time', 0.0, 'semantic_ranges', 'error'),
    ('semantic', SOURCE + 'danger.base_cost', 100.0, 'types', 'error'),
    # collision monitor and smoother
    ('monitor', MONITOR + 'observation_sources', ['cloud', 'rear'], 'monitor_sources', 'error'),
    ('monitor', MONITOR + 'observation_sources', 'cloud', 'types', 'error'),
    ('monitor', MONITOR + 'cloud.type', MISSING, 'monitor_sources', 'error'),
    ('monitor', MONITOR + 'cloud.type', 'costmap', 'monitor_sources', 'error'),
    ('monitor', MONITOR + 'cloud.max_height', -0.2, 'monitor_sources', 'error'),
    ('monitor', MONITOR + 'rear', {'topic': '/rear'}, 'monitor_sources', 'warning'),
    ('monitor', MONITOR + 'source_timeout', 0.0, 'monitor_timeout', 'warning'),
    ('monitor', MONITOR + 'cloud.source_timeout', 0.0, 'monitor_timeout', 'warning'),
    ('monitor', MONITOR + 'source_timeout', -1.0, 'monitor_timeout', 'error'),
    ('monitor', MONITOR + 'source_timeout', 30.0, 'monitor_timeout', 'warning'),
    ('monitor', MONITOR + 'polygons', ['stop', 'slow'], 'monitor_polygons', 'error'),
    ('monitor', MONITOR + 'stop.sources_names', [], 'monitor_polygons', 'error'),
    ('monitor', MONITOR + 'stop.sources_names', ['rear'], 'monitor_polygons', 'error'),
    ('monitor', MONITOR + 'stop.points', MISSING, 'monitor_polygons', 'error'),
    ('monitor', MONITOR + 'stop.type', 'square', 'monitor_polygons', 'error'),
    ('monitor', MONITOR + 'stop.action_type', MISSING, 'monitor_polygons', 'error'),
    ('monitor', MONITOR + 'stop.min_points', 0, 'monitor_polygons', 'error'),
    ('monitor', MONITOR + 'cmd_vel_out_topic', '/cmd_vel_smoothed', 'monitor_chain', 'error'),
    ('monitor', MONITOR + 'cmd_vel_in_topic', 'cmd_vel_nav', 'monitor_chain', 'warning'),
    ('monitor', SMOOTHER + 'max_decel', [1.0, 0.0, 2.0], 'smoother_limits', 'error'),
    ('monitor', SMOOTHER + 'max_accel', [1.0, 2.0], 'smoother_limits', 'error'),
    ('monitor', SMOOTHER + 'deadband_velocity', [0.5, 0.0, 0.0], 'smoother_limits', 'error'),
    ('monitor', SMOOTHER + 'max_velocity', [0.5, 0, 1.0], 'lists', 'error'),
    ('monitor', SMOOTHER + 'velocity_timeout', 0.0, 'smoother_timing', 'error'),
    ('monitor', SMOOTHER + 'feedback', 'OPEN', 'smoother_timing', 'error'),
    ('monitor', SMOOTHER + 'enable_stamped_cmd_vel', True, 'stamped_cmd_vel', 'error'),
    # lifecycle and clock
    ('lifecycle', MANAGER + 'node_names', [CONTROL], 'managed_nodes', 'warning'),
    ('lifecycle', MANAGER + 'autostart', False, 'managed_nodes', 'info'),
    ('lifecycle', MANAGER + 'bond_timeout', 0.0, 'bond', 'warning'),
    ('lifecycle', NODE + 'bond_heartbeat_period', 0.0, 'bond', 'error'),
    ('lifecycle', NODE + 'bond_heartbeat_period', 2.0, 'bond', 'error'),
    ('lifecycle', NODE + 'autostart', True, 'bond', 'error'),
    ('lifecycle', NODE + 'use_sim_time', False, 'clock', 'error'),
    ('lifecycle', NODE + 'use_sim_time', MISSING, 'clock', 'warning'),
    ('lifecycle', MANAGER + 'node_names', '$(var nodes)', 'substitutions', 'not checked'),
    (
        'lifecycle',
        MANAGER + 'node_names',
        [SEG, CONTROL, 'controler_server'],
        'managed_nodes',
        'error',
    ),
    ('lifecycle', MANAGER + 'node_names', [SEG, CONTROL, 'amcl'], 'managed_nodes', 'info'),
    ('lifecycle', MANAGER + 'node_names', [SEG, CONTROL, SEG], 'managed_nodes', 'error'),
    (
        'lifecycle',
        MANAGER + 'node_names',
        [SEG, CONTROL, 'local_costmap'],
        'managed_nodes',
        'error',
    ),
    ('lifecycle', NODE + 'qos_overrides', qos('label_info', 'durability'), 'qos', 'error'),
    ('lifecycle', NODE + 'qos_overrides', qos('label_info', 'reliability'), 'qos', 'error'),
    ('lifecycle', NODE + 'qos_overrides', qos('mask', 'reliability'), None, None),
    # the file itself
    ('lifecycle', 'segmentation_node.threads', 2, 'structure', 'error'),
    ('lifecycle', NODE + 'zones', HUGE, 'lists', 'error'),
    ('lifecycle', NODE + 'zones', [{'a': 1}], 'lists', 'error'),
    ('lifecycle', NODE + 'zones', [[1.0, 2]], 'lists', 'error'),
    ('local', LOCAL + 'footprint', HUGE, 'lists', 'error'),
    ('local', CAMERA + 'topic', '$(var cloud)', 'substitutions', 'not checked'),
    ('local', LOCAL + 'robot_radius', '$(var radius)', 'substitutions', 'not checked'),
]


def sound(name: str) -> dict[str, Any]:
    return yaml.safe_load(SOUND[name])


def planted(name: str, place: str, value: object) -> dict[str, Any]:
    parameters = sound(name)
    plant(parameters, place, value)
    return parameters


def plant(parameters: dict[str, Any], place: str, value: object) -> None:
    """Write a value at a place of a file, or delete what stands there."""
    block = parameters
    *outer, last = place.split('.')
    for part in outer:
        block = block[part]
    if value is MISSING:
        del block[last]
    else:
        block[last] = deepcopy(value)


@pytest.mark.parametrize('name', SOUND)
def test_sound_file_yields_nothing(name):
    assert check_nav2(sound(name)) == []


@pytest.mark.parametrize(
    ('name', 'place', 'value', 'check', 'severity'),
    [
        pytest.param(*trap, id=f'{trap[1].rpartition("ros__parameters.")[2]}={trap[2]!s:.20}')
        for trap in TRAPS
    ],
)
def test_planted_trap_is_named_once(name, place, value, check, severity):
    found = check_nav2(planted(name, place, value))
    expected = [] if check is None else [(check, severity)]
    assert [(item.check, item.severity.value) for item in found] == expected, found


def test_every_check_has_a_planted_trap():
    # Planted by hand below, since it changes the shape of the file.
    elsewhere = {'costmap_name'}
    assert {trap[3] for trap in TRAPS} | elsewhere >= CHECKS.keys()


@pytest.mark.parametrize(
    ('path', 'found'),
    [
        (('local_costmap',), True),
        (('robot1', 'local_costmap'), True),
        (('local_costmap', 'local_costmap'), False),
        (('robot1', 'local_costmap', 'local_costmap'), False),
        (('/robot1/local_costmap/local_costmap',), False),
        (('/**/local_costmap',), False),
        (('**', 'local_costmap'), False),
    ],
)
def test_costmap_name_must_stand_twice(path, found):
    inner = sound('local')['local_costmap']['local_costmap']
    for part in reversed(path):
        inner = {part: inner}
    assert [item.check for item in check_nav2(inner)] == ['costmap_name'] * found


class TestWhere:
    def test_place_reads_like_the_file(self):
        (finding,) = check_nav2(planted('local', CAMERA + 'clearing', False))
        assert finding.where == 'local_costmap/local_costmap: voxels.camera.clearing'
        assert 'clearing: true' in finding.cure

    def test_namespace_is_part_of_the_place(self):
        parameters = {'robot7': planted('local', CAMERA + 'clearing', False)}
        (finding,) = check_nav2(parameters)
        assert finding.where.startswith('robot7/local_costmap/local_costmap: ')

    def test_dotted_names_are_the_same_as_nested_ones(self):
        parameters = planted('local', CAMERA + 'clearing', MISSING)
        block = parameters['local_costmap']['local_costmap']['ros__parameters']
        assert len(check_nav2(parameters)) == 1
        block['voxels.camera.clearing'] = True
        assert check_nav2(parameters) == []


class TestWildcards:
    def test_wildcard_fills_what_a_node_leaves_out(self):
        parameters = planted('local', LOCAL + 'robot_radius', MISSING)
        parameters['/**'] = {'ros__parameters': {'robot_radius': 0.2}}
        assert check_nav2(parameters) == []

    def test_wildcard_alone_is_checked_by_its_contents(self):
        block = planted('local', CAMERA + 'clearing', False)['local_costmap']['local_costmap']
        (finding,) = check_nav2({'/**': block})
        assert (finding.check, finding.where) == ('clearing', '**: voxels.camera.clearing')

    def test_stamped_for_all_through_a_wildcard_is_consistent(self):
        parameters = sound('monitor')
        parameters['/**'] = {'ros__parameters': {'enable_stamped_cmd_vel': True}}
        assert check_nav2(parameters) == []

    def test_one_star_stands_for_one_name(self):
        parameters = {'robot1': sound('monitor')}
        parameters['/*/velocity_smoother'] = {'ros__parameters': {'velocity_timeout': 0.0}}
        assert [item.check for item in check_nav2(parameters)] == ['smoother_timing']


class TestReleases:
    def test_relative_topic_is_sound_from_kilted_on(self):
        parameters = planted('local', CAMERA + 'topic', 'camera/points')
        assert check_nav2(parameters, Release.KILTED) == []
        assert check_nav2(parameters, Release.JAZZY)

    @pytest.mark.parametrize(
        ('release', 'value', 'severity'),
        [
            (Release.HUMBLE, True, Severity.WARNING),
            (Release.JAZZY, False, None),
            (Release.KILTED, False, Severity.ERROR),
            (Release.KILTED, True, None),
        ],
    )
    def test_default_of_stamped_velocities(self, release, value, severity):
        parameters = planted('monitor', SMOOTHER + 'enable_stamped_cmd_vel', value)
        found = [item.severity for item in check_nav2(parameters, release)]
        assert found == ([] if severity is None else [severity])

    def test_costmap_source_exists_since_lyrical(self):
        parameters = planted('monitor', MONITOR + 'cloud.type', 'costmap')
        cloud = parameters['collision_monitor']['ros__parameters']['cloud']
        cloud |= {'topic': '/local_costmap/costmap'}
        del cloud['min_height'], cloud['max_height']
        assert check_nav2(parameters, Release.LYRICAL) == []
        assert [item.check for item in check_nav2(parameters)] == ['monitor_sources']


@pytest.mark.parametrize(
    'change',
    [
        lambda block: block['voxels'].update(enabled=False),
        lambda block: block['voxels'].update(enabled='$(var enable)'),
    ],
)
def test_switched_off_layer_is_left_alone(change: Callable[[dict[str, Any]], None]):
    parameters = planted('local', CAMERA + 'data_type', MISSING)
    change(parameters['local_costmap']['local_costmap']['ros__parameters'])
    checks = {item.check for item in check_nav2(parameters)}
    assert checks <= {'substitutions', 'data_type'}
    assert ('data_type' in checks) == ('substitutions' in checks)


def test_clearing_by_another_source_is_only_worth_knowing():
    parameters = planted('local', CAMERA + 'clearing', False)
    layer = parameters['local_costmap']['local_costmap']['ros__parameters']['voxels']
    layer['observation_sources'] = 'camera lidar'
    layer['lidar'] = {'topic': '/scan', 'max_obstacle_height': 1.0, 'clearing': True}
    (finding,) = check_nav2(parameters)
    assert (finding.check, finding.severity) == ('clearing', Severity.INFO)


def test_errors_come_first():
    parameters = planted('local', CAMERA + 'clearing', False)
    block = parameters['local_costmap']['local_costmap']['ros__parameters']
    block['publish_frequency'] = 0.0
    block['resolution'] = '$(var resolution)'
    severities = [item.severity.value for item in check_nav2(parameters)]
    assert severities == ['error', 'warning', 'not checked']


HERE = Path(__file__).parent
OWN_FILES = sorted((HERE.parents[1] / 'config').glob('nav2_*.yaml'))


def test_shipped_files_are_all_there():
    assert [path.stem for path in OWN_FILES] == [
        'nav2_collision_monitor',
        'nav2_perception_lifecycle',
        'nav2_semantic_layer',
        'nav2_static_layer',
        'nav2_voxel_layer',
    ]


@pytest.mark.parametrize('path', OWN_FILES, ids=lambda path: path.stem)
@pytest.mark.parametrize('release', [Release.JAZZY, Release.KILTED, Release.LYRICAL])
def test_shipped_file_yields_nothing(path, release):
    parameters = yaml.safe_load(path.read_text())
    if release is not Release.JAZZY and 'collision_monitor' in parameters:
        # All nodes of the file say it, so no release's default matters.
        assert (
            parameters['collision_monitor']['ros__parameters']['enable_stamped_cmd_vel'] is False
        )
    assert check_nav2(parameters, release) == []


BLOCK = {
    'nav2_collision_monitor': 'collision_monitor.ros__parameters.',
    'nav2_perception_lifecycle': '',
}
SEMANTIC, FLOOR = 'voxel_layer.semantic.', 'voxel_layer.floor.'
LAYER_SOURCE = 'semantic_layer.camera.'
PERCEPTION = 'lifecycle_manager_perception.ros__parameters.'

# shipped file, parameter, what somebody makes of it, the check that must speak
SPOILED = [
    ('nav2_voxel_layer', SEMANTIC + 'topic', 'semantic_map_node/obstacles', 'topics'),
    ('nav2_voxel_layer', SEMANTIC + 'topic', '/scan', 'data_type'),
    ('nav2_voxel_layer', SEMANTIC + 'data_type', MISSING, 'data_type'),
    ('nav2_voxel_layer', SEMANTIC + 'max_obstacle_height', MISSING, 'heights'),
    ('nav2_voxel_layer', SEMANTIC + 'max_obstacle_height', 0.0, 'heights'),
    ('nav2_voxel_layer', FLOOR + 'max_obstacle_height', MISSING, 'heights'),
    ('nav2_voxel_layer', FLOOR + 'clearing', False, 'sources'),
    ('nav2_voxel_layer', SEMANTIC + 'clearing', MISSING, 'clearing'),
    ('nav2_voxel_layer', 'voxel_layer.observation_sources', 'semantic', 'clearing'),
    ('nav2_voxel_layer', 'voxel_layer.observation_sources', 'semantic', 'sources'),
    ('nav2_voxel_layer', SEMANTIC + 'sensor_frame', 'base_link', 'sensor_frame'),
    ('nav2_voxel_layer', 'global_frame', '/odom', 'frames'),
    ('nav2_voxel_layer', 'transform_tolerance', 0.0, 'tolerance'),
    ('nav2_static_layer', 'trinary_costmap', MISSING, 'graded_costs'),
    ('nav2_static_layer', 'trinary_costmap', True, 'graded_costs'),
    ('nav2_static_layer', 'track_unknown_space', MISSING, 'graded_costs'),
    ('nav2_static_layer', 'rolling_window', False, 'static_geometry'),
    ('nav2_static_layer', 'semantic_layer.map_topic', '/semantic_map_node/floor', 'static_map'),
    ('nav2_static_layer', 'semantic_layer.map_subscribe_transient_local', False, 'static_map'),
    ('nav2_static_layer', 'semantic_layer.trinary_costmap', False, 'placement'),
    ('nav2_semantic_layer', LAYER_SOURCE + 'pointcloud_topic', MISSING, 'semantic_topics'),
    ('nav2_semantic_layer', LAYER_SOURCE + 'danger.max_cost', 255, 'semantic_costs'),
    ('nav2_semantic_layer', LAYER_SOURCE + 'class_types', ['slow'], 'semantic_classes'),
    ('nav2_semantic_layer', 'plugins', ['inflation_layer', 'semantic_layer'], 'layer_order'),
    ('nav2_collision_monitor', 'semantic.type', MISSING, 'monitor_sources'),
    ('nav2_collision_monitor', 'source_timeout', 0.0, 'monitor_timeout'),
    ('nav2_collision_monitor', 'cmd_vel_out_topic', 'cmd_vel_smoothed', 'monitor_chain'),
    ('nav2_collision_monitor', 'enable_stamped_cmd_vel', True, 'stamped_cmd_vel'),
    ('nav2_perception_lifecycle', PERCEPTION + 'bond_timeout', 0.0, 'bond'),
    ('nav2_perception_lifecycle', PERCEPTION + 'autostart', MISSING, 'managed_nodes'),
    ('nav2_perception_lifecycle', PERCEPTION + 'node_names', [SEG], 'managed_nodes'),
    ('nav2_perception_lifecycle', NODE + 'autostart', True, 'bond'),
    ('nav2_perception_lifecycle', NODE + 'bond_heartbeat_period', 0.0, 'bond'),
    (
        'nav2_perception_lifecycle',
        NODE + 'qos_overrides',
        qos('label_info', 'durability'),
        'qos',
    ),
]


@pytest.mark.parametrize(
    ('stem', 'place', 'value', 'check'),
    [pytest.param(*case, id=f'{case[0]}.{case[1]}={case[2]!s:.20}-{case[3]}') for case in SPOILED],
)
def test_fault_in_a_shipped_file_is_named(stem, place, value, check):
    parameters = yaml.safe_load((HERE.parents[1] / 'config' / f'{stem}.yaml').read_text())
    plant(parameters, BLOCK.get(stem, LOCAL) + place, value)
    assert check in [item.check for item in check_nav2(parameters)]


def test_every_shipped_file_is_spoiled_by_a_test():
    assert {case[0] for case in SPOILED} == {path.stem for path in OWN_FILES}


@pytest.mark.parametrize(
    ('rolling', 'map_frame', 'global_frame', 'found'),
    [
        (True, 'odom', 'odom', 'rolling_window'),
        (False, 'odom', 'odom', None),
        (False, 'map', 'map', None),
        (False, 'odom', 'map', 'global_frame'),
    ],
)
def test_fixed_costmap_needs_a_map_that_stands_still_in_its_frame(
    rolling, map_frame, global_frame, found
):
    parameters = planted('map', LOCAL + 'rolling_window', False)
    plant(parameters, LOCAL + 'global_frame', global_frame)
    own = {'rolling': rolling, 'map_frame': map_frame}
    parameters['semantic_map_node'] = {'ros__parameters': own}
    spoken = [i.where for i in check_nav2(parameters) if i.check == 'static_geometry']
    assert [where.rpartition(' ')[2] for where in spoken] == ([found] if found else [])


def test_complete_healthy_stack_yields_no_false_alarm():
    parameters = yaml.safe_load((HERE / 'healthy.yaml').read_text())
    # 1e-1 is text to PyYAML; the reader of the package knows better, see test_document.
    found = check_nav2(parameters)
    assert [item.severity for item in found] == [Severity.NOT_CHECKED]
    assert found[0].where == 'global_costmap/global_costmap: obstacle_layer.scan.topic'
