"""Names and types of parameters: ROS takes any name in silence and refuses any wrong type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from perception_nodes.nav2 import known
from perception_nodes.nav2.block import Block, is_unresolved
from perception_nodes.nav2.costmap import OBSTACLE_CLASSES, SEMANTIC_CLASS, Layer
from perception_nodes.nav2.finding import Nav2Finding, error, warning
from perception_nodes.nav2.known import Names, Type
from perception_nodes.nav2.nodes import Kind
from perception_nodes.nav2.stack import Stack

# How alike two names are before one is called a slip of the other, 0 to 1.
_ALIKE = 0.75

_EXAMPLES = {
    Type.BOOL: 'true or false without quotes',
    Type.INTEGER: 'a whole number without decimal point',
    Type.DOUBLE: 'a number with a decimal point, such as 1.0',
    Type.STRING: 'text',
    Type.STRINGS: "a list in square brackets, such as ['first', 'second']",
    Type.DOUBLES: 'a list of numbers with decimal points, such as [0.5, 0.0, 1.0]',
}


def check_types(stack: Stack) -> Iterator[Nav2Finding]:
    """Find values of a type that the node refuses when it starts."""
    for block, names in known_blocks(stack):
        for name, value in block.values.items():
            wanted = names.get(str(name))
            if wanted is None or is_unresolved(value):
                continue
            if value is not None and not _fits(value, wanted):
                yield error(
                    block.at(str(name)),
                    f'is {_described(value)} where the node declares a {wanted.value}: '
                    'it refuses to configure',
                    f'write {_EXAMPLES[wanted]}',
                )


def check_names(stack: Stack) -> Iterator[Nav2Finding]:
    """Find parameters that no node reads."""
    for block, names in known_blocks(stack):
        for raw, value in block.values.items():
            name = str(raw)
            if name in names or isinstance(value, Mapping):
                continue
            if name in known.COSTMAP_ONLY and 'plugin' in names:
                continue  # named by the check of placement
            if name.startswith('qos_overrides') or name in known.ANY_NODE:
                continue
            yield _unknown_name(block, name, names)


def check_placement(stack: Stack) -> Iterator[Nav2Finding]:
    """Find parameters of the costmap that stand inside a layer, where nobody reads them."""
    for costmap in stack.costmaps:
        for layer in costmap.layers:
            if layer.class_name not in known.LAYERS:
                continue
            for name in layer.block.values:
                if name in known.COSTMAP_ONLY:
                    yield error(
                        layer.block.at(str(name)),
                        f'is read at the top of the costmap only; inside {layer.name} '
                        'it does nothing',
                        f'move {name} up, beside plugins',
                    )


def known_blocks(stack: Stack) -> Iterator[tuple[Block, Names]]:
    """Yield each block whose parameters are known, with their names and types."""
    for costmap in stack.costmaps:
        yield costmap.block, known.COSTMAP
        for layer in costmap.layers:
            yield from _layer_blocks(layer)
    for node in stack.of_kind(Kind.COLLISION_MONITOR):
        yield node.block, known.COLLISION_MONITOR
        yield from _listed(node.block, 'polygons', known.MONITOR_POLYGON)
        yield from _listed(node.block, 'observation_sources', known.MONITOR_SOURCE)
    for node in stack.of_kind(Kind.VELOCITY_SMOOTHER):
        yield node.block, known.VELOCITY_SMOOTHER
    for node in stack.of_kind(Kind.LIFECYCLE_MANAGER):
        yield node.block, known.LIFECYCLE_MANAGER


def _layer_blocks(layer: Layer) -> Iterator[tuple[Block, Names]]:
    if layer.class_name in known.LAYERS:
        yield layer.block, known.LAYERS[layer.class_name]
    for source in layer.sources:
        if layer.class_name in OBSTACLE_CLASSES:
            yield source.block, known.OBSTACLE_SOURCE
        elif layer.class_name == SEMANTIC_CLASS:
            yield source.block, known.SEMANTIC_SOURCE
            yield from _listed(source.block, 'class_types', known.SEMANTIC_CLASS_TYPE)


def _listed(block: Block, name: str, names: Names) -> Iterator[tuple[Block, Names]]:
    """Yield the blocks that a list of names refers to."""
    for item in block.names(name):
        inner = block.block(item)
        if inner is not None:
            yield inner, names


def _unknown_name(block: Block, name: str, names: Names) -> Nav2Finding:
    """Return the finding for a name that nobody reads, an error when it is a slip."""
    renamed = known.RENAMED.get(name)
    if renamed:
        return error(
            block.at(name), 'is a name of older releases and is ignored', f'use {renamed}'
        )
    close = get_close_matches(name, names, n=1, cutoff=_ALIKE)
    if close:
        return error(
            block.at(name),
            'is no parameter here and is ignored without a word',
            f'write {close[0]}',
        )
    return warning(
        block.at(name), 'is no parameter here and is ignored without a word', 'delete it'
    )


def _fits(value: object, wanted: Type) -> bool:
    """Tell whether ROS takes a value for a parameter."""
    if isinstance(value, bool):
        return wanted is Type.BOOL
    if isinstance(value, list):
        return _list_fits(value, wanted)
    plain = {Type.INTEGER: int, Type.DOUBLE: float, Type.STRING: str}
    return wanted in plain and isinstance(value, plain[wanted])


def _list_fits(values: list[Any], wanted: Type) -> bool:
    """Tell whether a list has the type; an empty one has any."""
    kinds = {type(item) for item in values}
    if len(kinds) > 1 or kinds & {list, dict, type(None)}:
        return True  # named by the check of lists
    if wanted not in (Type.STRINGS, Type.DOUBLES):
        return False
    plain = str if wanted is Type.STRINGS else float
    return all(isinstance(item, plain) or is_unresolved(item) for item in values)


def _described(value: object) -> str:
    """Return a value with its type, short enough for a table."""
    shown = str(value)
    shown = shown if len(shown) <= 30 else shown[:27] + '…'
    names = {bool: 'bool', int: 'integer', float: 'double', str: 'string', list: 'list'}
    return f'{shown} ({names.get(type(value), "block")})'
