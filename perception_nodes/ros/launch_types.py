"""Launch files as values: nodes, and groups of nodes that are joined."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from perception_nodes.ros.launch_arguments import COMMON_ARGUMENTS, SWITCH, LaunchArgument
from perception_nodes.ros.launch_companions import Companion, Foreign

PACKAGE = 'perception_suite'
TRANSFORMS = (('/tf', 'tf'), ('/tf_static', 'tf_static'))
"""Remappings by which transforms move into a namespace, as Nav2 has it."""


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

    def beside(self, values: Mapping[str, str]) -> list[Foreign]:
        """Return what is started beside the node: nothing."""
        return []

    def without(self, *names: str) -> LaunchPlan:
        """Return the plan without some arguments."""
        kept = tuple(item for item in self.arguments if item.name not in names)
        return replace(self, arguments=kept)


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
        """All remappings."""
        by_argument = [
            (item.remaps, self.values[item.name])
            for item in self.plan.arguments
            if item.remaps and self.values[item.name]
        ]
        return [*TRANSFORMS, *self.topics.items(), *by_argument]


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
    :param companions: programs of other packages that are started beside the members.
    """

    members: tuple[LaunchPlan, ...]
    joined: Mapping[str, str] = field(default_factory=dict)
    renamed: Mapping[tuple[str, str], str] = field(default_factory=dict)
    switched: Mapping[str, bool] = field(default_factory=dict)
    topics: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    companions: tuple[Companion, ...] = ()

    @property
    def all_arguments(self) -> tuple[LaunchArgument, ...]:
        """Common arguments first, then switches, then those of members and companions."""
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
        foreign = [argument for item in self.companions for argument in item.arguments]
        return (*COMMON_ARGUMENTS, *switches, *own.values(), *foreign)

    def started(self, values: Mapping[str, str]) -> list[StartedNode]:
        """Return the nodes whose switch is on; a simulation gives the others its time."""
        is_simulated = self._is_simulated(values)
        return [
            StartedNode(
                plan=plan,
                values=self._values(plan, values, is_simulated=is_simulated),
                topics=self.topics.get(plan.executable, {}),
            )
            for plan in self._on(values)
        ]

    def beside(self, values: Mapping[str, str]) -> list[Foreign]:
        """Return what the companions start, on the same time as the nodes."""
        timed = dict(values)
        if self._is_simulated(values):
            timed['use_sim_time'] = 'true'
        return [started for item in self.companions for started in item.started(timed)]

    def _on(self, values: Mapping[str, str]) -> list[LaunchPlan]:
        """Return the members whose switch is on, or who have none."""
        return [
            plan
            for plan in self.members
            if plan.executable not in self.switched or values[stem_of(plan.executable)] == 'true'
        ]

    def _is_simulated(self, values: Mapping[str, str]) -> bool:
        """Return whether something that is started makes the time."""
        by_member = any(plan.publishes_clock for plan in self._on(values))
        return by_member or any(item.publishes_clock for item in self.companions)

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
