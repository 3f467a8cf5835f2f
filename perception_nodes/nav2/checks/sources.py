"""Observation sources of obstacle and voxel layers: the defaults there switch a camera off."""

from __future__ import annotations

from collections.abc import Iterator

from perception_nodes.nav2.block import Block
from perception_nodes.nav2.costmap import (
    OBSTACLE_CLASSES,
    SEMANTIC_CLASS,
    Costmap,
    Layer,
    Source,
)
from perception_nodes.nav2.finding import Nav2Finding, error, info, warning
from perception_nodes.nav2.stack import Stack
from perception_nodes.nav2.topics import FLOOR, OBSTACLES, Content, content_of, is_ours

# Defaults of nav2_costmap_2d for a source, the same from 1.1 to 1.5.
MAX_HEIGHT_M = 0.0
OBSTACLE_RANGE_M = 2.5
RAYTRACE_RANGE_M = 3.0
LAYER_MAX_HEIGHT_M = 2.0
# expected_update_rate is a period in seconds; sensors are faster than this.
_LONG_PERIOD_S = 2.0

LASER = 'LaserScan'
CLOUD = 'PointCloud2'
_CONTENT_OF_TYPE = {LASER: Content.SCAN, CLOUD: Content.CLOUD}
_BODY_FRAMES = ('map', 'odom', 'base_link', 'base_footprint')


def check_sources(stack: Stack) -> Iterator[Nav2Finding]:
    """Find layers without sources, sources without a block, and sources that do nothing."""
    for costmap in stack.costmaps:
        for layer in costmap.of_class(*OBSTACLE_CLASSES, SEMANTIC_CLASS):
            yield from _missing_sources(layer)
    for _, layer, source in _obstacle_sources(stack):
        yield from _idle(layer, source)


def check_heights(stack: Stack) -> Iterator[Nav2Finding]:
    """Find height limits between which no obstacle can be."""
    for _, layer, source in _obstacle_sources(stack):
        top = source.block.number('max_obstacle_height', MAX_HEIGHT_M)
        low = source.block.number('min_obstacle_height', 0.0)
        where = source.block.at('max_obstacle_height')
        if top is not None and low is not None and top <= max(low, 0.0):
            written = 'is' if source.block.has('max_obstacle_height') else 'is not written, so'
            yield error(
                where,
                f'{written} {top:g} m: every point above is dropped, the source marks nothing',
                'write max_obstacle_height: 2.0 in the source, not only in the layer',
            )
        layer_low = layer.block.number('min_obstacle_height', 0.0)
        if top is not None and top > 0 and layer_low is not None and top <= layer_low:
            yield error(
                where,
                f'{top:g} m is below min_obstacle_height {layer_low:g} m of the layer: '
                'nothing is marked',
                'raise it above the lower limit of the layer',
            )
    for costmap in stack.costmaps:
        for layer in costmap.of_class(*OBSTACLE_CLASSES):
            top = layer.block.number('max_obstacle_height', LAYER_MAX_HEIGHT_M)
            low = layer.block.number('min_obstacle_height', 0.0)
            if top is not None and low is not None and top <= low:
                yield error(
                    layer.block.at('max_obstacle_height'),
                    f'{top:g} m: no point is below, the layer marks nothing',
                    'write the height of the robot or more, such as 2.0',
                )


def check_clearing(stack: Stack) -> Iterator[Nav2Finding]:
    """Find obstacles that are marked and never removed."""
    for costmap in stack.costmaps:
        for layer in costmap.of_class(*OBSTACLE_CLASSES):
            marking = [s for s in layer.sources if s.block.flag('marking', True)]
            clearing = [s for s in layer.sources if s.block.flag('clearing', False) is not False]
            for source in marking:
                if source in clearing:
                    continue
                where = source.block.at('clearing')
                if clearing:
                    others = ', '.join(item.name for item in clearing)
                    yield info(
                        where, f'only {others} removes what {source.name} marks', 'clearing: true'
                    )
                else:
                    yield error(
                        where,
                        'is false (the default): what was once marked stays for ever, '
                        'a person leaves a wall behind',
                        'write clearing: true',
                    )
            if len(clearing) == 1 and clearing == marking and _carries(clearing[0], OBSTACLES):
                yield warning(
                    clearing[0].block.at('topic'),
                    'holds what stands and nothing else: where somebody has gone and only floor '
                    'is left, no ray passes and the obstacle stays',
                    f'add a source with topic: /{FLOOR}, marking: false, clearing: true',
                )


def check_ranges(stack: Stack) -> Iterator[Nav2Finding]:
    """Find ranges that contradict each other."""
    for _, _, source in _obstacle_sources(stack):
        block = source.block
        yield from _empty_range(block, 'obstacle', OBSTACLE_RANGE_M)
        clearing = block.flag('clearing', False)
        if clearing:
            yield from _empty_range(block, 'raytrace', RAYTRACE_RANGE_M)
        marked = block.number('obstacle_max_range', OBSTACLE_RANGE_M)
        cleared = block.number('raytrace_max_range', RAYTRACE_RANGE_M)
        if None in (marked, cleared) or not clearing or not block.flag('marking', True):
            continue
        if (marked or 0.0) > (cleared or 0.0):
            yield warning(
                block.at('raytrace_max_range'),
                f'marks up to {marked:g} m and clears up to {cleared:g} m: '
                'what lies between is never removed',
                'write raytrace_max_range a little larger than obstacle_max_range',
            )


def check_data_type(stack: Stack) -> Iterator[Nav2Finding]:
    """Find sources whose data type is not what their topic carries."""
    for _, _, source in _obstacle_sources(stack):
        kind = source.block.text('data_type', LASER)
        where = source.block.at('data_type')
        if kind is None:
            continue
        if kind not in _CONTENT_OF_TYPE:
            yield error(
                where,
                f'{kind} is no type of the obstacle layer: the costmap fails to configure',
                f'write {LASER} or {CLOUD}',
            )
            continue
        topic = source.block.text('topic', source.name) or ''
        carried = content_of(topic)
        if carried is not None and carried is not _CONTENT_OF_TYPE[kind]:
            written = 'is' if source.block.has('data_type') else 'is not written, so'
            yield error(
                where,
                f'{written} {kind}, while {topic} carries {carried.value}: '
                'the subscription never matches',
                f'write {CLOUD}' if carried is Content.CLOUD else 'correct the topic or the type',
            )
        if kind == CLOUD and source.block.flag('inf_is_valid'):
            yield warning(
                source.block.at('inf_is_valid'),
                'has no effect on point clouds',
                'delete it; send far points for clearing instead',
            )


def check_update_rate(stack: Stack) -> Iterator[Nav2Finding]:
    """Find frequencies where a period in seconds is wanted."""
    for costmap in stack.costmaps:
        for layer in costmap.of_class(*OBSTACLE_CLASSES, SEMANTIC_CLASS):
            for source in layer.sources:
                period = source.block.number('expected_update_rate', 0.0)
                if period is not None and period > _LONG_PERIOD_S:
                    yield warning(
                        source.block.at('expected_update_rate'),
                        f'is a period in seconds: a sensor may be dead for {period:g} s '
                        'before the costmap counts as old',
                        f'write seconds, for {period:g} Hz about {2.0 / period:.2g}; 0.0 is off',
                    )


def check_sensor_frame(stack: Stack) -> Iterator[Nav2Finding]:
    """Find sensor frames from which no ray starts."""
    for costmap, _, source in _obstacle_sources(stack):
        frame = source.block.text('sensor_frame')
        where = source.block.at('sensor_frame')
        if frame and frame.startswith('/'):
            yield error(where, f'{frame}: TF knows no frame with a slash', f'write {frame[1:]}')
        elif frame and frame in (*_BODY_FRAMES, costmap.block.text('global_frame', 'map')):
            yield warning(
                where,
                f'rays would start at {frame}, not at the camera: clearing removes real obstacles',
                'leave it empty (the frame of the cloud) or name the sensor',
            )


def check_topics(stack: Stack) -> Iterator[Nav2Finding]:
    """Find relative topics, which Jazzy looks for below the costmap's own name."""
    if stack.release.joins_parent_namespace:
        return
    for costmap, layer, source in _obstacle_sources(stack):
        topic = source.block.text('topic', source.name)
        if topic and not topic.startswith('/'):
            written = source.block.at('topic')
            yield error(written, *_relative(costmap, topic, layer))


def _carries(source: Source, name: str) -> bool:
    """Tell whether a source listens to a topic of this suite."""
    return is_ours(source.block.text('topic', source.name) or '', name)


def _relative(costmap: Costmap, topic: str, layer: Layer) -> tuple[str, str]:
    """Return complaint and cure for a relative topic."""
    space = '/' + costmap.node.path.rpartition('/')[0]
    return (
        f'{topic} is relative: before Kilted, {layer.name} listens to {space.rstrip("/")}/{topic}',
        f'write /{topic}, with the namespace of the robot if it has one',
    )


def _obstacle_sources(stack: Stack) -> Iterator[tuple[Costmap, Layer, Source]]:
    """Yield the sources of obstacle and voxel layers that are switched on."""
    for costmap in stack.costmaps:
        for layer in costmap.of_class(*OBSTACLE_CLASSES):
            for source in layer.sources:
                yield costmap, layer, source


def _missing_sources(layer: Layer) -> Iterator[Nav2Finding]:
    """Yield sources that are listed and not described, or described and not listed."""
    names = layer.block.names('observation_sources')
    where = layer.block.at('observation_sources')
    if not layer.block.is_settled('observation_sources'):
        return
    if not names:
        yield error(
            where, 'is empty: the layer subscribes to nothing', 'name the sources: scan camera'
        )
    for name in names:
        if layer.block.block(name) is None:
            yield error(
                where,
                f'{name} has no block: it would listen to a topic {name} as {LASER} '
                'and drop every point above 0 m',
                f'write a block {name}: with topic, data_type, max_obstacle_height and clearing',
            )
    for name, block in layer.block.blocks():
        if names and name not in names and (block.has('topic') or block.has('segmentation_topic')):
            yield warning(
                block.at(),
                'is configured and not in observation_sources: never subscribed',
                f'add {name} to observation_sources (words between spaces), or delete the block',
            )


def _idle(layer: Layer, source: Source) -> Iterator[Nav2Finding]:
    """Yield a source that neither marks nor clears, or a layer that never marks."""
    if source.block.flag('marking', True) is not False:
        return
    where = source.block.at('marking')
    if source.block.flag('clearing', False) is False:
        yield error(
            where, 'neither marks nor clears: the source does nothing', 'write marking: true'
        )
    elif not any(item.block.flag('marking', True) for item in layer.sources):
        yield warning(where, f'no source of {layer.name} marks obstacles', 'write marking: true')


def _empty_range(block: Block, kind: str, default: float) -> Iterator[Nav2Finding]:
    """Yield a range whose upper end is not above its lower."""
    upper = block.number(f'{kind}_max_range', default)
    lower = block.number(f'{kind}_min_range', 0.0)
    if upper is not None and lower is not None and upper <= lower:
        yield error(
            block.at(f'{kind}_max_range'),
            f'{upper:g} m is not above {kind}_min_range {lower:g} m: no point is in range',
            f'write {kind}_max_range in metres, such as {default}',
        )
