"""Launch files agree with the package, whether or not ``launch`` is installed."""

import ast
import configparser
import importlib
from pathlib import Path

import pytest
import yaml

pytest.importorskip('rclpy')

from perception_nodes.ros.launch_plan import GROUPS, PLANS, LaunchGroup, LaunchPlan
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
    makers = {plan.executable for plan in group.members}
    assert group.joined.keys() <= arguments.keys()
    for name, topic in group.joined.items():
        assert arguments[name].default == topic
        assert arguments[name].remaps
        assert topic.partition('/')[0] in makers, 'relative, so that a namespace moves it'


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
