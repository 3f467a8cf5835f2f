"""The semantic segmentation layer (kiwicampus): four topics and a table of costs."""

from __future__ import annotations

from collections.abc import Iterator

from perception_nodes.nav2.block import Block
from perception_nodes.nav2.costmap import SEMANTIC_CLASS
from perception_nodes.nav2.finding import Nav2Finding, error, warning
from perception_nodes.nav2.stack import Stack
from perception_nodes.nav2.topics import Content, content_of

_WANTED = {
    'segmentation_topic': Content.IMAGE,
    'pointcloud_topic': Content.CLOUD,
    'labels_topic': Content.LABELS,
}
_CONFIDENCE = 'confidence_topic'
_LETHAL = 254
_NO_INFORMATION = 255
# Confidence is a byte, and the layer compares with "greater than".
_MOST_CONFIDENCE = 255
_MAX_DISTANCE_M = 5.0
_MIN_DISTANCE_M = 0.3
_DECAY_S = 5.0


def check_topics(stack: Stack) -> Iterator[Nav2Finding]:
    """Find topics that are missing, of another kind, relative, or the same twice."""
    for block in _sources(stack):
        for name, wanted in _WANTED.items():
            if not block.has(name) or block.values.get(name) == '':
                yield error(
                    block.at(name),
                    'is missing: without it the layer never gets a synchronised set',
                    f'name the topic that carries {wanted.value}',
                )
            else:
                yield from _kind(block, name, wanted)
        if not block.has(_CONFIDENCE) or block.values.get(_CONFIDENCE) == '':
            yield warning(
                block.at(_CONFIDENCE),
                'is missing: every pixel counts as certain, mark_confidence does nothing',
                'write confidence_topic: /segmentation_node/confidence',
            )
        yield from _kind(block, _CONFIDENCE, Content.IMAGE)
        yield from _same_topic(block)


def check_classes(stack: Stack) -> Iterator[Nav2Finding]:
    """Find class types without a block, without classes, and classes named twice."""
    for block in _sources(stack):
        types = block.names('class_types')
        where = block.at('class_types')
        if not types and block.is_settled('class_types'):
            yield error(
                where,
                'is empty: the layer ends the whole process when it starts',
                "name the class types, such as ['drivable', 'danger']",
            )
        owner: dict[str, str] = {}
        for name in types:
            yield from _class_type(block, name, owner)
        for name, inner in block.blocks():
            if types and name not in types and inner.has('classes'):
                yield error(
                    inner.at(),
                    'is not in class_types: its classes are unknown to the layer and ignored',
                    f'add {name} to class_types',
                )


def check_costs(stack: Stack) -> Iterator[Nav2Finding]:
    """Find costs out of range, falling with evidence, or never reached."""
    for source in _sources(stack):
        for name in source.names('class_types'):
            block = source.block(name)
            if block is not None:
                yield from _costs(block)
                yield from _thresholds(block)


def check_ranges(stack: Stack) -> Iterator[Nav2Finding]:
    """Find distances without room between, and memories without length."""
    for block in _sources(stack):
        far = block.number('max_obstacle_distance', _MAX_DISTANCE_M)
        near = block.number('min_obstacle_distance', _MIN_DISTANCE_M)
        if far is not None and near is not None and far <= near:
            yield error(
                block.at('max_obstacle_distance'),
                f'{far:g} m is not above min_obstacle_distance {near:g} m: every point is dropped',
                'write metres from the camera, such as 5.0',
            )
        decay = block.number('tile_map_decay_time', _DECAY_S)
        if decay is not None and decay <= 0:
            yield error(
                block.at('tile_map_decay_time'),
                f'{decay:g} s: observations are forgotten before they are used',
                'write seconds, such as 5.0',
            )


def _sources(stack: Stack) -> Iterator[Block]:
    for costmap in stack.costmaps:
        for layer in costmap.of_class(SEMANTIC_CLASS):
            for source in layer.sources:
                yield source.block


def _kind(block: Block, name: str, wanted: Content) -> Iterator[Nav2Finding]:
    """Yield a topic that is relative or whose name says that it carries something else."""
    topic = block.text(name)
    if not topic:
        return
    carried = content_of(topic)
    if carried is not None and carried is not wanted:
        yield error(
            block.at(name),
            f'{topic} carries {carried.value}, the layer wants {wanted.value}',
            'name the right topic',
        )
    if not topic.startswith('/'):
        space = '/' + block.node.rpartition('/')[0]
        yield error(
            block.at(name),
            f'{topic} is relative: the layer listens to {space.rstrip("/")}/{topic}',
            f'write /{topic}, with the namespace of the robot if it has one',
        )


def _same_topic(block: Block) -> Iterator[Nav2Finding]:
    """Yield two inputs that read the same topic."""
    mask = block.text('segmentation_topic')
    if mask and mask == block.text(_CONFIDENCE):
        yield error(
            block.at(_CONFIDENCE),
            'is the mask itself: class ids would be taken for confidence',
            'name the confidence image',
        )


def _class_type(source: Block, name: str, owner: dict[str, str]) -> Iterator[Nav2Finding]:
    """Yield what is wrong with one class type; ``owner`` remembers who has which class."""
    block = source.block(name)
    if block is None or (not block.names('classes') and block.is_settled('classes')):
        yield error(
            source.at(name),
            'has no classes: the layer skips it, and these classes never reach the costmap',
            f'write {name}: with classes as in label_info, base_cost and max_cost',
        )
        return
    for item in block.names('classes'):
        first = owner.setdefault(item, name)
        if first != name:
            yield error(
                block.at('classes'),
                f'{item} is in {first} already: the costs here are not used',
                f'keep {item} in one class type',
            )


def _costs(block: Block) -> Iterator[Nav2Finding]:
    """Yield costs that are no costs, or that fall while evidence grows."""
    base = block.number('base_cost', 0)
    most = block.number('max_cost', 0)
    for name, cost in (('base_cost', base), ('max_cost', most)):
        if cost is not None and not 0 <= cost <= _LETHAL:
            meaning = 'means unknown' if cost == _NO_INFORMATION else 'wraps around in a byte'
            yield error(
                block.at(name),
                f'{cost:g} {meaning}',
                'write 0 (free) to 254 (lethal); 253 touches the robot, 1 to 252 is graded',
            )
    if base is not None and most is not None and base > most:
        written = 'is' if block.has('max_cost') else 'is not written, so'
        yield error(
            block.at('max_cost'),
            f'{written} {most:g}, below base_cost {base:g}: the surer the class, the cheaper',
            'write max_cost of at least base_cost',
        )


def _thresholds(block: Block) -> Iterator[Nav2Finding]:
    """Yield a confidence that no pixel can have."""
    confidence = block.number('mark_confidence', 0)
    if confidence is not None and confidence >= _MOST_CONFIDENCE:
        yield error(
            block.at('mark_confidence'),
            f'{confidence:g}: confidence is a byte and must be greater, max_cost is never used',
            'write 0 to 254; 178 is a probability of 0.7',
        )
