"""The nodes that a parameter file speaks of, with wildcards applied as ROS applies them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from perception_nodes.nav2.block import Block

PARAMETERS_KEY = 'ros__parameters'
# Deeper files than this are no parameter files; Python's stack is finite.
_MAX_DEPTH = 50


class Kind(str, Enum):
    """What a node is, as far as a check needs to know it."""

    COSTMAP = 'costmap'
    COLLISION_MONITOR = 'collision_monitor'
    VELOCITY_SMOOTHER = 'velocity_smoother'
    LIFECYCLE_MANAGER = 'lifecycle_manager'
    OTHER = 'other'


# Parameters that only one kind of node has, for nodes with another name or behind a wildcard.
_TELLTALES: dict[Kind, frozenset[str]] = {
    Kind.LIFECYCLE_MANAGER: frozenset({'node_names'}),
    Kind.COLLISION_MONITOR: frozenset({'polygons', 'observation_sources'}),
    Kind.VELOCITY_SMOOTHER: frozenset({'max_velocity', 'max_accel'}),
}


@dataclass(frozen=True, kw_only=True)
class Node:
    """
    One node of the file.

    :param path: full name without leading slash; may end in a wildcard.
    :param kind: what it is.
    :param block: its parameters, those of matching wildcards included.
    """

    path: str
    kind: Kind
    block: Block

    @property
    def name(self) -> str:
        """The last part of the full name."""
        return self.path.rpartition('/')[2]


def nodes_of(parameters: Mapping[Any, Any]) -> tuple[Node, ...]:
    """
    Return the nodes that a parameter file configures.

    An entry with wildcards is a node of its own when no named node takes it over: by its last
    name, or, where that is a wildcard too, by what its contents show.
    """
    entries = list(entries_of(parameters))
    named = [path for path in dict.fromkeys(path for path, _ in entries) if '*' not in path]
    nodes = [_node(path, _merged(path, entries)) for path in named]
    kinds = {node.kind for node in nodes}
    for path, values in entries:
        if '*' not in path or (not _ends_wild(path) and _covers_any(path, named)):
            continue
        node = _node(path, values)
        if not _ends_wild(path) or (node.kind is not Kind.OTHER and node.kind not in kinds):
            nodes.append(node)
    return tuple(nodes)


def entries_of(parameters: Mapping[Any, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each node path with its own ``ros__parameters``, dotted names opened up."""
    yield from _walk(parameters, '', 0)


def merge(old: Mapping[str, Any], new: Mapping[str, Any], depth: int = 0) -> dict[str, Any]:
    """Return both, deeply; ``new`` wins."""
    merged = dict(old)
    for name, value in new.items():
        present = merged.get(name)
        if isinstance(present, Mapping) and isinstance(value, Mapping) and depth < _MAX_DEPTH:
            merged[name] = merge(present, value, depth + 1)
        else:
            merged[name] = value
    return merged


def _walk(
    values: Mapping[Any, Any], path: str, depth: int
) -> Iterator[tuple[str, dict[str, Any]]]:
    if depth > _MAX_DEPTH:
        return
    for key, value in values.items():
        if not isinstance(value, Mapping):
            continue
        if key == PARAMETERS_KEY:
            yield path, _opened(value)
        else:
            part = str(key).strip('/')
            yield from _walk(value, f'{path}/{part}' if path else part, depth + 1)


def _opened(values: Mapping[Any, Any], depth: int = 0) -> dict[str, Any]:
    """Return parameters with ``a.b: 1`` as ``a: {b: 1}``, which is the same to ROS."""
    opened: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping) and depth < _MAX_DEPTH:
            value = _opened(value, depth + 1)
        *outer, last = str(key).split('.')
        entry = {last: value}
        for part in reversed(outer[:_MAX_DEPTH]):
            entry = {part: entry}
        opened = merge(opened, entry)
    return opened


def _ends_wild(path: str) -> bool:
    """Tell whether the last part of a path is a wildcard."""
    return '*' in path.rpartition('/')[2]


def _covers_any(pattern: str, paths: Iterable[str]) -> bool:
    return any(_matches(pattern, path) for path in paths)


def _merged(path: str, entries: Iterable[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    """Return the parameters of a node from all entries that match it, later ones winning."""
    merged: dict[str, Any] = {}
    for pattern, values in entries:
        if pattern == path or ('*' in pattern and _matches(pattern, path)):
            merged = merge(merged, values)
    return merged


def _matches(pattern: str, path: str) -> bool:
    """Tell whether ``**`` (any names) and ``*`` (one name) in a pattern cover a path."""
    expression = re.escape('/' + pattern)
    expression = expression.replace(r'/\*\*', r'(/[^/]+)*').replace(r'\*', r'[^/]+')
    return re.fullmatch(expression, '/' + path) is not None


def _node(path: str, values: dict[str, Any]) -> Node:
    block = Block(node=path or '/', values=values)
    return Node(path=path, kind=_kind(path, block), block=block)


def _kind(path: str, block: Block) -> Kind:
    """Return what a node is, by name first, by contents otherwise."""
    name = path.rpartition('/')[2]
    if name.endswith('costmap') or _has_layers(block):
        return Kind.COSTMAP
    for kind in _TELLTALES:
        if name.startswith(kind.value):
            return kind
    for kind, telltales in _TELLTALES.items():
        if telltales <= block.values.keys():
            return kind
    return Kind.OTHER


def _has_layers(block: Block) -> bool:
    """Tell whether a block lists plugins of which one is a costmap layer."""
    plugins = (inner.text('plugin') or '' for _, inner in block.blocks())
    return block.has('plugins') and any(plugin.endswith('Layer') for plugin in plugins)
