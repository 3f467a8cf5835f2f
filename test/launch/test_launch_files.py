"""Launch files agree with the package, whether or not ``launch`` is installed."""

import ast
import configparser
import importlib
import re
from pathlib import Path

import pytest
import yaml

pytest.importorskip('rclpy')

from perception_nodes.ros.launch_plan import GROUPS, PERCEPTION, PLANS
from perception_nodes.ros.launch_types import LaunchGroup, LaunchPlan
from perception_nodes.ros.lifecycle_node import PerceptionNode
from perception_nodes.structures import settings_of

LAUNCHED = {
    **{name.removesuffix('_node'): plan for name, plan in PLANS.items()},
    **GROUPS,
}
plans = pytest.mark.parametrize('plan', PLANS.values(), ids=list(PLANS))
launched = pytest.mark.parametrize(('stem', 'plan'), LAUNCHED.items(), ids=list(LAUNCHED))
LAUNCH_FOLDER = Path(__file__).resolve().parents[2] / 'launch'


def launch_file(stem: str) -> Path:
    return LAUNCH_FOLDER / f'{stem}.launch.py'


def node_class(plan: LaunchPlan) -> type[PerceptionNode]:
    """Return the class that the executable runs."""
    module = importlib.import_module(f'perception_nodes.ros.{plan.executable}')
    words = plan.executable.removesuffix('_node').split('_')
    stem = ''.join(word.capitalize() for word in words)
    return getattr(module, f'{stem}Node')


def defaults_file(plan: LaunchPlan) -> dict:
    text = (LAUNCH_FOLDER.parent / plan.parameter_file).read_text()
    return yaml.safe_load(text)['/**']['ros__parameters']


@plans
def test_executable_is_installed_under_its_name(plan: LaunchPlan, project_root: Path):
    parser = configparser.ConfigParser()
    parser.read(project_root / 'setup.cfg')
    scripts = parser['options.entry_points']['console_scripts']
    assert f'{plan.executable} = perception_nodes.ros.{plan.executable}:main' in scripts


@launched
def test_launch_file_describes_its_own_nodes_and_nothing_else(
    stem: str, plan: LaunchPlan | LaunchGroup
):
    tree = ast.parse(launch_file(stem).read_text())
    functions = [item for item in tree.body if isinstance(item, ast.FunctionDef)]
    assert [function.name for function in functions] == ['generate_launch_description']
    imported = [
        alias.name
        for item in tree.body
        if isinstance(item, ast.ImportFrom) and item.module.endswith('launch_plan')
        for alias in item.names
    ]
    module = importlib.import_module('perception_nodes.ros.launch_plan')
    assert [getattr(module, name) for name in imported] == [plan]
    returned = functions[0].body[-1].value
    assert returned.func.id == 'launch_description'
    assert returned.args[0].id == imported[0]


def test_every_launch_file_has_a_plan():
    assert {path.name for path in LAUNCH_FOLDER.glob('*.py')} == {
        launch_file(stem).name for stem in LAUNCHED
    }


@plans
def test_arguments_set_parameters_that_the_node_has(plan: LaunchPlan):
    known = settings_of(node_class(plan).configuration_type)
    for argument in plan.arguments:
        assert argument.description
        assert argument.default in argument.choices or not argument.choices
        if argument.parameter:
            assert argument.parameter in known, argument.name


@launched
def test_common_arguments_are_offered_once(stem: str, plan: LaunchPlan | LaunchGroup):
    names = [argument.name for argument in plan.all_arguments]
    assert len(names) == len(set(names))
    assert {
        'params_file',
        'namespace',
        'use_sim_time',
        'autostart',
        'log_level',
        'use_respawn',
    } <= set(names)


@pytest.mark.parametrize('group', GROUPS.values(), ids=list(GROUPS))
def test_members_of_a_group_are_joined_below_the_namespace(group: LaunchGroup):
    arguments = {argument.name: argument for argument in group.all_arguments}
    makers = {plan.executable for plan in group.members} | {'camera', 'odom', 'cmd_vel', 'base'}
    assert group.joined.keys() <= arguments.keys()
    for name, topic in group.joined.items():
        assert arguments[name].default == topic
        assert arguments[name].remaps
        assert topic.partition('/')[0] in makers, 'relative, so that a namespace moves it'


def values_of(group: LaunchGroup, **changes: str) -> dict[str, str]:
    defaults = {argument.name: argument.default for argument in group.all_arguments}
    assert changes.keys() <= defaults.keys()
    return {**defaults, **changes}


def test_perception_starts_what_is_switched_on():
    names = [item.plan.executable for item in PERCEPTION.started(values_of(PERCEPTION))]
    assert names == ['detection_node', 'segmentation_node', 'semantic_map_node']
    values = values_of(PERCEPTION, camera='true', path_following='true', detection='false')
    names = [item.plan.executable for item in PERCEPTION.started(values)]
    assert names == [
        'camera_node', 'segmentation_node', 'semantic_map_node', 'path_following_node',
    ]  # fmt: skip


def test_each_task_of_perception_has_its_own_model():
    values = values_of(PERCEPTION, detection_model='torchvision://a', segmentation_model='b')
    models = {
        item.plan.executable: item.values.get('model') for item in PERCEPTION.started(values)
    }
    assert models['detection_node'] == 'torchvision://a'
    assert models['segmentation_node'] == 'b'


def test_a_simulation_gives_the_others_its_time():
    clocks = {
        item.plan.executable: item.values['use_sim_time']
        for item in PERCEPTION.started(values_of(PERCEPTION, simulation='true'))
    }
    assert clocks.pop('simulation_node') == 'false'
    assert set(clocks.values()) == {'true'}


def test_every_topic_that_joins_perception_is_published():
    published: set[str] = set()
    started = PERCEPTION.started(
        values_of(PERCEPTION, simulation='true', camera='true', path_following='true')
    )
    for item in started:
        section = node_class(item.plan).__doc__.partition('Publishes')[2].partition('Services')[0]
        own = re.findall(r'- ``([\w/~]+)``', section)
        named = [name.replace('~', item.plan.executable) for name in own]
        published |= {item.topics.get(name, name) for name in named}
    published |= {f'{name}/label_info' for name in ('segmentation_node', 'detection_node')}
    assert set(PERCEPTION.joined.values()) <= published


def test_transforms_move_into_the_namespace():
    item = PERCEPTION.started(values_of(PERCEPTION, namespace='robot1'))[0]
    assert ('/tf', 'tf') in item.remappings
    assert ('/tf_static', 'tf_static') in item.remappings
    assert ('image', 'camera/image_raw') in item.remappings


@plans
def test_parameter_file_holds_every_parameter_with_its_default(plan: LaunchPlan):
    known = settings_of(node_class(plan).configuration_type)
    written = defaults_file(plan)
    assert set(written) == set(known) - {'autostart'}
    for name, value in written.items():
        default = known[name][0]
        expected = list(default) if isinstance(default, tuple) else default
        assert value == expected, name
        assert type(value) is type(expected), name
