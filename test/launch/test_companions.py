"""What launch files start of other packages, whether or not ``launch`` is installed."""

import re
import shlex
from pathlib import Path

import pytest
import yaml

pytest.importorskip('rclpy')
pytest.importorskip('perception_nodes.simulation.backend')

from perception_nodes.ros.launch_companions import (
    ForeignLaunch,
    ForeignNode,
    check_installed,
)
from perception_nodes.ros.launch_gazebo import RELEASES
from perception_nodes.ros.launch_plan import GAZEBO, PERCEPTION
from perception_nodes.ros.launch_types import LaunchGroup
from perception_nodes.simulation.course import CourseError
from perception_nodes.simulation.gazebo import GazeboRelease, export_course, standing_scene


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv('PERCEPTION_CACHE', str(tmp_path / 'cache'))


def values_of(group: LaunchGroup, **changes: str) -> dict[str, str]:
    defaults = {argument.name: argument.default for argument in group.all_arguments}
    assert changes.keys() <= defaults.keys()
    return {**defaults, **changes}


def gazebo_parts(**changes: str) -> tuple[ForeignLaunch, ForeignNode, ForeignNode]:
    """Return Gazebo, bridge and robot_state_publisher of a launch."""
    return tuple(GAZEBO.beside(values_of(GAZEBO, course='s_curve', **changes)))


def world_of(gazebo: ForeignLaunch) -> Path:
    return Path(shlex.split(gazebo.arguments['gz_args'])[-1])


def test_gazebo_starts_with_its_bridge_and_the_transforms_of_the_robot():
    gazebo, bridge, state = gazebo_parts()
    assert (gazebo.package, gazebo.file) == ('ros_gz_sim', 'gz_sim.launch.py')
    assert world_of(gazebo).name == 's_curve.sdf'
    assert world_of(gazebo).is_file()
    assert bridge.executable == 'parameter_bridge'
    assert Path(bridge.parameters['config_file']).parent == world_of(gazebo).parent
    assert 'camera_optical_frame' in state.parameters['robot_description']
    assert state.parameters['use_sim_time'] is True


def test_one_bridge_makes_the_only_clock():
    rows = yaml.safe_load(Path(gazebo_parts()[1].parameters['config_file']).read_text())
    assert [row['direction'] for row in rows if row['ros_topic_name'] == '/clock'] == ['GZ_TO_ROS']
    started = GAZEBO.started(values_of(GAZEBO, detection='true', path_following='true'))
    assert not any(item.plan.publishes_clock for item in started)
    assert {item.values['use_sim_time'] for item in started} == {'true'}


def test_the_base_hears_the_time_out_alone():
    values = values_of(GAZEBO, course='s_curve', path_following='true')
    _, bridge, _ = GAZEBO.beside(values)
    topics = {item.plan.executable: dict(item.remappings) for item in GAZEBO.started(values)}
    relay = topics['cmd_vel_timeout_node']
    assert dict(bridge.remappings)['cmd_vel'] == relay['cmd_vel_out'] == 'base/cmd_vel'
    assert relay['cmd_vel_in'] == 'cmd_vel'
    assert topics['path_following_node'].get('cmd_vel', 'cmd_vel') == 'cmd_vel'
    assert 'cmd_vel_stamped' not in values, 'the bridge carries Twist'


def test_perception_is_started_on_request_on_the_topics_of_the_bridge():
    names = [item.plan.executable for item in GAZEBO.started(values_of(GAZEBO))]
    assert names == ['cmd_vel_timeout_node']
    started = GAZEBO.started(values_of(GAZEBO, segmentation='true', semantic_map='true'))
    rows = yaml.safe_load(Path(gazebo_parts()[1].parameters['config_file']).read_text())
    published = {row['ros_topic_name'] for row in rows if row['direction'] == 'GZ_TO_ROS'}
    heard = {
        topic
        for item in started
        for name, topic in item.remappings
        if name in ('image', 'camera_info', 'depth', 'odometry')
    }
    assert heard == {'camera/image_raw', 'camera/camera_info', 'camera/depth/image_raw'}
    assert heard <= published


@pytest.mark.parametrize(
    ('chosen', 'distribution', 'library'),
    [
        ('', 'humble', 'ignition.msgs.'),
        ('', 'jazzy', 'gz.msgs.'),
        ('', '', 'gz.msgs.'),
        ('fortress', 'jazzy', 'ignition.msgs.'),
    ],
)
def test_release_follows_the_distribution_unless_chosen(
    chosen: str, distribution: str, library: str, monkeypatch
):
    monkeypatch.setenv('ROS_DISTRO', distribution)
    bridge = gazebo_parts(release=chosen)[1]
    rows = yaml.safe_load(Path(bridge.parameters['config_file']).read_text())
    assert all(row['gz_type_name'].startswith(library) for row in rows)


def test_releases_are_those_that_are_written():
    assert [item.value for item in GazeboRelease] == list(RELEASES)


@pytest.mark.parametrize(
    ('headless', 'options'),
    [('false', ['-r']), ('true', ['-r', '-s', '--headless-rendering'])],
)
def test_gazebo_runs_at_once_with_or_without_a_window(headless: str, options: list[str]):
    gazebo = gazebo_parts(headless=headless)[0]
    assert shlex.split(gazebo.arguments['gz_args'])[:-1] == options


def test_a_given_export_is_taken_as_it_is(tmp_path):
    folder = tmp_path / 'with space'
    made = export_course(standing_scene('straight', things=0), GazeboRelease.FORTRESS, folder)
    gazebo, bridge, _ = gazebo_parts(export=str(folder), release='harmonic')
    assert world_of(gazebo) == made.world
    assert bridge.parameters['config_file'] == str(made.bridge)


def test_a_folder_that_is_no_export_is_refused(tmp_path):
    with pytest.raises(ValueError, match='is not what perception gazebo export writes'):
        gazebo_parts(export=str(tmp_path))


def test_an_unknown_course_is_refused_with_those_that_there_are():
    with pytest.raises(CourseError, match='figure_eight'):
        GAZEBO.beside(values_of(GAZEBO, course='nowhere'))


def test_namespace_goes_before_the_topics_of_gazebo():
    bridge = gazebo_parts(namespace='/robot1')[1]
    rows = yaml.safe_load(Path(bridge.parameters['config_file']).read_text())
    assert {row['gz_topic_name'].split('/')[0] for row in rows} == {'clock', 'robot1'}
    assert not any(row['ros_topic_name'].startswith('robot1') for row in rows)


def test_missing_packages_are_named_with_their_cure():
    with pytest.raises(RuntimeError) as raised:
        check_installed(gazebo_parts(), 'jazzy')
    text = str(raised.value)
    assert text.startswith('ros_gz_sim, ros_gz_bridge, robot_state_publisher: not installed')
    assert text.endswith('sudo apt install ros-jazzy-ros-gz ros-jazzy-robot-state-publisher')


def test_nothing_is_missing_where_nothing_is_started():
    check_installed([], '')


def test_gazebo_is_no_dependency_of_the_package(project_root: Path):
    depends = re.findall(r'depend>([^<]+)<', (project_root / 'package.xml').read_text())
    assert 'launch_ros' in depends
    assert not [name for name in depends if 'gz' in name or name == 'rviz2']


@pytest.mark.parametrize(('simulation', 'simulated'), [('true', True), ('false', False)])
def test_rviz_shows_the_shipped_view_on_the_time_of_the_nodes(simulation: str, simulated: bool):
    assert PERCEPTION.beside(values_of(PERCEPTION)) == []
    (rviz,) = PERCEPTION.beside(values_of(PERCEPTION, rviz='true', simulation=simulation))
    assert (rviz.package, rviz.arguments[0]) == ('rviz2', '-d')
    assert Path(rviz.arguments[1]).name == 'perception.rviz'
    assert Path(rviz.arguments[1]).is_file()
    assert rviz.parameters == {'use_sim_time': simulated}


def test_rviz_beside_gazebo_takes_its_time():
    *_, rviz = GAZEBO.beside(values_of(GAZEBO, course='s_curve', rviz='true'))
    assert rviz.executable == 'rviz2'
    assert rviz.parameters == {'use_sim_time': True}
