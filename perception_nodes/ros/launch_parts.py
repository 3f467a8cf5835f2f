"""From a launch plan or group to a launch description: all that the launch files share."""

from __future__ import annotations

from typing import Any

import yaml
from launch import LaunchContext, LaunchDescription
from launch.actions import (
    DeclareLaunchArgument,
    IncludeLaunchDescription,
    LogInfo,
    OpaqueFunction,
)
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import LifecycleNode, Node
from launch_ros.parameter_descriptions import ParameterValue

from perception_nodes.inference.resources import ament_share_folder, resource_path
from perception_nodes.ros.launch_arguments import LaunchArgument
from perception_nodes.ros.launch_companions import (
    Foreign,
    ForeignLaunch,
    ForeignNode,
    check_installed,
)
from perception_nodes.ros.launch_types import (
    PACKAGE,
    TRANSFORMS,
    LaunchGroup,
    LaunchPlan,
    StartedNode,
)
from perception_nodes.ros.transport import transport_environment, transport_notes

_RESPAWN_DELAY_S = 2.0


def launch_description(plan: LaunchPlan | LaunchGroup) -> LaunchDescription:
    """Return the description of nodes and companions with their arguments and environment."""
    declared = [_declare(argument) for argument in plan.all_arguments]
    return LaunchDescription([*declared, OpaqueFunction(function=_actions, args=[plan])])


def _declare(argument: LaunchArgument) -> DeclareLaunchArgument:
    return DeclareLaunchArgument(
        argument.name,
        default_value=argument.default,
        description=argument.description,
        choices=list(argument.choices) or None,
    )


def _actions(context: LaunchContext, plan: LaunchPlan | LaunchGroup) -> list[Any]:
    """Return the nodes, with notes for the log, once the arguments are known."""
    values = {
        argument.name: LaunchConfiguration(argument.name).perform(context)
        for argument in plan.all_arguments
    }
    environment = context.environment
    foreign = plan.beside(values)
    check_installed(foreign, environment.get('ROS_DISTRO', ''))
    beside = [_foreign(item, values, environment) for item in foreign]
    nodes = [_node(item, environment) for item in plan.started(values)]
    notes: list[Any] = [LogInfo(msg=note) for note in transport_notes(environment)]
    return [*notes, *beside, *nodes]


def _node(started: StartedNode, environment: Any) -> LifecycleNode:
    plan, values = started.plan, started.values
    parameter_file = values['params_file'] or str(resource_path(plan.parameter_file))
    return LifecycleNode(
        package=PACKAGE,
        executable=plan.executable,
        name=plan.executable,
        namespace=values['namespace'],
        parameters=[parameter_file, _parameters(plan, values)],
        remappings=started.remappings,
        ros_arguments=['--log-level', values['log_level']],
        additional_env=transport_environment(environment),
        respawn=values['use_respawn'] == 'true',
        respawn_delay=_RESPAWN_DELAY_S,
        output='screen',
    )


def _foreign(item: Foreign, values: dict[str, str], environment: Any) -> Any:
    """Return what starts a program of another package."""
    if isinstance(item, ForeignLaunch):
        path = f'{ament_share_folder(item.package)}/launch/{item.file}'
        return IncludeLaunchDescription(
            PythonLaunchDescriptionSource(path), launch_arguments=item.arguments.items()
        )
    return _foreign_node(item, values['namespace'], environment)


def _foreign_node(item: ForeignNode, namespace: str, environment: Any) -> Node:
    """Return a node in the namespace; text stays text, whatever YAML would make of it."""
    parameters = {
        name: ParameterValue(value, value_type=str) if isinstance(value, str) else value
        for name, value in item.parameters.items()
    }
    return Node(
        package=item.package,
        executable=item.executable,
        namespace=namespace,
        arguments=list(item.arguments),
        parameters=[parameters],
        remappings=[*TRANSFORMS, *item.remappings],
        additional_env=transport_environment(environment),
        output='screen',
    )


def _parameters(plan: LaunchPlan, values: dict[str, str]) -> dict[str, Any]:
    """
    Return what wins over the parameter file.

    The node starts itself: a transition that launch asks for is lost when a killed process is
    started again, because for 20 s its service still seems to be there.
    """
    parameters: dict[str, Any] = {
        'autostart': values['autostart'] == 'true',
        'use_sim_time': values['use_sim_time'] == 'true',
    }
    for argument in plan.arguments:
        if argument.parameter and values[argument.name]:
            parameters[argument.parameter] = yaml.safe_load(values[argument.name])
    return parameters
