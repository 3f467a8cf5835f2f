"""Voxel layers: columns of voxels that end below what should be marked."""

from __future__ import annotations

from collections.abc import Iterator

from perception_nodes.nav2.checks.sources import CLOUD, LASER, LAYER_MAX_HEIGHT_M, MAX_HEIGHT_M
from perception_nodes.nav2.costmap import Layer
from perception_nodes.nav2.finding import Nav2Finding, error, warning
from perception_nodes.nav2.stack import Stack

_VOXELS = 10
_VOXEL_HEIGHT_M = 0.2
# A column of voxels is one 32-bit number, two bits a voxel.
_MOST_VOXELS = 16


def check_voxels(stack: Stack) -> Iterator[Nav2Finding]:
    """Find voxel columns that are too low for what should be marked."""
    for costmap in stack.costmaps:
        for layer in costmap.of_class('VoxelLayer'):
            count = layer.block.number('z_voxels', _VOXELS)
            size = layer.block.number('z_resolution', _VOXEL_HEIGHT_M)
            bottom = layer.block.number('origin_z', 0.0)
            if count is not None and not 1 <= count <= _MOST_VOXELS:
                yield error(
                    layer.block.at('z_voxels'),
                    f'{count:g}: the layer holds 1 to {_MOST_VOXELS} voxels a column',
                    'write 16 at most and a larger z_resolution',
                )
            elif count and size is not None and bottom is not None:
                yield from _low_column(layer, bottom + count * size)


def _low_column(layer: Layer, column_top: float) -> Iterator[Nav2Finding]:
    """Yield cloud sources whose upper points lie above the voxels."""
    for source in layer.sources:
        if source.block.text('data_type', LASER) != CLOUD:
            continue
        tops = (
            source.block.number('max_obstacle_height', MAX_HEIGHT_M),
            layer.block.number('max_obstacle_height', LAYER_MAX_HEIGHT_M),
        )
        wanted = min((top for top in tops if top is not None), default=0.0)
        if column_top < wanted - 1e-6:
            yield warning(
                layer.block.at('z_voxels'),
                f'the voxels end at {column_top:g} m: points of {source.name} between there and '
                f'{wanted:g} m are dropped',
                f'write z_voxels times z_resolution of at least {wanted:g} m, '
                f'for example 16 × {wanted / 16:.3g}',
            )
