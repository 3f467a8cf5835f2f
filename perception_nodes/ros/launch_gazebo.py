"""Gazebo Sim with a course, its bridge and the robot's transforms, for the launch files."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from perception_nodes.inference.cache import cache_folder
from perception_nodes.ros.launch_arguments import SWITCH, LaunchArgument
from perception_nodes.ros.launch_companions import Companion, Foreign, ForeignLaunch, ForeignNode

if TYPE_CHECKING:
    from perception_nodes.simulation.gazebo import GazeboExport

BASE_COMMANDS = 'base/cmd_vel'
"""
Topic that the base in Gazebo hears.

Gazebo's drives keep the last command for ever, so that cmd_vel_timeout_node stands before them.
"""
RELEASES = ('fortress', 'harmonic')


def gazebo_arguments(world: Path, *, headless: bool) -> str:
    """
    Return the command line of Gazebo, which a shell reads: run at once, with or without a window.

    :param headless: no window; pictures are rendered through EGL, which needs no display.
    """
    without_window = ('-s', '--headless-rendering') if headless else ()
    return shlex.join(['-r', *without_window, str(world)])


def _exported(values: Mapping[str, str]) -> GazeboExport:
    """
    Return the given export, or write one to the cache.

    The simulator is imported here: other launch files work without it.
    """
    from perception_nodes.simulation.gazebo import (
        GazeboExport,
        GazeboRelease,
        export_course,
        standing_scene,
    )

    if values['export']:
        return GazeboExport.read(Path(values['export']).expanduser())
    release = (
        GazeboRelease(values['release'])
        if values['release']
        else GazeboRelease.of_ros(os.environ.get('ROS_DISTRO', ''))
    )
    namespace = values['namespace'].strip('/')
    name = '_'.join(filter(None, (Path(values['course']).stem, release.value, namespace)))
    folder = cache_folder('gazebo') / name.replace('/', '_')
    scene = standing_scene(values['course'], seed=int(values['seed']))
    return export_course(scene, release, folder, namespace=namespace)


def _started(values: Mapping[str, str]) -> Sequence[Foreign]:
    """Return Gazebo, the one bridge, and who publishes the transforms of the robot's links."""
    files = _exported(values)
    line = gazebo_arguments(files.world, headless=values['headless'] == 'true')
    return (
        ForeignLaunch(
            package='ros_gz_sim',
            file='gz_sim.launch.py',
            arguments={'gz_args': line, 'on_exit_shutdown': 'true'},
        ),
        ForeignNode(
            package='ros_gz_bridge',
            executable='parameter_bridge',
            parameters={'config_file': str(files.bridge)},
            remappings=(('cmd_vel', values['cmd_vel_out']),),
        ),
        ForeignNode(
            package='robot_state_publisher',
            executable='robot_state_publisher',
            parameters={'robot_description': files.urdf.read_text(), 'use_sim_time': True},
        ),
    )


GAZEBO_SIM = Companion(
    arguments=(
        LaunchArgument(
            name='course',
            description='Name of a shipped course, or a course file',
            default='figure_eight',
        ),
        LaunchArgument(
            name='export',
            description='Folder that perception gazebo export wrote, in place of course',
        ),
        LaunchArgument(
            name='release',
            description='Release of Gazebo; empty takes the one of $ROS_DISTRO',
            choices=('', *RELEASES),
        ),
        LaunchArgument(name='headless', description='No window', default='false', choices=SWITCH),
        LaunchArgument(
            name='seed', description='Seed of the things beside the course', default='0'
        ),
    ),
    started=_started,
    publishes_clock=True,
)
