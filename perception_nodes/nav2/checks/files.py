"""How the file is built: what ROS would not read at all, or for another node."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from perception_nodes.nav2 import known
from perception_nodes.nav2.block import Block, is_unresolved
from perception_nodes.nav2.finding import Nav2Finding, error, not_checked
from perception_nodes.nav2.nodes import PARAMETERS_KEY, Kind
from perception_nodes.nav2.stack import Stack

# Nav2 runs each costmap in a namespace of the costmap's own name.
_NESTED_COSTMAPS = ('local_costmap', 'global_costmap')
_MAX_DEPTH = 50

# Names that some check reads: only there is an unresolved value worth a line.
_READ_NAMES = frozenset(
    name
    for names in (
        *known.LAYERS.values(),
        known.COSTMAP,
        known.OBSTACLE_SOURCE,
        known.SEMANTIC_SOURCE,
        known.SEMANTIC_CLASS_TYPE,
        known.COLLISION_MONITOR,
        known.MONITOR_POLYGON,
        known.MONITOR_SOURCE,
        known.VELOCITY_SMOOTHER,
        known.LIFECYCLE_MANAGER,
    )
    for name in names
)


def check_structure(stack: Stack) -> Iterator[Nav2Finding]:
    """Find values that belong to no node because ``ros__parameters`` is missing above them."""
    yield from _strays(stack.parameters, '', 0)


def check_costmap_name(stack: Stack) -> Iterator[Nav2Finding]:
    """Find a costmap whose name stands once; its node has it twice."""
    for node in stack.of_kind(Kind.COSTMAP):
        outer, _, name = node.path.rpartition('/')
        parent = outer.rpartition('/')[2]
        if name in _NESTED_COSTMAPS and parent != name and '*' not in parent:
            yield error(
                node.block.at(),
                f'no node of this name: Nav2 runs the costmap as {name}/{name}, '
                'which then uses defaults only',
                f'write {name}: twice, the second below the first',
            )


def check_lists(stack: Stack) -> Iterator[Nav2Finding]:
    """Find lists that ROS refuses, or flattens."""
    for node in stack.nodes:
        for where, value in _leaves(node.block):
            if isinstance(value, list):
                yield from _list(where, value)


def check_empty(stack: Stack) -> Iterator[Nav2Finding]:
    """Find names without a value, for which ROS refuses the whole file."""
    for node in stack.nodes:
        for where, value in _leaves(node.block):
            if value is None:
                yield error(
                    where,
                    'has no value: ROS refuses the whole file',
                    "write a value, '' for empty text, or delete the line",
                )


def check_substitutions(stack: Stack) -> Iterator[Nav2Finding]:
    """Name the values that only a launch file knows."""
    for node in stack.nodes:
        for where, value in _leaves(node.block):
            items = value if isinstance(value, list) else [value]
            unresolved = [item for item in items if is_unresolved(item)]
            if unresolved and where.rpartition('.')[2].rpartition(' ')[2] in _READ_NAMES:
                yield not_checked(where, f'{unresolved[0]} is filled in by a launch file')


def _list(where: str, values: list[Any]) -> Iterator[Nav2Finding]:
    """Yield what is wrong with one list."""
    nested = any(isinstance(item, list) for item in values)
    items = [part for item in values for part in (item if isinstance(item, list) else [item])]
    kinds = sorted({type(item).__name__ for item in items})
    if {'list', 'dict', 'NoneType'} & set(kinds):
        yield error(
            where,
            'a list of blocks or of nothing is no parameter',
            'write a list of names, and a block for each name',
        )
    elif len(kinds) > 1 and not any(is_unresolved(item) for item in items):
        yield error(
            where,
            f'a list of {" and ".join(kinds)}: ROS refuses the whole file',
            'give all elements one type, for numbers a decimal point each: [0.5, 0.0]',
        )
    elif nested:
        yield error(
            where,
            'a list of lists: ROS makes one flat list of it',
            "write it as text in quotes: '[[0.1, 0.2], [0.1, -0.2]]'",
        )


def _strays(values: Mapping[Any, Any], path: str, depth: int) -> Iterator[Nav2Finding]:
    """Yield values outside of any ``ros__parameters``."""
    if depth > _MAX_DEPTH:
        return
    for key, value in values.items():
        inner = f'{path}/{key}' if path else str(key)
        if key == PARAMETERS_KEY:
            if not isinstance(value, Mapping) and value is not None:
                yield error(path or '/', 'ros__parameters holds no parameters', 'write them below')
        elif isinstance(value, Mapping):
            yield from _strays(value, inner, depth + 1)
        elif value is not None:
            yield error(
                inner,
                'stands outside of ros__parameters: ROS refuses the whole file',
                f'write {PARAMETERS_KEY}: below the node name and indent this below it',
            )


def _leaves(block: Block, depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Yield every value that is no block, with its place."""
    if depth > _MAX_DEPTH:
        return
    for name, value in block.values.items():
        if not isinstance(value, Mapping):
            yield block.at(str(name)), value
    for _, inner in block.blocks():
        yield from _leaves(inner, depth + 1)
