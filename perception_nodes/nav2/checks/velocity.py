"""The velocity smoother, and the message type that the whole chain must share."""

from __future__ import annotations

from collections.abc import Iterator

from perception_nodes.nav2.block import Block
from perception_nodes.nav2.finding import Nav2Finding, error, warning
from perception_nodes.nav2.nodes import Kind, Node
from perception_nodes.nav2.stack import Stack

_FEEDBACKS = ('OPEN_LOOP', 'CLOSED_LOOP')
# x, y, rotation; Nav2 1.5 takes the limits of all six axes too.
_AXES = (3, 6)
# Parameter, default, and the sign that all values must have.
_LIMITS = {
    'max_velocity': ([0.5, 0.0, 2.5], 1),
    'min_velocity': ([-0.5, 0.0, -2.5], -1),
    'max_accel': ([2.5, 0.0, 3.2], 1),
    'max_decel': ([-2.5, 0.0, -3.2], -1),
}
# Nodes that publish or read velocities.
_SPEAKERS = (
    'controller_server',
    'behavior_server',
    'velocity_smoother',
    'collision_monitor',
    'docking_server',
    'following_server',
    'path_following_node',
)


def check_limits(stack: Stack) -> Iterator[Nav2Finding]:
    """Find limits with a wrong sign or length, and dead bands that swallow everything."""
    for node in stack.of_kind(Kind.VELOCITY_SMOOTHER):
        block = node.block
        for name, (_, sign) in _LIMITS.items():
            values = block.numbers(name)
            if values is None:
                continue
            if len(values) not in _AXES:
                yield error(
                    block.at(name),
                    f'{len(values)} numbers: the smoother fails to configure',
                    'write three: x, y, rotation',
                )
            elif any(value * sign < 0 for value in values):
                side = 'negative' if sign > 0 else 'positive'
                yield error(
                    block.at(name),
                    f'{side} values: the smoother fails to configure',
                    'write max_* as positive, min_velocity and max_decel as negative numbers',
                )
        yield from _stuck(block)


def check_timing(stack: Stack) -> Iterator[Nav2Finding]:
    """Find smoothers that never run, stop at once, or wait for odometry nobody names."""
    for node in stack.of_kind(Kind.VELOCITY_SMOOTHER):
        block = node.block
        for name in ('smoothing_frequency', 'velocity_timeout'):
            value = block.number(name, 1.0)
            if value is not None and value <= 0:
                yield error(
                    block.at(name),
                    f'{value:g}: no velocity leaves the smoother',
                    'write 20.0' if name == 'smoothing_frequency' else 'write 1.0',
                )
        feedback = block.text('feedback', _FEEDBACKS[0])
        if feedback is not None and feedback not in _FEEDBACKS:
            yield error(
                block.at('feedback'),
                f'{feedback}: the smoother fails to configure',
                f'write {" or ".join(_FEEDBACKS)}',
            )


def check_stamped(stack: Stack) -> Iterator[Nav2Finding]:
    """Find nodes of one chain that speak Twist to nodes that listen for TwistStamped."""
    default = stack.release.stamped_by_default
    speakers = [node for node in stack.nodes if node.name in _SPEAKERS]
    written = [node for node in speakers if node.block.has('enable_stamped_cmd_vel')]
    if default is None:
        for node in written:
            yield warning(
                node.block.at('enable_stamped_cmd_vel'),
                'does not exist in Humble and is ignored: all nodes speak Twist',
                'delete it',
            )
        return
    stamped = [node for node in speakers if _flag(node, default) is True]
    plain = [node for node in speakers if _flag(node, default) is False]
    if stamped and plain:
        odd = min((stamped, plain), key=len)
        others = ', '.join(node.name for node in (plain if odd is stamped else stamped))
        for node in odd:
            yield error(
                node.block.at('enable_stamped_cmd_vel'),
                f'{str(odd is stamped).lower()} here, {str(odd is plain).lower()} in {others}: '
                'topics of two types never connect, the robot does not move',
                'write the same value in every node of the chain',
            )


def _flag(node: Node, default: bool) -> bool | None:
    return node.block.flag('enable_stamped_cmd_vel', default)


def _stuck(block: Block) -> Iterator[Nav2Finding]:
    """Yield a dead band or a limit under which the robot cannot move."""
    limits = block.numbers('max_velocity') or _LIMITS['max_velocity'][0]
    dead = block.numbers('deadband_velocity')
    if limits and not any(limits) and not any(block.numbers('min_velocity') or [1.0]):
        yield error(
            block.at('max_velocity'),
            'is zero on every axis: the robot never moves',
            'write limits',
        )
    if dead and any(d > 0 and abs(d) >= m > 0 for d, m in zip(dead, limits, strict=False)):
        yield error(
            block.at('deadband_velocity'),
            'is as large as the largest velocity: every command becomes zero',
            'write what the motors cannot resolve, such as 0.01',
        )
