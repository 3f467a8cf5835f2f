"""Arguments of launch files, and those that every launch file takes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class LaunchArgument:
    """
    One argument of a launch file.

    :param name: as in ``name:=value``.
    :param description: shown by ``ros2 launch --show-args``.
    :param default: text; empty leaves the parameter file's value, or the topic, as it is.
    :param choices: closed set of values.
    :param parameter: the node parameter that it sets, or empty.
    :param remaps: the topic that it remaps, or empty.
    """

    name: str
    description: str
    default: str = ''
    choices: tuple[str, ...] = ()
    parameter: str = ''
    remaps: str = ''


SWITCH = ('true', 'false')

COMMON_ARGUMENTS = (
    LaunchArgument(
        name='params_file', description='Parameter file; empty takes the one of the package'
    ),
    LaunchArgument(name='namespace', description='Namespace of the node'),
    LaunchArgument(
        name='use_sim_time',
        description='Take the time from /clock',
        default='false',
        choices=SWITCH,
    ),
    LaunchArgument(
        name='autostart',
        description='Configure and activate the node; false leaves it to a lifecycle manager',
        default='true',
        choices=SWITCH,
    ),
    LaunchArgument(
        name='log_level',
        description='Lowest severity that is logged',
        default='info',
        choices=('debug', 'info', 'warn', 'error', 'fatal'),
    ),
    LaunchArgument(
        name='use_respawn',
        description='Start the node again when it dies',
        default='false',
        choices=SWITCH,
    ),
)
