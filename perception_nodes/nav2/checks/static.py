"""Static layers, above all those that read the semantic map."""

from __future__ import annotations

from collections.abc import Iterator

from perception_nodes.nav2.costmap import Costmap, Layer
from perception_nodes.nav2.finding import Nav2Finding, error, warning
from perception_nodes.nav2.release import Release
from perception_nodes.nav2.stack import Stack
from perception_nodes.nav2.topics import (
    OCCUPANCY,
    SEMANTIC_MAP_NODE,
    Content,
    content_of,
    is_ours,
)

_STATIC = 'StaticLayer'
# Occupancy of a cell that cannot be crossed, and of an unknown one as an unsigned byte.
_LETHAL = 100
_UNKNOWN = 255


def check_static_map(stack: Stack) -> Iterator[Nav2Finding]:
    """Find maps that never arrive."""
    for costmap in stack.costmaps:
        for layer in costmap.of_class(_STATIC):
            if layer.block.flag('map_subscribe_transient_local', True) is False:
                yield error(
                    layer.block.at('map_subscribe_transient_local'),
                    'is false: a map that was published before the costmap started never arrives',
                    'write true; map_server and semantic_map_node publish transient local',
                )
            yield from _topic(costmap, layer, stack.release)


def check_geometry(stack: Stack) -> Iterator[Nav2Finding]:
    """Find a moving map on a fixed costmap: every message resizes and empties all layers."""
    for costmap in stack.costmaps:
        layers = costmap.of_class(_STATIC)
        if costmap.is_rolling is not False:
            continue
        for layer in layers:
            if is_ours(_map_topic(costmap, layer) or '', OCCUPANCY):
                yield from _own_map_on_fixed(costmap, layer, stack)
        topics = {_map_topic(costmap, layer) for layer in layers} - {None}
        if len(topics) > 1:
            yield warning(
                costmap.block.at('plugins'),
                f'{len(layers)} static layers on a fixed costmap: each map sets the size anew',
                'keep one static layer, or write rolling_window: true',
            )


def check_graded_costs(stack: Stack) -> Iterator[Nav2Finding]:
    """Find settings that turn the graded costs of the semantic map into free or lethal."""
    for costmap in stack.costmaps:
        layers = [
            layer
            for layer in costmap.of_class(_STATIC)
            if is_ours(_map_topic(costmap, layer) or '', OCCUPANCY)
        ]
        if layers:
            yield from _graded(costmap, layers[0])


def _map_topic(costmap: Costmap, layer: Layer) -> str | None:
    """Return the topic of a static layer; None where a launch file decides."""
    shared = costmap.block.text('map_topic', '/map')
    return layer.block.text('map_topic', shared) or shared


def _own_map_on_fixed(costmap: Costmap, layer: Layer, stack: Stack) -> Iterator[Nav2Finding]:
    """Yield what a costmap that stands still would do to the semantic map."""
    mappers = [node.block for node in stack.named(SEMANTIC_MAP_NODE)]
    if not any(block.flag('rolling', True) is False for block in mappers):
        yield error(
            costmap.block.at('rolling_window'),
            f'is false, while the map of {layer.name} moves with the robot: each message '
            'resizes the whole costmap and clears its other layers',
            f'write rolling_window: true here, or rolling: false for {SEMANTIC_MAP_NODE}',
        )
        return
    wanted = costmap.block.text('global_frame', 'map')
    frames = {block.text('map_frame', 'odom') for block in mappers}
    if wanted is not None and not {wanted, None} & frames:
        frame = ', '.join(sorted(str(name) for name in frames))
        yield error(
            costmap.block.at('global_frame'),
            f'{wanted}: a costmap that stands still takes the map of {layer.name} as it is, '
            f'which is in {frame}: everything lies off by the localisation',
            f'write map_frame: {wanted} for {SEMANTIC_MAP_NODE}, or rolling_window: true here',
        )


def _topic(costmap: Costmap, layer: Layer, release: Release) -> Iterator[Nav2Finding]:
    """Yield a topic that is relative where that means something else, or carries no map."""
    topic = layer.block.text('map_topic')
    where = layer.block.at('map_topic')
    if not topic:
        return
    if not topic.startswith('/') and not release.joins_parent_namespace:
        space = '/' + costmap.node.path.rpartition('/')[0]
        yield error(
            where,
            f'{topic} is relative: before Kilted, the layer listens to '
            f'{space.rstrip("/")}/{topic}',
            f'write /{topic}, with the namespace of the robot if it has one',
        )
    carried = content_of(topic)
    if carried not in (None, Content.GRID):
        yield error(
            where,
            f'{topic} carries {carried.value if carried else "something else"}, '
            'the layer wants an occupancy grid',
            f'write /map or /{OCCUPANCY}',
        )


def _graded(costmap: Costmap, layer: Layer) -> Iterator[Nav2Finding]:
    """Yield what in the costmap destroys graded costs."""
    block = costmap.block
    if block.flag('trinary_costmap', True):
        yield error(
            block.at('trinary_costmap'),
            f'is true (the default): grass at cost 40 in {layer.name} becomes free',
            'write trinary_costmap: false at the top of the costmap',
        )
    if block.flag('track_unknown_space', False) is False:
        yield warning(
            block.at('track_unknown_space'),
            'is false (the default): what the camera has not seen counts as free',
            'write track_unknown_space: true',
        )
    threshold = block.number('lethal_cost_threshold', _LETHAL)
    if threshold is not None and threshold < _LETHAL:
        yield warning(
            block.at('lethal_cost_threshold'),
            f'{threshold:g}: costs from there on become lethal',
            'write 100',
        )
    unknown = block.number('unknown_cost_value', _UNKNOWN)
    if unknown is not None and unknown != _UNKNOWN:
        yield error(
            block.at('unknown_cost_value'),
            f'{unknown:g}: unknown cells are sent as 255 (-1) and would become lethal',
            'write 255',
        )
