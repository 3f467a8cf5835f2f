"""From a :class:`LaunchPlan` to a launch description: all that the launch files share."""

from __future__ import annotations

from typing import Any

import yaml
from launch import LaunchContext, LaunchDescription
from launch.actions import (
    DeclareLaunchArgument,
    EmitEvent,
    LogInfo,
    OpaqueFunction,
    RegisterEventHandler,
)
from launch.event_handlers import OnProcessStart
from launch.events import matches_action
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import LifecycleNode
from launch_ros.event_handlers import OnStateTransition
from launch_ros.events.lifecycle import ChangeState
from lifecycle_msgs.msg import Transition

from perception_nodes.inference.resources import resource_path
from perception_nodes.ros.launch_plan import PACKAGE, LaunchArgument, LaunchPlan
from perception_nodes.ros.transport import transport_environment, transport_notes

_RESPAWN_DELAY_S = 2.0


def launch_description(plan: LaunchPlan) -> LaunchDescription:
    """Return the description of one lifecycle node with its arguments and environment."""
    declared = [_declare(argument) for argument in plan.all_arguments]
    return LaunchDescription([*declared, OpaqueFunction(function=_actions, args=[plan])])


def _declare(argument: LaunchArgument) -> DeclareLaunchArgument:
    return DeclareLaunchArgument(
        argument.name,
        default_value=argument.default,
        description=argument.description,
        choices=list(argument.choices) or None,
    )


def _actions(context: LaunchContext, plan: LaunchPlan) -> list[Any]:
    """Return the node, and what drives its lifecycle, once the arguments are known."""
    values = {
        argument.name: LaunchConfiguration(argument.name).perform(context)
        for argument in plan.all_arguments
    }
    node = _node(plan, values, context.environment)
    notes: list[Any] = [LogInfo(msg=note) for note in transport_notes(context.environment)]
    lifecycle = _autostart(node) if values['autostart'] == 'true' else []
    return [*notes, *lifecycle, node]


def _node(plan: LaunchPlan, values: dict[str, str], environment: Any) -> LifecycleNode:
    parameter_file = values['params_file'] or str(resource_path(plan.parameter_file))
    remappings = [
        (argument.remaps, values[argument.name])
        for argument in plan.arguments
        if argument.remaps and values[argument.name]
    ]
    return LifecycleNode(
        package=PACKAGE,
        executable=plan.executable,
        name=plan.executable,
        namespace=values['namespace'],
        parameters=[parameter_file, _parameters(plan, values)],
        remappings=remappings,
        ros_arguments=['--log-level', values['log_level']],
        additional_env=transport_environment(environment),
        respawn=values['use_respawn'] == 'true',
        respawn_delay=_RESPAWN_DELAY_S,
        output='screen',
    )


def _parameters(plan: LaunchPlan, values: dict[str, str]) -> dict[str, Any]:
    """Return what wins over the parameter file; launch drives the lifecycle, never the node."""
    parameters: dict[str, Any] = {
        'autostart': False,
        'use_sim_time': values['use_sim_time'] == 'true',
    }
    for argument in plan.arguments:
        if argument.parameter and values[argument.name]:
            parameters[argument.parameter] = yaml.safe_load(values[argument.name])
    return parameters


def _autostart(node: LifecycleNode) -> list[Any]:
    """Configure on every start of the process, and activate what was configured."""

    def change(transition: int) -> EmitEvent:
        return EmitEvent(
            event=ChangeState(
                lifecycle_node_matcher=matches_action(node), transition_id=transition
            )
        )

    configure = OnProcessStart(
        target_action=node, on_start=[change(Transition.TRANSITION_CONFIGURE)]
    )
    # From configuring alone: a node that somebody deactivates must stay so.
    activate = OnStateTransition(
        target_lifecycle_node=node,
        start_state='configuring',
        goal_state='inactive',
        entities=[change(Transition.TRANSITION_ACTIVATE)],
    )
    return [RegisterEventHandler(configure), RegisterEventHandler(activate)]
