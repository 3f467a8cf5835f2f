"""A costmap as its parameters describe it: layers in order, and their sources."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from perception_nodes.nav2.block import Block
from perception_nodes.nav2.nodes import Node

# What a costmap without a list of plugins loads (nav2_costmap_2d, all releases).
DEFAULT_LAYERS = {
    'static_layer': 'nav2_costmap_2d::StaticLayer',
    'obstacle_layer': 'nav2_costmap_2d::ObstacleLayer',
    'inflation_layer': 'nav2_costmap_2d::InflationLayer',
}
OBSTACLE_CLASSES = frozenset({'ObstacleLayer', 'VoxelLayer'})
SEMANTIC_CLASS = 'SemanticSegmentationLayer'
_INFLATION_CLASSES = frozenset(
    {'InflationLayer', 'AsymmetricInflationLayer', 'LegacyInflationLayer'}
)


@dataclass(frozen=True, kw_only=True)
class Source:
    """One observation source that has a block."""

    name: str
    block: Block


@dataclass(frozen=True, kw_only=True)
class Layer:
    """
    One layer of the list ``plugins``.

    :param name: its name in the list.
    :param plugin: the class with its package, empty when unknown.
    :param block: its parameters, empty when it has no block.
    """

    name: str
    plugin: str
    block: Block

    @property
    def class_name(self) -> str:
        """The class without its package."""
        return self.plugin.replace('/', '::').rpartition('::')[2]

    @property
    def is_inflation(self) -> bool:
        """Whether it spreads cost around obstacles."""
        return self.class_name in _INFLATION_CLASSES

    @property
    def is_enabled(self) -> bool:
        """Whether it does anything."""
        return self.block.flag('enabled', True) is not False

    @cached_property
    def sources(self) -> tuple[Source, ...]:
        """Its observation sources in order; those without a block are left out."""
        found = (
            (name, self.block.block(name)) for name in self.block.names('observation_sources')
        )
        return tuple(Source(name=name, block=block) for name, block in found if block is not None)


@dataclass(frozen=True, kw_only=True)
class Costmap:
    """A costmap node with its layers."""

    node: Node

    @property
    def block(self) -> Block:
        """The parameters at the top."""
        return self.node.block

    @property
    def is_rolling(self) -> bool | None:
        """Whether the map moves with the robot; None when a launch file decides."""
        return self.block.flag('rolling_window', False)

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """
        The layers that would be loaded, in their order.

        Without a list, only those default layers that the entry speaks of: it may be a line or
        two that complete another file.
        """
        names = self.block.names('plugins')
        if not self.block.has('plugins'):
            names = [name for name in DEFAULT_LAYERS if self.block.has(name)]
        return tuple(self._layer(name) for name in names)

    def of_class(self, *names: str) -> list[Layer]:
        """Return the enabled layers of some classes."""
        return [layer for layer in self.layers if layer.class_name in names and layer.is_enabled]

    def _layer(self, name: str) -> Layer:
        empty = Block(node=self.block.node, path=name, values={})
        block = self.block.block(name) or empty
        fallback = DEFAULT_LAYERS.get(name, '') if self.has_default_layers else ''
        return Layer(name=name, plugin=block.text('plugin', fallback) or '', block=block)

    @property
    def has_default_layers(self) -> bool:
        """Whether the list is the built-in one, whose classes need not be written."""
        return not self.block.has('plugins') or self.block.names('plugins') == list(DEFAULT_LAYERS)
