"""Programs of other packages that launch files start beside the nodes of the suite."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from perception_nodes.inference.resources import ament_share_folder, resource_path
from perception_nodes.ros.launch_arguments import SWITCH, LaunchArgument

_DEBIAN_NAMES = {'ros_gz_sim': 'ros-gz', 'ros_gz_bridge': 'ros-gz'}


@dataclass(frozen=True, kw_only=True)
class ForeignNode:
    """
    A node of another package.

    :param remappings: old name to new name, beside those that move transforms into the namespace.
    """

    package: str
    executable: str
    arguments: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    remappings: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class ForeignLaunch:
    """A launch file of another package, in its folder ``launch``."""

    package: str
    file: str
    arguments: Mapping[str, str] = field(default_factory=dict)


Foreign = ForeignNode | ForeignLaunch


@dataclass(frozen=True, kw_only=True)
class Companion:
    """
    Something that a launch file starts from other packages.

    :param started: from the values of all arguments to what is started; may raise ValueError.
    :param publishes_clock: whether it makes the time that the nodes take.
    """

    arguments: tuple[LaunchArgument, ...]
    started: Callable[[Mapping[str, str]], Sequence[Foreign]]
    publishes_clock: bool = False


def check_installed(items: Iterable[Foreign], distribution: str) -> None:
    """
    Check that the packages of others are there.

    :param distribution: of ROS 2, such as ``jazzy``; empty where it is not known.
    :raises RuntimeError: naming the packages that are missing, and the command that brings them.
    """
    missing = {item.package: None for item in items if ament_share_folder(item.package) is None}
    if missing:
        names = dict.fromkeys(_DEBIAN_NAMES.get(name, name.replace('_', '-')) for name in missing)
        prefix = f'ros-{distribution or "$ROS_DISTRO"}-'
        packages = ' '.join(f'{prefix}{name}' for name in names)
        raise RuntimeError(
            f'{", ".join(missing)}: not installed, or not in the environment. '
            f'Cure: sudo apt install {packages}'
        )


def _rviz(values: Mapping[str, str]) -> Sequence[Foreign]:
    """Return RViz when it is wanted; its topics are relative and follow the namespace."""
    if values['rviz'] != 'true':
        return ()
    view = str(resource_path('config/perception.rviz'))
    clock = {'use_sim_time': values['use_sim_time'] == 'true'}
    return (
        ForeignNode(package='rviz2', executable='rviz2', arguments=('-d', view), parameters=clock),
    )


RVIZ = Companion(
    arguments=(
        LaunchArgument(
            name='rviz',
            description='Start RViz with config/perception.rviz',
            default='false',
            choices=SWITCH,
        ),
    ),
    started=_rviz,
)
