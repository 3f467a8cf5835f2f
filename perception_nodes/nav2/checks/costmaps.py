"""Costmaps as a whole: frames, timing, footprint, size."""

from __future__ import annotations

import json
from collections.abc import Iterator

from perception_nodes.nav2.costmap import Costmap
from perception_nodes.nav2.finding import Nav2Finding, error, info, warning
from perception_nodes.nav2.stack import Stack

_UPDATE_HZ = 5.0
_LOCAL_SLOWEST_HZ = 2.0
_PUBLISH_HZ = 1.0
_TOLERANCE_S = 0.3
_PATIENCE_S = 60.0
# Above this a robot with dead odometry is navigated for seconds on its last pose.
_LONG_TOLERANCE_S = 2.0
_GLOBAL_FRAME = 'map'
_BASE_FRAME = 'base_link'
_INFLATION_RADIUS_M = 0.55
_FEWEST_CORNERS = 3


def check_frames(stack: Stack) -> Iterator[Nav2Finding]:
    """Find frames that TF does not know or that the nodes disagree about."""
    for costmap in stack.costmaps:
        for name in ('global_frame', 'robot_base_frame'):
            frame = costmap.block.text(name)
            if frame is not None and (frame.startswith('/') or not frame):
                yield error(
                    costmap.block.at(name),
                    f"'{frame}' is no frame of TF: the costmap never becomes active",
                    f"write '{frame.strip('/') or _GLOBAL_FRAME}'",
                )
        if costmap.block.text('global_frame', _GLOBAL_FRAME) == _base(costmap):
            yield error(
                costmap.block.at('global_frame'),
                'is the frame of the robot itself: obstacles would move along with it',
                'write odom (local) or map (global)',
            )
        if _is_local(costmap) and not costmap.block.has('global_frame'):
            yield warning(
                costmap.block.at('global_frame'),
                'is not written, so map: every correction of the localisation shifts obstacles',
                'write global_frame: odom',
            )
    yield from _disagreement(stack)
    yield from _server_frames(stack)


def check_frequencies(stack: Stack) -> Iterator[Nav2Finding]:
    """Find costmaps that are never updated or published."""
    for costmap in stack.costmaps:
        rate = costmap.block.number('update_frequency', _UPDATE_HZ)
        where = costmap.block.at('update_frequency')
        if rate is not None and rate <= 0:
            yield error(where, f'{rate:g}: the costmap is never updated', 'write 5.0')
        elif rate is not None and rate < _LOCAL_SLOWEST_HZ and _is_local(costmap):
            yield warning(
                where,
                f'{rate:g} Hz: a local costmap that old lets the controller drive into people',
                'write 5.0 or more',
            )
        published = costmap.block.number('publish_frequency', _PUBLISH_HZ)
        if published is not None and published <= 0:
            yield warning(
                costmap.block.at('publish_frequency'),
                f'{published:g}: behaviours and RViz get no costmap',
                'write 1.0 or more',
            )


def check_tolerance(stack: Stack) -> Iterator[Nav2Finding]:
    """Find tolerances that drop every measurement or accept dead odometry."""
    for costmap in stack.costmaps:
        patience = costmap.block.number('initial_transform_timeout', _PATIENCE_S)
        if patience is not None and patience <= 0:
            yield error(
                costmap.block.at('initial_transform_timeout'),
                f'{patience:g} s: the costmap gives up before the first transform arrives',
                'write 60.0',
            )
        tolerance = costmap.block.number('transform_tolerance', _TOLERANCE_S)
        where = costmap.block.at('transform_tolerance')
        if tolerance is None:
            continue
        if tolerance <= 0:
            yield error(
                where,
                f'{tolerance:g} s: the pose of the robot is always too old, '
                'the costmap is not updated',
                'write 0.3',
            )
        elif tolerance > _LONG_TOLERANCE_S:
            yield warning(
                where,
                f'{tolerance:g} s: a pose of that age is taken for the present one',
                'write 0.3, or cure the delay of the odometry',
            )


def check_footprint(stack: Stack) -> Iterator[Nav2Finding]:
    """Find costmaps that do not know how large the robot is."""
    for costmap in stack.costmaps:
        block = costmap.block
        # An entry with a line or two completes another file that has the rest.
        if not block.has('plugins'):
            continue
        has_footprint = block.has('footprint') and block.values.get('footprint') not in ('', '[]')
        if has_footprint:
            yield from _bad_footprint(costmap)
            if block.text('footprint') and block.has('robot_radius'):
                yield info(block.at('robot_radius'), 'has no effect: footprint wins', 'delete one')
        elif not block.has('robot_radius'):
            yield warning(
                block.at('robot_radius'),
                'neither robot_radius nor footprint is written: the robot counts as 0.1 m',
                'write robot_radius in metres, or footprint as text of corners',
            )
        yield from _thin_inflation(costmap)


def check_size(stack: Stack) -> Iterator[Nav2Finding]:
    """Find costmaps that the robot drives out of."""
    for costmap in stack.costmaps:
        block = costmap.block
        for name in ('width', 'height', 'resolution'):
            value = block.number(name, 1.0)
            if value is not None and value <= 0:
                yield error(
                    block.at(name), f'{value:g}: the costmap has no cells', f'write {name} above 0'
                )
        settled = block.has('plugins') and block.is_settled('plugins')
        if settled and costmap.is_rolling is False and not costmap.of_class('StaticLayer'):
            yield warning(
                block.at('rolling_window'),
                'is false and no static layer gives the size: the costmap stays a few metres '
                'around the origin, the robot drives out of it',
                'write rolling_window: true',
            )


def _is_local(costmap: Costmap) -> bool:
    return costmap.node.name == 'local_costmap'


def _base(costmap: Costmap) -> str | None:
    return costmap.block.text('robot_base_frame', _BASE_FRAME)


def _disagreement(stack: Stack) -> Iterator[Nav2Finding]:
    """Yield costmaps of one robot with different base frames."""
    first: dict[str, Costmap] = {}
    for costmap in stack.costmaps:
        frame = _base(costmap)
        robot = costmap.node.path.rpartition('/')[0].rpartition('/')[0]
        other = first.setdefault(robot, costmap)
        theirs = _base(other)
        if frame and theirs and frame != theirs:
            yield warning(
                costmap.block.at('robot_base_frame'),
                f'{frame} here, {theirs} in {other.node.path}: '
                'both costmaps see the robot at different places',
                'write the same frame in both',
            )


def _server_frames(stack: Stack) -> Iterator[Nav2Finding]:
    """Yield servers that work in another frame than the costmap they read."""
    pairs = (
        ('bt_navigator', 'global_frame', 'map', 'global_costmap'),
        ('behavior_server', 'local_frame', 'odom', 'local_costmap'),
    )
    for server_name, parameter, default, costmap_name in pairs:
        for server in stack.named(server_name):
            frame = server.block.text(parameter, default)
            for costmap in stack.costmaps:
                theirs = costmap.block.text('global_frame', _GLOBAL_FRAME)
                if costmap.node.name != costmap_name or not frame or not theirs:
                    continue
                if frame != theirs:
                    yield warning(
                        server.block.at(parameter),
                        f'{frame} here, while {costmap_name} is in {theirs}',
                        f'write {theirs}, or correct the costmap',
                    )


def _bad_footprint(costmap: Costmap) -> Iterator[Nav2Finding]:
    """Yield a footprint that cannot be read; the costmap then falls back to its radius."""
    text = costmap.block.text('footprint')
    if text is None:
        return
    try:
        corners = json.loads(text)
        sound = len(corners) >= _FEWEST_CORNERS and all(len(corner) == 2 for corner in corners)
    except (ValueError, TypeError, RecursionError):
        sound = False
    if not sound:
        yield error(
            costmap.block.at('footprint'),
            'cannot be read as three or more corners: the robot counts as a circle instead',
            "write '[[0.3, 0.2], [0.3, -0.2], [-0.3, -0.2], [-0.3, 0.2]]'",
        )


def _thin_inflation(costmap: Costmap) -> Iterator[Nav2Finding]:
    """Yield an inflation that ends inside the robot."""
    radius = costmap.block.number('robot_radius')
    if radius is None or costmap.block.has('footprint'):
        return
    for layer in costmap.layers:
        inflation = layer.block.number('inflation_radius', _INFLATION_RADIUS_M)
        if layer.is_inflation and inflation is not None and inflation <= radius:
            yield warning(
                layer.block.at('inflation_radius'),
                f'{inflation:g} m is not more than the robot ({radius:g} m): '
                'planners hug every obstacle',
                'write robot_radius plus the clearance wanted',
            )
