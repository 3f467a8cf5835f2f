"""Lists of plugins against the blocks that configure them."""

from __future__ import annotations

from collections.abc import Iterator

from perception_nodes.nav2.block import Block
from perception_nodes.nav2.costmap import OBSTACLE_CLASSES, SEMANTIC_CLASS, Costmap
from perception_nodes.nav2.finding import Nav2Finding, error, info, warning
from perception_nodes.nav2.nodes import Kind, Node
from perception_nodes.nav2.stack import Stack

# Parameters of Nav2's servers that list plugins.
_LISTS = (
    'plugins',
    'filters',
    'planner_plugins',
    'controller_plugins',
    'smoother_plugins',
    'behavior_plugins',
    'progress_checker_plugin',
    'progress_checker_plugins',
    'goal_checker_plugins',
    'path_handler_plugins',
    'navigators',
    'dock_plugins',
)
_OVERWRITE = 0
_MAXIMUM = 1


def check_plugins(stack: Stack) -> Iterator[Nav2Finding]:
    """Find plugins that are listed and not configured, or configured and not listed."""
    for node in stack.nodes:
        lists = [name for name in _LISTS if node.block.has(name)]
        listed = [item for name in lists for item in node.block.names(name)]
        for name in lists:
            for item in node.block.names(name):
                yield from _listed(node, name, item)
        # A list that a launch file completes may name anything.
        if lists and all(node.block.is_settled(name) for name in lists):
            yield from _unlisted(node, lists[0], frozenset(listed))


def check_layer_order(stack: Stack) -> Iterator[Nav2Finding]:
    """Find costmaps without inflation, or with layers behind it that it never inflates."""
    for costmap in stack.costmaps:
        if not costmap.layers or not costmap.block.is_settled('plugins'):
            continue
        inflating = [i for i, layer in enumerate(costmap.layers) if layer.is_inflation]
        if not inflating and not all(layer.plugin for layer in costmap.layers):
            continue  # one of unknown class may be the inflation
        if not inflating:
            yield warning(
                costmap.block.at('plugins'),
                'no inflation layer: planners see obstacles as points and cut corners',
                'append an nav2_costmap_2d::InflationLayer',
            )
            continue
        for layer in costmap.layers[inflating[-1] + 1 :]:
            if layer.class_name in (*OBSTACLE_CLASSES, SEMANTIC_CLASS, 'StaticLayer'):
                yield error(
                    costmap.block.at('plugins'),
                    f'{layer.name} stands behind the inflation layer: what it marks is not '
                    'inflated',
                    f'list {layer.name} before {costmap.layers[inflating[-1]].name}',
                )


def check_combination(stack: Stack) -> Iterator[Nav2Finding]:
    """Find layers that wipe out those below, or that write nothing at all."""
    for costmap in stack.costmaps:
        for index, layer in enumerate(costmap.layers):
            method = layer.block.number('combination_method', _MAXIMUM)
            where = layer.block.at('combination_method')
            if layer.class_name == SEMANTIC_CLASS and method not in (None, _OVERWRITE, _MAXIMUM):
                yield error(
                    where, f'{method:g}: the layer then writes nothing', 'write 1 (maximum)'
                )
            elif method == _OVERWRITE and index > 0 and _marks(costmap, index):
                yield warning(
                    where,
                    '0 overwrites what the layers listed before have marked',
                    'write 1 (maximum), or list this layer first',
                )


def _marks(costmap: Costmap, index: int) -> bool:
    """Tell whether a layer and one before it both mark obstacles."""
    writing = (*OBSTACLE_CLASSES, SEMANTIC_CLASS, 'StaticLayer')
    before = any(layer.class_name in writing for layer in costmap.layers[:index])
    return before and costmap.layers[index].class_name in writing


def _listed(node: Node, list_name: str, item: str) -> Iterator[Nav2Finding]:
    """Yield what is wrong with one listed plugin."""
    if node.kind is Kind.COSTMAP and Costmap(node=node).has_default_layers:
        return
    block = node.block.block(item)
    plugin = None if block is None else block.values.get('plugin')
    if block is None:
        yield error(
            node.block.at(list_name),
            f'{item} is listed and has no block: the node fails to configure',
            f'write a block {item}: with plugin:, or take it off the list',
        )
    elif plugin is None:
        yield error(
            block.at(),
            'has no plugin: the node cannot tell its class and fails to configure',
            'write plugin: package::Class',
        )
    elif node.kind is Kind.COSTMAP:
        yield from _slash(block)


def _slash(block: Block) -> Iterator[Nav2Finding]:
    """Yield a complaint about the class name of ROS 1 times."""
    plugin = block.text('plugin') or ''
    if '/' in plugin:
        yield error(
            block.at('plugin'),
            f'{plugin} is no class that the loader knows: the costmap fails to configure',
            f'write {plugin.replace("/", "::")}',
        )


def _unlisted(node: Node, list_name: str, listed: frozenset[str]) -> Iterator[Nav2Finding]:
    """Yield blocks that look like plugins and that no list names."""
    for name, block in node.block.blocks():
        if name in listed or not block.has('plugin'):
            continue
        if node.kind is Kind.COSTMAP:
            yield warning(
                block.at(),
                f'is configured and not in {list_name}: the layer is never loaded',
                f'add {name} to {list_name}, or delete the block',
            )
        else:
            yield info(block.at(), f'is configured and in none of the lists of {node.name}')
