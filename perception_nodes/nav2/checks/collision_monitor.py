"""The collision monitor: sources, zones, and its place in the chain of velocities."""

from __future__ import annotations

from collections.abc import Iterator

from perception_nodes.nav2.block import Block
from perception_nodes.nav2.finding import Nav2Finding, error, info, warning
from perception_nodes.nav2.nodes import Kind
from perception_nodes.nav2.release import Release
from perception_nodes.nav2.stack import Stack
from perception_nodes.nav2.topics import Content, content_of

_CONTENTS = {'scan': Content.SCAN, 'pointcloud': Content.CLOUD, 'costmap': Content.GRID}
_POLYGON_TYPES = ('polygon', 'circle', 'velocity_polygon')
_ACTIONS = ('stop', 'slowdown', 'limit', 'approach', 'none')
_IN_TOPIC = 'cmd_vel_smoothed'
_OUT_TOPIC = 'cmd_vel'
_SMOOTHER_OUT = 'cmd_vel_smoothed'
# Above this, an obstacle may be twice as near as the last frame says at 0.5 m/s.
_LONG_TIMEOUT_S = 5.0
_MIN_HEIGHT_M = 0.05
_MAX_HEIGHT_M = 0.5


def check_sources(stack: Stack) -> Iterator[Nav2Finding]:
    """Find sources without a block, of an unknown type, or of another type than their topic."""
    for block in _monitors(stack):
        names = block.names('observation_sources')
        where = block.at('observation_sources')
        if not names and block.is_settled('observation_sources'):
            yield error(where, 'is empty: no zone can ever act', "write ['obstacles']")
        for name in names:
            source = block.block(name)
            if source is None:
                yield error(
                    where,
                    f'{name} has no block: it would listen to a laser scan on scan',
                    f'write a block {name}: with type and topic',
                )
            else:
                yield from _source(source, stack.release)
        yield from _unlisted(block, names)


def check_timeout(stack: Stack) -> Iterator[Nav2Finding]:
    """Find sources whose silence is not noticed."""
    for block in _monitors(stack):
        names = block.names('observation_sources')
        own = (block.block(name) for name in names)
        for part in (block, *(source for source in own if source is not None)):
            timeout = part.number('source_timeout')
            if timeout is None:
                continue
            where = part.at('source_timeout')
            if timeout == 0:
                yield warning(
                    where,
                    '0 switches the watch off: a dead camera lets the robot drive on',
                    'write about five periods of the sensor, such as 1.0',
                )
            elif timeout < 0:
                yield error(where, 'is negative: every source counts as dead', 'write 1.0')
            elif timeout > _LONG_TIMEOUT_S:
                yield warning(
                    where,
                    f'the robot drives {timeout:g} s on the last data of a dead sensor',
                    'write about five periods of the sensor, such as 1.0',
                )


def check_polygons(stack: Stack) -> Iterator[Nav2Finding]:
    """Find zones that are incomplete, unused, or that no source feeds."""
    for block in _monitors(stack):
        names = block.names('polygons')
        where = block.at('polygons')
        if not names and block.is_settled('polygons'):
            yield error(where, 'is empty: the monitor never acts', 'name one zone at least')
        for name in names:
            polygon = block.block(name)
            if polygon is None:
                yield error(
                    where,
                    f'{name} has no block: the monitor fails to configure',
                    f'write a block {name}: with type, action_type and a shape',
                )
            else:
                yield from _polygon(polygon, block)


def check_chain(stack: Stack) -> Iterator[Nav2Finding]:
    """Find velocity topics that loop back or pass the smoother by."""
    smoothers = stack.of_kind(Kind.VELOCITY_SMOOTHER)
    for block in _monitors(stack):
        taken = block.text('cmd_vel_in_topic', _IN_TOPIC)
        given = block.text('cmd_vel_out_topic', _OUT_TOPIC)
        if taken is None or given is None:
            continue
        if taken.strip('/') == given.strip('/'):
            yield error(
                block.at('cmd_vel_out_topic'),
                f'{given} is also the input: the monitor listens to itself',
                f'take {_IN_TOPIC}, give {_OUT_TOPIC}',
            )
        elif given.strip('/') == _SMOOTHER_OUT and smoothers:
            yield error(
                block.at('cmd_vel_out_topic'),
                f'{given} is what the velocity smoother publishes: two speak there, '
                'and the stop is overwritten',
                f'give {_OUT_TOPIC}',
            )
        elif smoothers and taken.strip('/') != _SMOOTHER_OUT:
            yield warning(
                block.at('cmd_vel_in_topic'),
                f'{taken} is not what the velocity smoother publishes ({_SMOOTHER_OUT}): '
                'unless the launch file renames it, one of the two is out of the chain',
                f'write {_SMOOTHER_OUT}',
            )


def _monitors(stack: Stack) -> Iterator[Block]:
    for node in stack.of_kind(Kind.COLLISION_MONITOR):
        if node.block.flag('enabled', True) is False:
            continue
        yield node.block


def _source(source: Block, release: Release) -> Iterator[Nav2Finding]:
    """Yield what is wrong with one source."""
    kind = source.text('type', 'scan')
    if kind is None:
        return
    if kind not in release.monitor_sources:
        yield error(
            source.at('type'),
            f'{kind} is no source of {release.value}: the monitor fails to configure',
            f'write one of {", ".join(release.monitor_sources)}',
        )
        return
    topic = source.text('topic', 'scan') or ''
    carried = content_of(topic)
    if kind in _CONTENTS and carried is not None and carried is not _CONTENTS[kind]:
        written = 'is' if source.has('type') else 'is not written, so'
        yield error(
            source.at('type'),
            f'{written} {kind}, while {topic} carries {carried.value}: nothing is received, '
            'and the robot never starts',
            f'write type: {next((k for k, v in _CONTENTS.items() if v is carried), "polygon")}',
        )
    if kind == 'pointcloud':
        yield from _heights(source)
    if source.flag('enabled', True) is False:
        yield info(source.at('enabled'), 'is false: the source is not looked at')


def _heights(source: Block) -> Iterator[Nav2Finding]:
    """Yield height limits without room between."""
    low = source.number('min_height', _MIN_HEIGHT_M)
    top = source.number('max_height', _MAX_HEIGHT_M)
    if low is not None and top is not None and top <= low:
        yield error(
            source.at('max_height'),
            f'{top:g} m is not above min_height {low:g} m: every point is dropped',
            'write metres above base_frame_id, such as 0.05 and 1.5',
        )


def _unlisted(block: Block, names: list[str]) -> Iterator[Nav2Finding]:
    """Yield zones and sources that no list names."""
    polygons = block.names('polygons')
    for name, inner in block.blocks():
        if name in names or name in polygons:
            continue
        is_zone = inner.has('action_type')
        if is_zone or inner.has('topic'):
            target = 'polygons' if is_zone else 'observation_sources'
            yield warning(
                inner.at(),
                f'is configured and not in {target}: it does nothing',
                f'add {name} to {target}, or delete the block',
            )


def _polygon(polygon: Block, monitor: Block) -> Iterator[Nav2Finding]:
    """Yield what is wrong with one zone."""
    kind = polygon.text('type')
    if not polygon.has('type') or (kind is not None and kind not in _POLYGON_TYPES):
        yield error(
            polygon.at('type'),
            f'{kind or "is missing"}: the monitor fails to configure',
            f'write one of {", ".join(_POLYGON_TYPES)}',
        )
    action = polygon.text('action_type')
    if not polygon.has('action_type') or (action is not None and action not in _ACTIONS):
        yield error(
            polygon.at('action_type'),
            f'{action or "is missing"}: the monitor fails to configure',
            f'write one of {", ".join(_ACTIONS)}',
        )
    yield from _shape(polygon, kind, action)
    yield from _zone_sources(polygon, monitor)
    least = polygon.number('min_points', 4)
    if least is not None and least < 1:
        yield error(
            polygon.at('min_points'),
            f'{least:g}: the zone acts without any obstacle',
            'write 4 or more',
        )


def _shape(polygon: Block, kind: str | None, action: str | None) -> Iterator[Nav2Finding]:
    """Yield a zone without a shape."""
    needed = {
        'polygon': ('points', 'polygon_sub_topic'),
        'circle': ('radius', 'polygon_sub_topic'),
        'velocity_polygon': ('velocity_polygons',),
    }.get(kind or '')
    # An approach zone takes the footprint of the local costmap by default.
    if needed is None or (kind == 'polygon' and action == 'approach'):
        return
    if not any(polygon.has(name) for name in needed):
        yield error(
            polygon.at(needed[0]),
            f'a {kind} without {" or ".join(needed)}: the monitor fails to configure',
            f'write {needed[0]}',
        )


def _zone_sources(polygon: Block, monitor: Block) -> Iterator[Nav2Finding]:
    """Yield a zone that no source feeds."""
    where = polygon.at('sources_names')
    if not polygon.has('sources_names') or not polygon.is_settled('sources_names'):
        return
    names = polygon.names('sources_names')
    if not names:
        yield error(where, 'is empty: the zone never acts', 'delete it to use all sources')
    if not monitor.is_settled('observation_sources'):
        return
    for name in names:
        if name not in monitor.names('observation_sources'):
            yield error(
                where,
                f'{name} is not in observation_sources: the monitor fails to configure',
                f'add {name} to observation_sources',
            )
