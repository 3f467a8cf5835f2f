"""Launch files as values: arguments, nodes, and groups of nodes that are joined."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

PACKAGE = 'perception_suite'


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


@dataclass(frozen=True, kw_only=True)
class LaunchPlan:
    """
    One lifecycle node with its launch arguments.

    :param executable: in ``lib/perception_suite``, which is the node's name, too.
    :param arguments: beside :data:`COMMON_ARGUMENTS`.
    :param publishes_clock: whether the node makes the time that the others take.
    """

    executable: str
    arguments: tuple[LaunchArgument, ...] = ()
    publishes_clock: bool = False

    @property
    def parameter_file(self) -> str:
        """Path of the defaults below the package's share folder."""
        return f'config/{self.executable}.yaml'

    @property
    def members(self) -> tuple[LaunchPlan, ...]:
        """The plans of the nodes: this one."""
        return (self,)

    @property
    def all_arguments(self) -> tuple[LaunchArgument, ...]:
        """Common arguments first."""
        return COMMON_ARGUMENTS + self.arguments

    def started(self, values: Mapping[str, str]) -> list[StartedNode]:
        """Return the node with the values of its arguments."""
        return [StartedNode(plan=self, values=dict(values))]


@dataclass(frozen=True, kw_only=True)
class StartedNode:
    """
    A node that a launch file starts.

    :param values: of the arguments of its plan, and of the common ones.
    :param topics: remappings beside those of the arguments, old name to new name.
    """

    plan: LaunchPlan
    values: dict[str, str]
    topics: Mapping[str, str] = field(default_factory=dict)

    @property
    def remappings(self) -> list[tuple[str, str]]:
        """All remappings; with a namespace transforms move into it, as Nav2 has it."""
        by_argument = [
            (item.remaps, self.values[item.name])
            for item in self.plan.arguments
            if item.remaps and self.values[item.name]
        ]
        transforms = [('/tf', 'tf'), ('/tf_static', 'tf_static')]
        return [*transforms, *self.topics.items(), *by_argument]


@dataclass(frozen=True, kw_only=True)
class LaunchGroup:
    """
    Several lifecycle nodes that work on one another's topics.

    Arguments of one name are one argument, unless they are renamed.

    :param members: in the order of the work.
    :param joined: defaults of arguments that join the members: topics below the namespace.
    :param renamed: names in the launch file by executable and name in the plan.
    :param switched: default of the switch of each member that has one, by executable; the switch
        is named like the launch file of the member.
    :param topics: further remappings by executable.
    """

    members: tuple[LaunchPlan, ...]
    joined: Mapping[str, str] = field(default_factory=dict)
    renamed: Mapping[tuple[str, str], str] = field(default_factory=dict)
    switched: Mapping[str, bool] = field(default_factory=dict)
    topics: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def all_arguments(self) -> tuple[LaunchArgument, ...]:
        """Common arguments first, then the switches, then those of the members."""
        switches = [
            LaunchArgument(
                name=stem_of(executable),
                description=f'Start {executable}',
                default='true' if default else 'false',
                choices=SWITCH,
            )
            for executable, default in self.switched.items()
        ]
        own: dict[str, LaunchArgument] = {}
        for plan in self.members:
            for argument in plan.arguments:
                name = self._name(plan, argument)
                default = self.joined.get(name, argument.default)
                own.setdefault(name, replace(argument, name=name, default=default))
        return (*COMMON_ARGUMENTS, *switches, *own.values())

    def started(self, values: Mapping[str, str]) -> list[StartedNode]:
        """Return the nodes whose switch is on; a simulation gives the others its time."""
        on = [
            plan
            for plan in self.members
            if plan.executable not in self.switched or values[stem_of(plan.executable)] == 'true'
        ]
        is_simulated = any(plan.publishes_clock for plan in on)
        return [
            StartedNode(
                plan=plan,
                values=self._values(plan, values, is_simulated=is_simulated),
                topics=self.topics.get(plan.executable, {}),
            )
            for plan in on
        ]

    def _name(self, plan: LaunchPlan, argument: LaunchArgument) -> str:
        return self.renamed.get((plan.executable, argument.name), argument.name)

    def _values(
        self, plan: LaunchPlan, values: Mapping[str, str], *, is_simulated: bool
    ) -> dict[str, str]:
        found = {item.name: values[item.name] for item in COMMON_ARGUMENTS}
        if is_simulated:
            found['use_sim_time'] = 'false' if plan.publishes_clock else 'true'
        own = {item.name: values[self._name(plan, item)] for item in plan.arguments}
        return {**found, **own}


def stem_of(executable: str) -> str:
    """Return the name of the launch file of a node, without its ending."""
    return executable.removesuffix('_node')


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
