"""Everything that the checks look at, sorted once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from perception_nodes.nav2.costmap import Costmap
from perception_nodes.nav2.nodes import Kind, Node, nodes_of
from perception_nodes.nav2.release import Release


@dataclass(frozen=True, kw_only=True)
class Stack:
    """
    A navigation stack as its parameter files describe it.

    :param parameters: the merged files as read.
    :param release: whose Nav2 is meant.
    """

    parameters: Mapping[Any, Any]
    release: Release = Release.JAZZY

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """Every node of the files."""
        return nodes_of(self.parameters)

    @cached_property
    def costmaps(self) -> tuple[Costmap, ...]:
        """Every costmap."""
        return tuple(Costmap(node=node) for node in self.of_kind(Kind.COSTMAP))

    def of_kind(self, kind: Kind) -> list[Node]:
        """Return the nodes of one kind."""
        return [node for node in self.nodes if node.kind is kind]

    def named(self, name: str) -> list[Node]:
        """Return the nodes with a name, in whatever namespace."""
        return [node for node in self.nodes if node.name == name]
