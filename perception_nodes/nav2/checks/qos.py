"""Quality-of-service overrides that part a publisher from the layers of Nav2."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from perception_nodes.nav2.block import Block
from perception_nodes.nav2.finding import Nav2Finding, error
from perception_nodes.nav2.stack import Stack
from perception_nodes.nav2.topics import LABEL_INFO, OCCUPANCY, is_ours

_MAP = 'map'
# Who asks for transient local and reliable, whatever the publisher offers.
_LATCHED = {
    LABEL_INFO: 'the semantic segmentation layer',
    OCCUPANCY: 'the static layer',
    _MAP: 'the static layer',
}
_NEEDED = {'durability': 'transient_local', 'reliability': 'reliable'}


def check_qos(stack: Stack) -> Iterator[Nav2Finding]:
    """Find publishers of maps and labels that offer less than Nav2 asks for."""
    for node in stack.nodes:
        overrides = node.block.block('qos_overrides')
        if overrides is None:
            continue
        for topic, block in overrides.blocks():
            reader = next((who for name, who in _LATCHED.items() if is_ours(topic, name)), None)
            publisher = _publisher(block)
            if reader is not None and publisher is not None:
                yield from _too_weak(publisher, topic, reader)


def _publisher(block: Block) -> Block | None:
    """Return the overrides of the publisher, with or without an id behind its name."""
    for name, values in block.values.items():
        if str(name).startswith('publisher') and isinstance(values, Mapping):
            return block.block(name)
    return None


def _too_weak(publisher: Block, topic: str, reader: str) -> Iterator[Nav2Finding]:
    for policy, needed in _NEEDED.items():
        offered = publisher.text(policy)
        if offered is not None and offered not in (needed, 'system_default'):
            yield error(
                publisher.at(policy),
                f'{offered}: {reader} asks for {needed} on {topic} and receives nothing',
                f'write {needed}, or delete the override',
            )
