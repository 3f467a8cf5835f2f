"""Lifecycle managers, bonds and clocks: what decides whether a node ever becomes active."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from perception_nodes.nav2.finding import Nav2Finding, error, info, warning
from perception_nodes.nav2.nodes import Kind, Node
from perception_nodes.nav2.stack import Stack

# How alike two names are before one is called a slip of the other, 0 to 1.
_ALIKE = 0.75
_BOND_TIMEOUT_S = 4.0
_HEARTBEAT_S = 0.1
# The manager waits half its timeout for a bond to form.
_BEATS_NEEDED = 3.0
# Nodes that Nav2 and this suite bring up through a lifecycle manager.
_OWN_NODES = frozenset(
    {
        'camera_node',
        'detection_node',
        'path_following_node',
        'segmentation_node',
        'semantic_map_node',
    }
)
_MANAGED = _OWN_NODES | {
    'amcl',
    'behavior_server',
    'bt_navigator',
    'collision_detector',
    'collision_monitor',
    'controller_server',
    'docking_server',
    'following_server',
    'map_server',
    'planner_server',
    'route_server',
    'smoother_server',
    'velocity_smoother',
    'waypoint_follower',
}
_INNER_COSTMAPS = ('local_costmap', 'global_costmap')


def check_managed_nodes(stack: Stack) -> Iterator[Nav2Finding]:
    """Find managers without nodes, and nodes without a manager."""
    managers = stack.of_kind(Kind.LIFECYCLE_MANAGER)
    managed: set[str] = set()
    for manager in managers:
        names = manager.block.names('node_names')
        managed.update(name.strip('/').rpartition('/')[2] for name in names)
        yield from _names(manager, names)
        yield from _unconfigured(stack, manager, names)
        if manager.block.flag('autostart', False) is False:
            yield info(
                manager.block.at('autostart'),
                'is false (the default): all nodes wait for the service manage_nodes',
                'write autostart: true',
            )
    settled = all(manager.block.is_settled('node_names') for manager in managers)
    if not managers or not settled:
        return
    for node in stack.nodes:
        if node.name not in _MANAGED or node.name in managed:
            continue
        if node.block.flag('autostart') or node.block.flag('autostart_node'):
            continue
        yield warning(
            node.block.at(),
            'is configured and in no node_names: it stays unconfigured and silent',
            f'add {node.name} to node_names of a lifecycle manager',
        )


def check_bond(stack: Stack) -> Iterator[Nav2Finding]:
    """Find bonds that cannot form, and crashes that nobody would notice."""
    for manager in stack.of_kind(Kind.LIFECYCLE_MANAGER):
        timeout = manager.block.number('bond_timeout', _BOND_TIMEOUT_S)
        if timeout is None:
            continue
        where = manager.block.at('bond_timeout')
        if timeout <= 0:
            yield warning(
                where,
                f'{timeout:g} switches bonds off: a node that crashes is not noticed',
                'write 4.0; all nodes here send heartbeats',
            )
            continue
        for name in manager.block.names('node_names'):
            for node in stack.named(name.strip('/').rpartition('/')[2]):
                yield from _heartbeat(node, timeout)


def check_clock(stack: Stack) -> Iterator[Nav2Finding]:
    """Find nodes on simulated time beside nodes on system time."""
    told = [node for node in stack.nodes if node.block.flag('use_sim_time') is not None]
    simulated = [node for node in told if node.block.flag('use_sim_time')]
    real = [node for node in told if not node.block.flag('use_sim_time')]
    if not simulated:
        return
    for node in real:
        yield error(
            node.block.at('use_sim_time'),
            f'is false, true in {simulated[0].name}: stamps of one lie years away from the other',
            'write one value everywhere, best as a launch argument',
        )
    # A costmap takes the clock of the server that owns it.
    silent = [n for n in stack.nodes if n not in told and n.kind is not Kind.COSTMAP]
    for node in silent:
        if node.path in {'', '**'} or not node.block.values:
            continue
        if node.block.has('use_sim_time'):
            continue
        yield warning(
            node.block.at('use_sim_time'),
            f'is not written, true in {simulated[0].name}: '
            'unless the launch file sets it, this node runs on system time',
            "write it once for all nodes: '/**': ros__parameters: use_sim_time: true",
        )


def _names(manager: Node, names: list[str]) -> Iterator[Nav2Finding]:
    """Yield what is wrong with the list of a manager."""
    where = manager.block.at('node_names')
    if not names and manager.block.is_settled('node_names'):
        yield error(where, 'is empty: no node is ever activated', 'name the nodes in their order')
    for name in names:
        if name.strip('/').rpartition('/')[2] in _INNER_COSTMAPS:
            yield error(
                where,
                f'{name} belongs to its server, which brings it up: the manager fails on it',
                f'delete {name}',
            )
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield error(where, f'{name} is listed twice: its second configure fails', 'delete one')


def _unconfigured(stack: Stack, manager: Node, names: list[str]) -> Iterator[Nav2Finding]:
    """Yield listed nodes that these files do not configure, an error when it is a slip."""
    configured = [node.name for node in stack.nodes]
    for full_name in names:
        name = full_name.strip('/').rpartition('/')[2]
        if name in configured or name in _INNER_COSTMAPS:
            continue
        close = get_close_matches(name, configured, n=1, cutoff=_ALIKE)
        where = manager.block.at('node_names')
        if close and name not in _MANAGED:
            yield error(
                where,
                f'{name} is no node of these files: the manager waits for it for ever',
                f'write {close[0]}',
            )
        else:
            yield info(where, f'{name} has no parameters in these files: it runs on defaults')


def _heartbeat(node: Node, timeout_s: float) -> Iterator[Nav2Finding]:
    """Yield a node whose heartbeat is off or too slow, or that starts itself as well."""
    period = node.block.number('bond_heartbeat_period', _HEARTBEAT_S)
    where = node.block.at('bond_heartbeat_period')
    if period is not None and period <= 0:
        yield error(
            where,
            f'{period:g} sends no heartbeat: the manager gives up on {node.name} and '
            'brings every node down',
            f'write {_HEARTBEAT_S}, or bond_timeout: 0.0 in the manager',
        )
    elif period is not None and period * _BEATS_NEEDED > timeout_s:
        yield error(
            where,
            f'{period:g} s is too slow for bond_timeout {timeout_s:g} s of the manager',
            f'write {_HEARTBEAT_S}',
        )
    starts_itself = node.block.flag('autostart') if node.name in _OWN_NODES else None
    if starts_itself or node.block.flag('autostart_node'):
        name = 'autostart' if starts_itself else 'autostart_node'
        yield error(
            node.block.at(name),
            'is true under a lifecycle manager: both configure the node, the second fails',
            f'write {name}: false',
        )
